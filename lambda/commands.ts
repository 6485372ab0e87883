import { Session } from './data-api/session.ts'
import { CommandError, MigrationError, UnknownOutcome } from './errors.ts'
import { planDowngrade } from './revisions/downgrade-plan.ts'
import { historyRevisions } from './revisions/history-range.ts'
import type { Plan, Step } from './revisions/plan.ts'
import type { Revision } from './revisions/revision.ts'
import type { RevisionMap } from './revisions/revision-map.ts'
import { stampRows } from './revisions/stamp-plan.ts'
import { planUpgrade } from './revisions/upgrade-plan.ts'
import { currentRevisions, refuseOverlap, unknownRows } from './revisions/version-rows.ts'
import { readFirstState } from './runner/database-state.ts'
import { type HistoryRow, recentStatement } from './runner/history.ts'
import type { ErrorReport, Report, Status } from './runner/report.ts'
import { RunProgress, runPlan } from './runner/runner.ts'
import type { RunnerContext, RunPlan, RunStep } from './runner/runner-context.ts'

/** What a command works with: the runner's context, and the revisions of the bundle. */
export interface CommandContext extends RunnerContext {
  readonly map: RevisionMap
  revision(id: string): Revision
}

/** Applies every revision up to `target` that is not applied yet. Default target: `heads`. */
export function upgrade(context: CommandContext, target = 'heads'): Promise<Report> {
  return move(context, 'upgrade', (rows) =>
    revisionSteps(context, planUpgrade(context.map, rows, target)),
  )
}

/** Takes back every revision above `target`; there is no default. */
export function downgrade(context: CommandContext, target: string): Promise<Report> {
  return move(context, 'downgrade', (rows) =>
    revisionSteps(context, planDowngrade(context.map, rows, target)),
  )
}

/** Sets the version rows without running any revision; `purge` forgets what they held, whether it is known or not. */
export function stamp(
  context: CommandContext,
  targets: readonly string[],
  options: { readonly purge?: boolean } = {},
): Promise<Report> {
  return move(context, 'stamp', () => (rows) => {
    const after = stampRows(context.map, rows, targets, { purge: options.purge ?? false })
    // Alembic stores both, and its next upgrade then refuses the rows.
    refuseOverlap(context.map, after, 'target')
    const same = after.length === rows.length && after.every((row) => rows.includes(row))
    if (same) return []
    const revision = after.join(', ') || 'base'
    const doc = `stamp ${targets.join(' ')}`
    return [
      { revision, doc, direction: 'stamp', rowsBefore: rows, rowsAfter: after, run: () => {} },
    ]
  })
}

/** The version rows as they are now, and which revisions they stand for. */
export interface CurrentReport {
  readonly status: Status
  readonly command: 'current'
  readonly rows: readonly string[]
  /** Whether every head is applied. */
  readonly atHeads: boolean
  readonly revisions: readonly RevisionReport[]
  /** Rows that no revision of this bundle has. */
  readonly unknown: readonly string[]
}

export async function current(context: CommandContext): Promise<CurrentReport> {
  const { rows } = await readFirstState(context, new Session(context.api, context.sessionOptions))
  const unknown = unknownRows(context.map, rows)
  const known = rows.filter((row) => !unknown.includes(row))
  return {
    status: 'succeeded',
    command: 'current',
    rows,
    atHeads: unknown.length === 0 && context.map.realHeads.every((head) => rows.includes(head)),
    revisions: currentRevisions(context.map, known).map((id) => describeRevision(context, id)),
    unknown,
  }
}

/** One revision, for people. */
export interface RevisionReport {
  readonly revision: string
  readonly downRevision: readonly string[]
  readonly branchLabels: readonly string[]
  readonly dependsOn: readonly string[]
  readonly doc: string
  readonly head: boolean
}

/** The heads of the bundle; no database call. */
export function heads(context: Pick<CommandContext, 'map' | 'revision'>): {
  readonly status: Status
  readonly command: 'heads'
  readonly revisions: readonly RevisionReport[]
} {
  const revisions = context.map.heads.map((id) => describeRevision(context, id))
  return { status: 'succeeded', command: 'heads', revisions }
}

export interface HistoryReport {
  readonly status: Status
  readonly command: 'history'
  /** Rows of the version table. */
  readonly current: readonly string[]
  /** Every revision of the bundle, newest first. */
  readonly revisions: readonly RevisionReport[]
  /** What was run on this database, newest first, failed steps included. */
  readonly runs: readonly HistoryRow[]
}

/** The revisions of the bundle and the newest `limit` history rows of the database. */
export async function history(context: CommandContext, limit = 50): Promise<HistoryReport> {
  const session = new Session(context.api, context.sessionOptions)
  const state = await readFirstState(context, session)
  const runs = state.ready ? await session.read(recentStatement(context.table, limit)) : []
  return {
    status: 'succeeded',
    command: 'history',
    current: state.rows,
    revisions: historyRevisions(context.map, ':', []).map((id) => describeRevision(context, id)),
    runs: runs as unknown as HistoryRow[],
  }
}

function describeRevision(
  { map, revision }: Pick<CommandContext, 'map' | 'revision'>,
  id: string,
): RevisionReport {
  const { downRevision, branchLabels = [], dependsOn = [], doc } = revision(id)
  const down = downRevision === null ? [] : [downRevision].flat()
  return {
    revision: id,
    downRevision: down,
    branchLabels,
    dependsOn,
    doc,
    head: map.heads.includes(id),
  }
}

function revisionSteps(context: CommandContext, plan: Plan): RunPlan {
  const withRevision = (step: Step): RunStep => {
    const revision = context.revision(step.revision)
    return { ...step, doc: revision.doc, run: revision[step.direction] }
  }
  return (rows) => plan.steps(rows).map(withRevision)
}

/** Runs a plan and makes the report of it; what went wrong is in the report, not thrown. */
async function move(
  context: CommandContext,
  command: string,
  makePlan: (rows: readonly string[]) => RunPlan,
): Promise<Report> {
  const progress = new RunProgress()
  const report = (status: Status, error?: ErrorReport): Report => ({
    status,
    command,
    runId: context.run.runId,
    from: progress.from,
    to: progress.state?.rows ?? [],
    steps: progress.applied,
    pending: progress.left.map(({ revision }) => revision),
    warnings: warningsOf(progress),
    ...(error && { error }),
  })
  try {
    await runPlan(context, makePlan, progress)
    return report(progress.left.length === 0 ? 'succeeded' : 'incomplete')
  } catch (error) {
    const failure = errorReport(error)
    context.log.warn(failure.message, { ...failure })
    return report(error instanceof UnknownOutcome ? 'unknown' : 'failed', failure)
  }
}

function warningsOf({ state, left }: RunProgress): string[] {
  const warnings: string[] = []
  if (state?.open) {
    const { direction, revision, done } = state.open
    warnings.push(
      `the ${direction} of ${revision} is half done: ${done} statement(s) are committed; finish it with '${direction} ${revision}'`,
    )
  }
  if (left.length > 0 && state?.holder) {
    warnings.push(`another run holds the lock (database process ${state.holder.pid})`)
  }
  return warnings
}

/** An error as a report shows it; never with a stack or a secret. */
export function errorReport(error: unknown): ErrorReport {
  if (error instanceof MigrationError) {
    const { revision, direction, statement, sqlState } = error.failure
    return {
      kind: 'MigrationError',
      message: error.message,
      revision,
      direction,
      ...(statement !== undefined && { statement }),
      ...(sqlState !== undefined && { sqlState }),
    }
  }
  if (error instanceof CommandError) return { kind: error.kind, message: error.message }
  const { name, message } =
    error instanceof Error ? error : { name: 'Error', message: String(error) }
  return { kind: name, message }
}
