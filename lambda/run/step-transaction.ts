import { randomUUID } from 'node:crypto'
import { type MigrationError, UnknownOutcome } from '../errors.ts'
import type { DatabaseState, OpenStep } from '../ledger/database-state.ts'
import type { Timeouts } from '../ledger/history.ts'
import { NotSent } from '../session/batch.ts'
import { batchCall } from '../session/executor.ts'
import type { SessionOptions } from '../session/session-options.ts'
import { Transaction } from '../session/transaction.ts'
import { causesOf, messageOf } from '../thrown.ts'
import type { Attempts } from './attempts.ts'
import type { BlockProgress } from './block/block-progress.ts'
import { FenceLost } from './block/fence-lost.ts'
import { StatementWatch } from './block/statement-watch.ts'
import { commitOrResolve, NotCommitted } from './commit.ts'
import type { StepReport } from './report.ts'
import { NotAwaited } from './revision-code.ts'
import type { RunnerContext, RunStep } from './runner-context.ts'
import { Step, type StepScope } from './step.ts'
import { OutOfTime, type StepTime, untilTime } from './step-time.ts'

/** Steps that did not take place because another run moved the database, or holds the lock: read the state and plan again. */
export const LOST = Symbol('lost')

/** Steps that were stopped because the time was up, and rolled back; a later run does them. */
export const STOPPED = Symbol('stopped')

const TIMEOUTS: Timeouts = { lockMs: 5_000, statementMs: 0 }

/** What a step must know of the database. */
export interface StepState extends Pick<DatabaseState, 'lastSeq' | 'batches'> {
  readonly open: Pick<OpenStep, 'token' | 'seq' | 'revision' | 'direction'> | null
}

/** One try of several. */
export interface TryOptions {
  readonly time: StepTime
  /** Follows each statement to its end, however long it takes. */
  readonly follow: boolean
  /** Sends statements that return nothing together. */
  readonly together: boolean
  /** What the autocommit blocks did in the tries before. */
  readonly progress: BlockProgress
  readonly attempts: Attempts
}

/**
 * One try to apply steps in one transaction: for each the fence, the revision's statements and the move of the version
 * rows, then the commit.
 *
 * `apply` throws {@link MigrationError} when a step failed: all are rolled back, and `recordFailure` writes that one into
 * the history. It throws `UnknownOutcome` when the database could not be asked whether the commit took place.
 */
export class StepTransaction {
  readonly #context: RunnerContext
  readonly #time: StepTime
  readonly #transaction: Transaction
  readonly #watch: StatementWatch
  readonly #steps: readonly Step[]
  #current = 0

  constructor(
    context: RunnerContext,
    steps: readonly RunStep[],
    state: StepState,
    { time, follow, together, progress, attempts }: TryOptions,
  ) {
    this.#context = context
    this.#time = time
    progress.restart()
    const timeouts = context.timeouts ?? TIMEOUTS
    const mark = randomUUID()
    this.#watch = new StatementWatch(context, { lockMs: timeouts.lockMs, mark })
    const options: SessionOptions = {
      ...context.sessionOptions,
      follow,
      watch: this.#watch.watch,
      ...(together && { batchCall: batchCall(context.table.executor, mark) }),
    }
    this.#transaction = new Transaction(context.api, options)
    const watch = this.#watch
    const scope = {
      context,
      transaction: this.#transaction,
      options,
      watch,
      timeouts,
      progress,
      attempts,
    }
    this.#steps = placed(scope, steps, state)
  }

  async apply(): Promise<readonly StepReport[] | typeof LOST | typeof STOPPED> {
    try {
      await this.#transaction.begin()
      await untilTime(this.#time.stopAt, () => this.#applySteps())
      await this.#commit()
      for (const { code } of this.#steps) code.commit()
      return this.#steps.map((step) => step.report({ ofSeveral: this.#steps.length > 1 }))
    } catch (error) {
      return await this.#ended(error)
    }
  }

  /** What an error makes of the try: it is over without a failure, or throws the failure. */
  async #ended(error: unknown): Promise<typeof LOST | typeof STOPPED> {
    const { isInBlock } = this.#failing
    for (const step of this.#steps) step.end()
    const cause = error instanceof UnknownOutcome ? error : await this.#causeOf(error)
    if (cause instanceof UnknownOutcome) throw cause
    if (cause instanceof FenceLost) {
      await this.#rollback()
      await this.#failing.release()
      return LOST
    }
    // A statement of a block goes on in the database, and the next run waits for it.
    const goesOn = this.#time.mayTryAgain() || isInBlock
    if (cause instanceof OutOfTime && goesOn) return await this.#stop(cause)
    throw await this.#fail(cause)
  }

  /**
   * Releases the history row that the failed try has left, for the next try. Returns what that takes over; `undefined`
   * where the row was not committed.
   */
  async release(): Promise<Pick<OpenStep, 'token' | 'seq'> | undefined> {
    const { seq } = this.#failing.entry
    const token = await this.#failing.release()
    return token === undefined ? undefined : { token, seq }
  }

  /**
   * Writes the history row of what {@link apply} threw. Only the failure that ends a run is written: a deployment reports
   * what its rows say, and a try that is retried is no end.
   */
  async recordFailure(error: MigrationError): Promise<void> {
    await this.#failing.recordFailure(error)
  }

  async #applySteps(): Promise<void> {
    for (const step of this.#steps) {
      this.#current = this.#steps.indexOf(step)
      await step.apply()
    }
    await this.#transaction.flush()
  }

  /** The last step's row tells whether all are committed; once another run took the first one's number, none is. */
  async #commit(): Promise<void> {
    const [first, last] = [this.#steps[0], this.#steps.at(-1)]
    if (first === undefined || last === undefined) return
    const isCommitted = ({ outcome }: { outcome: string }) =>
      outcome === 'done' || outcome === 'stamped'
    const trace = { token: last.entry.token, seq: first.entry.seq, isCommitted }
    if (await commitOrResolve(this.#context, last.session, trace)) return
    throw new NotCommitted()
  }

  /** What came first: a statement that was put off may have failed before what the revision met. */
  async #causeOf(error: unknown): Promise<unknown> {
    if (error instanceof OutOfTime) return error
    const { failure: before } = this.#transaction
    await this.#transaction.flush().catch(() => 'it is the failure now')
    if (error instanceof NotAwaited) return error
    const { failure, failedPutOff } = this.#transaction
    if (failure === undefined || isFrom(error, failure)) return error
    // The end of what was still under way does not replace what the revision threw before it.
    const cameFirst = failure === before || failedPutOff || failure instanceof FenceLost
    return cameFirst ? failure : error
  }

  /** Rolls back and writes no failure: a later run does the steps, and takes over the row of one with autocommit blocks. */
  async #stop({ message }: OutOfTime): Promise<typeof STOPPED> {
    const { name, code } = this.#failing
    const waited = code.waitsFor === undefined ? '' : `, while it waited for ${code.waitsFor}`
    this.#context.log.warn(`${name} was ${message}${waited}: rolled back, a later run does it`)
    await this.#watch.cancel()
    await this.#rollback()
    await this.#failing.release()
    return STOPPED
  }

  /** Rolls back, and makes the error of the step that failed. */
  async #fail(error: unknown): Promise<MigrationError> {
    if (error instanceof OutOfTime) await this.#watch.cancel()
    await this.#rollback()
    return this.#failing.failure(this.#watch.explain(error))
  }

  /** The step with the statement that failed, or the one that was at work. */
  get #failing(): Step {
    const failing = this.#steps.find(({ session }) => session.count.hasFailed)
    return failing ?? (this.#steps[this.#current] as Step)
  }

  async #rollback(): Promise<void> {
    try {
      await untilTime(this.#context.deadline, () => this.#transaction.rollback())
    } catch (error) {
      this.#context.log.warn(
        'the rollback got no answer: the service ends the transaction in 3 minutes',
        { error: messageOf(error) },
      )
    }
  }
}

/** The steps with their numbers; only the first can be one that an interrupted run has left. */
function placed(scope: StepScope, steps: readonly RunStep[], { open, lastSeq }: StepState): Step[] {
  let seq = lastSeq
  return steps.map((step, index) => {
    const left = index === 0 ? open : null
    if (left && takesOver(step, left)) {
      return new Step(scope, step, { seq: left.seq, takenOver: left.token, abandoned: undefined })
    }
    seq += 1
    return new Step(scope, step, { seq, takenOver: undefined, abandoned: left?.token })
  })
}

/** Whether a step is the one that an interrupted run has left. */
export function takesOver(
  { revision, direction }: RunStep,
  left: Pick<OpenStep, 'revision' | 'direction'>,
): boolean {
  return direction !== 'stamp' && left.revision === revision && left.direction === direction
}

/** Whether the revision has the failure from its own statement, or has made its own error of that. */
function isFrom(error: unknown, failure: Error): boolean {
  if (error instanceof NotSent) return false
  return causesOf(error).some((cause) => cause === failure || cause === failure.cause)
}
