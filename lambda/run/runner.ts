import { CommandError } from '../errors.ts'
import {
  createTables,
  type DatabaseState,
  type OpenStep,
  readFirstState,
  readState,
  refusePopulated,
} from '../ledger/database-state.ts'
import { Session } from '../session/session.ts'
import { Attempts } from './attempts.ts'
import { BatchExecutor } from './batch-executor.ts'
import { OtherRun } from './other-run.ts'
import type { StepReport } from './report.ts'
import type { RunnerContext, RunPlan, RunStep } from './runner-context.ts'
import { stopTime } from './step-time.ts'
import { LOST, STOPPED, takesOver } from './step-transaction.ts'
import { applySteps } from './step-tries.ts'
import { Waits } from './waits.ts'

/** How far a run came; kept up to date while it goes on, so that a failure can be reported with what was done before it. */
export class RunProgress {
  /** Version rows before the run. */
  from: readonly string[] = []
  /** What the database is left in, as far as it was seen. */
  state: DatabaseState | undefined
  readonly applied: StepReport[] = []
  /** Steps still to do; the first one is the one that failed, if one did. */
  left: readonly RunStep[] = []
}

/**
 * Reads the state, plans, and applies one step after another until none is left or the time is up.
 *
 * Each step is a transaction of its own, so whatever was applied before a failure stays applied; with `transaction: 'run'`
 * all steps are one. A run never queues on a lock: when another run is at work it polls, then plans again for the same
 * goal. A step that is at work when the time is up is rolled back and left to the next run; but when it had the whole time of a run for itself, it failed.
 * Throws `CommandError` when nothing was run, `MigrationError` or `UnknownOutcome` when a step failed.
 */
export async function runPlan(
  given: RunnerContext,
  makePlan: (state: DatabaseState) => RunPlan,
  progress: RunProgress,
): Promise<void> {
  const stopAt = stopTime(given.deadline)
  const waits = new Waits(given)
  const { context } = waits
  const attempts = new Attempts()
  const reader = new Session(context.api, context.sessionOptions)
  let state = await readFirstState(context, reader)
  const plan = makePlan(state)
  const see = (seen: DatabaseState, left: readonly RunStep[]) => {
    state = seen
    progress.state = seen
    progress.left = left
  }
  see(state, plan(state.rows))
  progress.from = state.rows
  refuseIrreversible(progress.left)
  const beside = {
    reader,
    otherRun: new OtherRun(context),
    executor: new BatchExecutor(context, reader),
  }
  const hasAllTime = () =>
    progress.applied.length === 0 && context.fullTime !== false && !waits.tookTime
  const time = { stopAt, mayTryAgain: () => !hasAllTime() }
  let isNewPlan = true
  for (;;) {
    const [step] = progress.left
    if (step === undefined || Date.now() >= stopAt || context.stop?.aborted) return
    if (isNewPlan && (await context.mayGoOn?.()) === false) return
    const steps = context.transaction === 'run' ? progress.left : [step]
    const ready = await readied(context, beside, step, state)
    const outcome = ready === LOST ? LOST : await applySteps(context, steps, ready, time, attempts)
    if (outcome === STOPPED) return
    isNewPlan = outcome === LOST
    if (outcome === LOST || ready === LOST) {
      waits.waitedForRun()
      const seen = await readState(reader, context.table)
      see(seen, plan(seen.rows))
    } else {
      progress.applied.push(...outcome)
      for (const step of outcome) tell(context, step)
      see(steps.reduce(after, ready), progress.left.slice(steps.length))
    }
  }
}

function tell({ log }: RunnerContext, step: StepReport): void {
  log.info(`applied ${step.direction} of ${step.revision} (${step.doc})`, { ...step })
}

/** What a run needs beside its steps. */
interface Beside {
  readonly reader: Session
  readonly otherRun: OtherRun
  readonly executor: BatchExecutor
}

/** The state in which the step can be tried: with our tables made. Lost while another run is at work. */
async function readied(
  context: RunnerContext,
  { reader, otherRun, executor }: Beside,
  step: RunStep,
  state: DatabaseState,
): Promise<DatabaseState | typeof LOST> {
  if (!state.ready) refusePopulated(context.table, step, state)
  const isMade = state.ready && state.upToDate
  // Had another run made the tables and gone on, it would have taken our number: the fence sees that.
  const isFree = !state.open?.leased && !state.holder
  if (!isFree || !(isMade || (await createTables(reader, context.table)))) {
    await otherRun.wait(state)
    return LOST
  }
  if (state.open) {
    refuseFormer(step, state.open)
    if (await otherRun.isWorking(reader, state.open)) return LOST
    tellOpen(context, step, state.open)
  }
  return await executor.ensured({ ...state, ready: true, upToDate: true })
}

/** What a Read would answer after a step of ours, without asking. */
function after(state: DatabaseState, step: RunStep): DatabaseState {
  const isTakenOver = state.open !== null && takesOver(step, state.open)
  const lastSeq = isTakenOver ? state.lastSeq : state.lastSeq + 1
  return { ...state, rows: step.rowsAfter, lastSeq, open: null }
}

/** What becomes of the row that an interrupted run has left. */
function tellOpen({ log }: RunnerContext, step: RunStep, open: OpenStep): void {
  const what = `the ${open.direction} of ${open.revision} by ${open.who}, begun ${open.started_at}, was interrupted`
  log.warn(
    takesOver(step, open)
      ? `${what}: it begins again`
      : `${what} and is abandoned: what its autocommit blocks have committed stays${open.error ? ` (${open.error})` : ''}`,
  )
}

function refuseIrreversible(steps: readonly RunStep[]): void {
  const irreversible = steps.filter(({ run }) => run === null)
  if (irreversible.length === 0) return
  const ids = irreversible.map(({ revision }) => revision).join(', ')
  throw new CommandError(
    'Irreversible',
    `cannot downgrade past ${ids}: its downgrade is null; nothing was run. Write a downgrade, or go on with a new revision that undoes the change`,
  )
}

/**
 * A former version of this package committed what came before an autocommit block, to be skipped by the next run. It
 * cannot be run again from the start.
 */
function refuseFormer(step: RunStep, open: OpenStep): void {
  if (open.done === 0 || step.direction === 'stamp') return
  const statements = (JSON.parse(open.digest ?? '[]') as { readonly text: string }[]).map(
    ({ text }) => `'${text.slice(0, 80)}'`,
  )
  throw new CommandError(
    'InterruptedStep',
    `cannot run ${step.direction} of ${step.revision}: the ${open.direction} of ${open.revision} by ${open.who} (begun ${open.started_at}) was interrupted by a former version of aurora-migrations after it had committed ${open.done} statement(s), ${statements.join(', ')}: finish it with that version ('${open.direction} ${open.revision}'), or finish it by hand and 'stamp' the revision`,
  )
}
