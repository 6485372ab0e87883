import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { StatementError } from '../data-api/errors.ts'
import { Session } from '../data-api/session.ts'
import { CommandError, type MigrationError, UnknownOutcome } from '../errors.ts'
import { Operations } from '../operations/operations.ts'
import { type BlockScope, runAutocommitBlock } from './autocommit-block.ts'
import { commitOrResolve } from './commit.ts'
import type { DatabaseState, OpenStep } from './database-state.ts'
import { recordFailure } from './failure-record.ts'
import { giveUpStatement, type HistoryEntry, type Timeouts } from './history.ts'
import { Journal } from './journal.ts'
import type { StepReport } from './report.ts'
import type { RunnerContext, RunStep } from './runner-context.ts'
import { StatementWatch } from './statement-watch.ts'
import { migrationError } from './step-failure.ts'
import { OutOfTime, type StepTime, untilTime } from './step-time.ts'
import { type Move, type MoveAnswer, moveProblem } from './version-table.ts'

/** A step that did not take place because another run moved the database, or holds the lock: read the state and plan again. */
export const LOST = Symbol('lost')

/** A step that was stopped because the time was up, and rolled back; a later run does it. */
export const STOPPED = Symbol('stopped')

const TIMEOUTS: Timeouts = { lockMs: 5_000, statementMs: 0 }

/**
 * Applies one revision in one transaction: fence, the revision's statements, the move of the version rows, commit.
 *
 * `apply` throws {@link MigrationError} when the revision failed (rolled back, and recorded in the history), and
 * `UnknownOutcome` when nobody could be asked whether the commit took place.
 */
export class StepAttempt {
  readonly #context: RunnerContext
  readonly #step: RunStep
  readonly #time: StepTime
  /** The step an interrupted run left, when this is the same one. */
  readonly #open: OpenStep | null
  /** The token of such a step when it is not: only a stamp may leave it behind. */
  readonly #givenUp: string | null
  readonly #entry: HistoryEntry
  readonly #journal: Journal
  readonly #session: Session
  readonly #watch: StatementWatch
  readonly #started = performance.now()
  /** Statements that an autocommit block has committed; they stay whatever happens. */
  #committed: number

  constructor(
    context: RunnerContext,
    step: RunStep,
    state: DatabaseState,
    time: StepTime,
    follow: boolean,
  ) {
    const continued = step.direction === 'stamp' ? null : state.open
    this.#context = context
    this.#step = step
    this.#time = time
    this.#open = continued
    this.#givenUp = state.open && !continued ? state.open.token : null
    this.#committed = continued?.done ?? 0
    this.#journal = new Journal(continued?.digest ?? null)
    const timeouts = context.timeouts ?? TIMEOUTS
    this.#watch = new StatementWatch(context, timeouts.lockMs)
    const { watch } = this.#watch
    const options = { ...context.sessionOptions, journal: this.#journal, follow, watch }
    this.#session = new Session(context.api, options)
    this.#entry = {
      token: randomUUID(),
      seq: continued?.seq ?? state.lastSeq + 1,
      run: context.run,
      revision: step.revision,
      direction: step.direction,
      doc: step.doc,
      ...(step.checksum !== undefined && { checksum: step.checksum }),
      from: step.rowsBefore,
      to: step.rowsAfter,
      timeouts,
    }
  }

  async apply(): Promise<StepReport | typeof LOST | typeof STOPPED> {
    try {
      await this.#session.begin()
      if (!(await this.#fence())) {
        await this.#session.rollback()
        return LOST
      }
      await this.#runRevision()
      await this.#move()
      await this.#commit()
      return this.#report()
    } catch (error) {
      if (error instanceof UnknownOutcome) throw error
      if (error instanceof OutOfTime && this.#time.mayTryAgain) return await this.#stop(error)
      throw await this.#fail(error)
    }
  }

  async #fence(): Promise<boolean> {
    const { table, run } = this.#context
    const { token, timeouts } = this.#entry
    const statement = this.#open
      ? table.fenceAgainStatement({ oldToken: this.#open.token, token, run, timeouts })
      : table.fenceStatement(this.#entry)
    try {
      const [answer] = await this.#session.own(statement)
      this.#watch.backend = Number(answer?.pid)
      return answer?.opened === 1
    } catch (error) {
      // Under repeatable read the winner's row shows up as a serialization failure.
      if (error instanceof StatementError && error.code === '40001') return false
      throw error
    }
  }

  async #runRevision(): Promise<void> {
    if (this.#givenUp !== null) {
      await this.#session.own(giveUpStatement(this.#context.table, this.#givenUp))
    }
    const op = new Operations(this.#session, {
      autocommitBlock: async (body) => {
        await runAutocommitBlock(this.#blockScope, body, () => {
          this.#committed = this.#journal.count
        })
      },
    })
    try {
      await untilTime(this.#time.stopAt, () => this.#step.run?.(op))
      // A query builder that nobody awaits sends its statement some microtasks after it was called.
      await setImmediate()
    } finally {
      this.#session.endRevision(
        `${this.#name} is over: a statement came after it returned, so add the missing 'await' before it`,
      )
    }
    this.#refuseMissingAwait(op)
    await this.#session.settled()
    if (this.#session.failure) throw this.#session.failure
    this.#journal.refuseShortfall()
  }

  get #blockScope(): BlockScope {
    return {
      context: this.#context,
      session: this.#session,
      journal: this.#journal,
      entry: this.#entry,
      watch: this.#watch,
    }
  }

  #refuseMissingAwait(op: Operations): void {
    const calls = [...op.notAwaited(), ...this.#session.pending]
    if (calls[0] === undefined) return
    throw new CommandError(
      'NotAwaited',
      `${this.#name} returned without waiting for ${calls[0]}: add the missing 'await'`,
    )
  }

  async #move(): Promise<void> {
    const move: Move = {
      token: this.#entry.token,
      before: this.#entry.from,
      after: this.#entry.to,
      outcome: this.#step.direction === 'stamp' ? 'stamped' : 'done',
      statements: this.#session.statements,
      rows: this.#session.rows,
    }
    const [answer] = await this.#session.own(this.#context.table.moveStatement(move))
    const problem = moveProblem(move, answer as unknown as MoveAnswer)
    if (problem) throw new CommandError('VersionRowMismatch', problem)
  }

  async #commit(): Promise<void> {
    const { token, seq } = this.#entry
    const isCommitted = ({ outcome }: { outcome: string }) =>
      outcome === 'done' || outcome === 'stamped'
    if (await commitOrResolve(this.#context, this.#session, { token, seq, isCommitted })) return
    throw new Error('the connection broke at the commit, and nothing was committed: run it again')
  }

  /** Rolls back without a word in the history: the step is only put off. A half-done one is taken over when its lease ends. */
  async #stop({ message }: OutOfTime): Promise<typeof STOPPED> {
    this.#context.log.warn(`${this.#name} was ${message}: rolled back, a later run does it`)
    await this.#watch.cancel()
    await this.#rollback()
    return STOPPED
  }

  /** Rolls back, writes the history row of the failure, and makes the error of it. */
  async #fail(error: unknown): Promise<MigrationError> {
    if (error instanceof OutOfTime) await this.#watch.cancel()
    await this.#rollback()
    return await this.#recorded(this.#watch.explain(error))
  }

  async #recorded(cause: unknown): Promise<MigrationError> {
    const { revision, direction } = this.#entry
    const committed = this.#partly ? this.#committed : undefined
    const error = migrationError({ revision, direction, name: this.#name, committed }, cause)
    const { statements, rows } = this.#session
    const figures = { statements, rows, ms: this.#elapsed }
    const failure = { ...figures, error: error.message, partly: this.#partly }
    await recordFailure(this.#context, this.#entry, failure)
    return error
  }

  async #rollback(): Promise<void> {
    try {
      await untilTime(this.#context.deadline, () => this.#session.rollback())
    } catch (error) {
      this.#context.log.warn(
        'the rollback got no answer: the service ends the transaction in 3 minutes',
        { error: String(error) },
      )
    }
  }

  #report(): StepReport {
    const { revision, doc, direction } = this.#entry
    const { statements, rows } = this.#session
    return { revision, doc, direction, ms: Math.round(this.#elapsed), statements, rows }
  }

  get #name(): string {
    return `${this.#step.direction} of ${this.#entry.revision} (${this.#entry.doc})`
  }

  /** True once part of the revision is committed. */
  get #partly(): boolean {
    return this.#open !== null || this.#committed > 0
  }

  get #elapsed(): number {
    return performance.now() - this.#started
  }
}
