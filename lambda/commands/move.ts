import { UnknownOutcome } from '../errors.ts'
import { type DatabaseState, openWarning } from '../ledger/database-state.ts'
import { planDowngrade } from '../revisions/downgrade-plan.ts'
import { BASE } from '../revisions/identifiers.ts'
import type { Plan, Step } from '../revisions/plan.ts'
import { stampRows } from '../revisions/stamp-plan.ts'
import { downgradeTarget } from '../revisions/targets.ts'
import { planUpgrade } from '../revisions/upgrade-plan.ts'
import { refuseOverlap } from '../revisions/version-rows.ts'
import type { ErrorReport, Report, Status } from '../run/report.ts'
import { RunProgress, runPlan } from '../run/runner.ts'
import type { RunPlan, RunStep } from '../run/runner-context.ts'
import type { CommandContext } from './context.ts'
import { editedRevisions, editedWarnings } from './edited-revisions.ts'
import { errorReport } from './error-report.ts'
import { idleWarnings } from './idle-steps.ts'

export interface UpgradeOptions {
  /** Refuse to run when the file of an applied revision was edited. Default: false, which warns. */
  readonly strict?: boolean
  /** Begin in a database that holds tables and no version table. Default: false, which refuses it. */
  readonly fromScratch?: boolean
}

/** Applies every revision up to `target` that is not applied yet. Default target: `heads`. */
export function upgrade(
  context: CommandContext,
  target = 'heads',
  { strict = false, fromScratch = false }: UpgradeOptions = {},
): Promise<Report> {
  return move(context, 'upgrade', (state) => {
    const warnings = editedWarnings(editedRevisions(context, state), strict)
    const plan = planUpgrade(context.map, state.rows, target)
    const steps = revisionSteps(context, plan, { intoPopulated: fromScratch })
    return { steps, warnings, resume: isRelative(target) ? plan.goal.join() : target }
  })
}

/** Takes back every revision above `target`; there is no default. */
export function downgrade(context: CommandContext, target: string): Promise<Report> {
  return move(context, 'downgrade', ({ rows }) => {
    const plan = planDowngrade(context.map, rows, target)
    return { steps: revisionSteps(context, plan), resume: resumedDowngrade(context, target, rows) }
  })
}

/** Sets the version rows without running any revision; `purge` forgets what they held, whether it is known or not. */
export function stamp(
  context: CommandContext,
  targets: readonly string[],
  { purge = false }: { readonly purge?: boolean } = {},
): Promise<Report> {
  const steps: RunPlan = (rows) => {
    const after = stampRows(context.map, rows, targets, { purge })
    // Alembic stores both, and its next upgrade then refuses the rows.
    refuseOverlap(context.map, after, 'target')
    const same = after.length === rows.length && after.every((row) => rows.includes(row))
    if (same) return []
    const revision = after.join(', ') || BASE
    const doc = `stamp ${targets.join(' ')}`
    const step = { revision, doc, direction: 'stamp', run: () => {}, intoPopulated: true } as const
    return [{ ...step, rowsBefore: rows, rowsAfter: after }]
  }
  return move(context, 'stamp', () => ({ steps, resume: targets.join(' ') }))
}

/** What a command is going to do, once it has seen the state of the database. */
interface Planned {
  readonly steps: RunPlan
  readonly warnings?: readonly string[]
  readonly resume: string
}

function revisionSteps(
  context: CommandContext,
  plan: Plan,
  options: Pick<RunStep, 'intoPopulated'> = {},
): RunPlan {
  const withRevision = (step: Step): RunStep => {
    const revision = context.revision(step.revision)
    const { doc, checksum, file } = revision
    const known = {
      ...(checksum !== undefined && { checksum }),
      ...(file !== undefined && { file }),
    }
    const run = revision[step.direction]
    return { ...step, ...options, doc, run, ...known }
  }
  return (rows) => plan.steps(rows).map(withRevision)
}

/** A relative target counts from the rows there are, so it means something else once a run has moved them. */
function isRelative(target: string): boolean {
  return /[+-]\d+$/.test(target)
}

function resumedDowngrade(
  { map }: CommandContext,
  target: string,
  rows: readonly string[],
): string {
  if (!isRelative(target)) return target
  const { branch, revision } = downgradeTarget(map, target, rows)
  return branch === undefined ? revision : `${branch}@${revision}`
}

/** Runs a plan and makes the report of it; what went wrong is in the report, not thrown. */
async function move(
  context: CommandContext,
  command: string,
  makePlan: (state: DatabaseState) => Planned,
): Promise<Report> {
  const progress = new RunProgress()
  const warnings: string[] = []
  const warn = (...lines: readonly string[]) => {
    for (const line of lines) {
      // A revision that is run again says the same again.
      if (warnings.includes(line)) continue
      warnings.push(line)
      context.log.warn(line)
    }
  }
  let resume: string | undefined
  const report = (status: Status, error?: ErrorReport): Report => {
    warn(...idleWarnings(context, progress.applied))
    return {
      ...{ status, command, runId: context.run.runId },
      from: progress.from,
      to: progress.state?.rows ?? [],
      steps: progress.applied,
      pending: progress.left.map(({ revision }) => revision),
      warnings: [...warnings, ...warningsOf(progress)],
      ...(resume !== undefined && isUnfinished(status) && { resume }),
      ...(error && { error }),
    }
  }
  const plan = (state: DatabaseState) => {
    const planned = makePlan(state)
    resume = planned.resume
    warn(...state.warnings, ...(planned.warnings ?? []))
    return planned.steps
  }
  try {
    await runPlan({ ...context, warn }, plan, progress)
    return report(progress.left.length === 0 ? 'succeeded' : 'incomplete')
  } catch (error) {
    const { nothingRun, ...failure } = errorReport(error, context)
    const { message, ...attributes } = failure
    context.log.warn(message, attributes)
    const none = nothingRun && progress.applied.length === 0 && { nothingRun }
    return report(error instanceof UnknownOutcome ? 'unknown' : 'failed', { ...failure, ...none })
  }
}

function isUnfinished(status: Status): boolean {
  return status === 'incomplete' || status === 'unknown'
}

function warningsOf({ state, left }: RunProgress): string[] {
  const warnings: string[] = []
  if (state?.open) {
    warnings.push(openWarning(state.open))
  }
  if (left.length > 0 && state?.holder) {
    warnings.push(`another run holds the lock (database process ${state.holder.pid})`)
  }
  return warnings
}
