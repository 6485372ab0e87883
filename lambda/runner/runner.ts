import { setTimeout as sleep } from 'node:timers/promises'
import { Session } from '../data-api/session.ts'
import { CommandError } from '../errors.ts'
import {
  createTables,
  type DatabaseState,
  type OpenStep,
  readFirstState,
  readState,
} from './database-state.ts'
import type { StepReport } from './report.ts'
import type { RunnerContext, RunPlan, RunStep } from './runner-context.ts'
import { applyStep, LOST } from './step.ts'

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

/** No step is begun with less time than this before the deadline: it could not be rolled back and reported in time. */
const RESERVE_MS = 5_000
const SHORTEST_POLL_MS = 500
const LONGEST_POLL_MS = 2_000
/** The service ends a transaction that was idle for so long. */
const TRANSACTION_IDLE_SECONDS = 180

/**
 * Reads the state, plans, and applies one step after another until none is left or the time is up.
 *
 * Each step is a transaction of its own, so whatever was applied before a failure stays applied. A run never queues on a
 * lock: when another run is at work it polls, then plans again for the same goal.
 * Throws `CommandError` when nothing was run, `MigrationError` or `UnknownOutcome` when a step failed.
 */
export async function runPlan(
  context: RunnerContext,
  makePlan: (rows: readonly string[]) => RunPlan,
  progress: RunProgress,
): Promise<void> {
  const reader = new Session(context.api, context.sessionOptions)
  let state = await readFirstState(context, reader)
  const plan = makePlan(state.rows)
  const see = (seen: DatabaseState, left: readonly RunStep[]) => {
    state = seen
    progress.state = seen
    progress.left = left
  }
  see(state, plan(state.rows))
  progress.from = state.rows
  refuseIrreversible(progress.left)
  for (;;) {
    const [step] = progress.left
    if (step === undefined || Date.now() + RESERVE_MS > context.deadline) return
    const outcome = await attempt(context, reader, step, state)
    if (outcome === LOST) {
      const seen = await readState(reader, context.table)
      see(seen, plan(seen.rows))
    } else {
      progress.applied.push(outcome)
      context.log.info(`applied ${outcome.direction} of ${outcome.revision} (${outcome.doc})`, {
        ...outcome,
      })
      see(after(step, state), progress.left.slice(1))
    }
  }
}

/** Applies the step, unless the tables are still to be made or another run is at work. */
async function attempt(
  context: RunnerContext,
  reader: Session,
  step: RunStep,
  state: DatabaseState,
): Promise<StepReport | typeof LOST> {
  if (!state.ready) {
    if (!(await createTables(reader, context.table))) await waitForOther(context, state)
    return LOST
  }
  if (state.open?.leased || state.holder) {
    await waitForOther(context, state)
    return LOST
  }
  if (state.open && !mayFollow(step, state.open)) throw refuseOpen(step, state.open)
  return await applyStep(context, step, state)
}

/** What a Read would answer after a step of ours, without asking. */
function after(step: RunStep, state: DatabaseState): DatabaseState {
  const lastSeq = state.open ? state.lastSeq : state.lastSeq + 1
  return { ...state, rows: step.rowsAfter, lastSeq, open: null }
}

/** A half-done step can only be finished, or left behind by a stamp. */
function mayFollow(step: RunStep, open: OpenStep): boolean {
  return (
    step.direction === 'stamp' ||
    (open.revision === step.revision && open.direction === step.direction)
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

function refuseOpen(step: RunStep, open: OpenStep): CommandError {
  return new CommandError(
    'InterruptedStep',
    `cannot run ${step.direction} of ${step.revision}: the ${open.direction} of ${open.revision} by ${open.who} (begun ${open.started_at}) was interrupted after ${open.done} statement(s) were committed; finish it with '${open.direction} ${open.revision}' and the bundle it was begun with, or give it up with 'stamp'`,
  )
}

/** Waits a moment for the run that is at work, telling who it is and when the wait ends at the latest. */
async function waitForOther(
  context: RunnerContext,
  { open, holder }: DatabaseState,
): Promise<void> {
  if (open?.leased) {
    context.log.info(
      `waiting for the ${open.direction} of ${open.revision} by ${open.who}, begun ${open.started_at}; if it died it is taken over in ${open.lease_seconds} s`,
    )
  } else if (holder) {
    const expires = Math.max(0, TRANSACTION_IDLE_SECONDS - holder.idle_seconds)
    context.log.info(
      `waiting for another run: database process ${holder.pid} of role ${holder.role} holds the lock since ${holder.since}; if it died the service frees it in ${expires} s`,
    )
  }
  await sleep(SHORTEST_POLL_MS + Math.random() * (LONGEST_POLL_MS - SHORTEST_POLL_MS))
}
