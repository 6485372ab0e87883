import { type CommandContext, errorReport, upgrade } from '../commands.ts'
import { recordedError } from '../ledger/history.ts'
import { sameRows, stepsBetween } from '../ledger/movements.ts'
import { type RunRecord, readRunRecord } from '../ledger/run-record.ts'
import type { Revision } from '../revisions/revision.ts'
import { planUpgrade } from '../revisions/upgrade-plan.ts'
import { rowsAhead } from '../run/database-ahead.ts'
import type { Report } from '../run/report.ts'
import type { RunLog } from '../run/runner-context.ts'
import { bundled, commandContext } from './command-context.ts'
import { deploymentTarget } from './deployment-target.ts'
import { RunMetrics } from './run-metrics.ts'

/** An upgrade that a deployment asks for. It may be delivered more than once, and need more than one life of the function. */
export interface DeploymentRequest {
  /** The same for every delivery and every life. */
  readonly runId: string
  readonly source: 'custom-resource' | 'codepipeline'
  readonly target: string
  /** Milliseconds the function has left. */
  readonly remainingMs: number
  /** Milliseconds until the deployment must be over, whatever is left then. Default: no end. */
  readonly timeLeftMs?: number
  /** Whether permissions made by the same deployment may not be in force yet: to be denied is then `incomplete`. Default: false. */
  readonly mayLackPermissions?: boolean
  /** Whether a database that a newer bundle has moved on is fine, as after a rollback. */
  readonly mayBeAhead: boolean
}

/** Longest time of one life: Lambda's 15 minutes, less what the callers above it need. */
const LIFE_MS = 10 * 60_000

/**
 * Upgrades, and answers every delivery of one request alike; never throws.
 *
 * A request whose outcome is in the history is answered with that outcome and runs nothing, also when another delivery
 * of it was waited for. (A failure is there a moment after its lock is free: a delivery that comes in between tries the
 * revision once more, and is answered with the first failure all the same.) The report covers all lives of the request.
 */
export async function deploy(
  revisions: readonly Revision[],
  log: RunLog,
  request: DeploymentRequest,
): Promise<Report> {
  const metrics = new RunMetrics()
  const report = await run(revisions, log, request, metrics).catch((error: unknown): Report => {
    const { runId } = request
    const nothing = { from: [], to: [], steps: [], pending: [], warnings: [] }
    return { status: 'failed', command: 'upgrade', runId, ...nothing, error: errorReport(error) }
  })
  const status = request.mayLackPermissions && isDenied(report) ? 'incomplete' : report.status
  metrics.write(status, report.pending.length)
  return { ...report, status }
}

/** Denied before anything was run. */
function isDenied({ error }: Report): boolean {
  return error?.kind !== 'MigrationError' && /\(AccessDeniedException\)/.test(error?.message ?? '')
}

async function run(
  revisions: readonly Revision[],
  log: RunLog,
  request: DeploymentRequest,
  { observe }: RunMetrics,
): Promise<Report> {
  const { runId, source, timeLeftMs = Number.POSITIVE_INFINITY } = request
  const target = deploymentTarget(request.target)
  const bundle = bundled(revisions)
  const lifeMs = Math.min(LIFE_MS, request.remainingMs)
  const isDone = (rows: readonly string[]) => hasNoStep(bundle, rows, target)
  const context: CommandContext = {
    ...(await commandContext(bundle, log, {
      ...{ runId, source, observe },
      remainingMs: Math.min(lifeMs, timeLeftMs),
    })),
    fullTime: timeLeftMs >= lifeMs,
    mayGoOn: async () => !isOver(await readRunRecord(context), isDone),
  }
  const report = await upgrade(context, target)
  if (report.error?.kind === 'RevisionNotFound' && request.mayBeAhead) {
    const isKnown = (row: string) => bundle.map.has(row)
    const rows = await rowsAhead(context, { isKnown, isDone })
    if (rows) return aheadReport(report, rows, isKnown, log)
  }
  // Nothing can be read where the first Read failed.
  if (report.error && report.error.kind !== 'MigrationError') return report
  return await readRunRecord(context).then(
    async (record) => await withSteps(context, withRecord(report, record, isDone)),
    () => report,
  )
}

/** With the steps of others, where the run only waited for these: it reports the way from its `from` to its `to`. */
async function withSteps(context: CommandContext, report: Report): Promise<Report> {
  const { from, to, steps, status } = report
  if (status !== 'succeeded' || steps.length > 0 || sameRows(from, to)) return report
  return { ...report, steps: await stepsBetween(context, from, to) }
}

function hasNoStep(
  { map }: Pick<CommandContext, 'map'>,
  rows: readonly string[],
  target: string,
): boolean {
  try {
    return planUpgrade(map, rows, target).steps(rows).length === 0
  } catch {
    return false
  }
}

type IsDone = (rows: readonly string[]) => boolean

function isOver({ failure, moved }: RunRecord, isDone: IsDone): boolean {
  return failure !== undefined || (moved !== undefined && isDone(moved.to))
}

/** The report of one life, extended to the whole request. */
function withRecord(report: Report, record: RunRecord, isDone: IsDone): Report {
  const { steps, moved, failure } = record
  const whole = { ...report, steps, from: moved?.from ?? report.from }
  // The first failure is what the request was answered with; this life's own knows more of itself.
  const own = report.error && recordedError(report.error.message)
  if (failure && failure.message !== own) {
    return { ...whole, status: 'failed', error: { kind: 'MigrationError', ...failure } }
  }
  if (report.status === 'failed') return whole
  if (moved === undefined || !isDone(moved.to)) return whole
  return { ...whole, status: 'succeeded', to: moved.to, pending: [] }
}

function aheadReport(
  { error: _, ...report }: Report,
  rows: readonly string[],
  isKnown: (row: string) => boolean,
  log: RunLog,
): Report {
  const unknown = rows.filter((row) => !isKnown(row)).join(', ')
  const warning = `the database is ahead of this bundle: a newer one has applied ${unknown} after everything this one has; nothing was run and nothing was downgraded`
  log.warn(warning)
  return { ...report, status: 'succeeded', from: rows, to: rows, pending: [], warnings: [warning] }
}
