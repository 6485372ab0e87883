import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { StatementError } from '../data-api/errors.ts'
import { Session } from '../data-api/session.ts'
import { CommandError, MigrationError, UnknownOutcome } from '../errors.ts'
import { Operations } from '../operations/operations.ts'
import { runAutocommitBlock } from './autocommit-block.ts'
import { commitOrResolve } from './commit.ts'
import type { DatabaseState, OpenStep } from './database-state.ts'
import {
  failedStatement,
  fenceAgainStatement,
  fenceStatement,
  giveUpStatement,
  type HistoryEntry,
  interruptedStatement,
} from './history.ts'
import { Journal } from './journal.ts'
import type { StepReport } from './report.ts'
import type { RunnerContext, RunStep } from './runner-context.ts'
import { type Move, type MoveAnswer, moveProblem } from './version-table.ts'

/** A step that did not take place because another run moved the database, or holds the lock: read the state and plan again. */
export const LOST = Symbol('lost')

/**
 * Applies one revision in one transaction: fence, the revision's statements, the move of the version rows, commit.
 *
 * Throws {@link MigrationError} when the revision failed (rolled back, and recorded in the history), and
 * `UnknownOutcome` when nobody could be asked whether the commit took place.
 */
export async function applyStep(
  context: RunnerContext,
  step: RunStep,
  state: DatabaseState,
): Promise<StepReport | typeof LOST> {
  const attempt = new StepAttempt(context, step, state)
  return await attempt.apply()
}

class StepAttempt {
  readonly #context: RunnerContext
  readonly #step: RunStep
  /** The step an interrupted run left, when this is the same one. */
  readonly #open: OpenStep | null
  /** The token of such a step when it is not: only a stamp may leave it behind. */
  readonly #givenUp: string | null
  readonly #entry: HistoryEntry
  readonly #journal: Journal
  readonly #session: Session
  readonly #started = performance.now()
  /** Statements that an autocommit block has committed; they stay whatever happens. */
  #committed: number

  constructor(context: RunnerContext, step: RunStep, state: DatabaseState) {
    const continued = step.direction === 'stamp' ? null : state.open
    this.#context = context
    this.#step = step
    this.#open = continued
    this.#givenUp = state.open && !continued ? state.open.token : null
    this.#committed = continued?.done ?? 0
    this.#journal = new Journal(continued?.digest ?? null)
    this.#session = new Session(context.api, { ...context.sessionOptions, journal: this.#journal })
    this.#entry = {
      token: randomUUID(),
      seq: continued?.seq ?? state.lastSeq + 1,
      run: context.run,
      revision: step.revision,
      direction: step.direction,
      doc: step.doc,
      from: step.rowsBefore,
      to: step.rowsAfter,
    }
  }

  async apply(): Promise<StepReport | typeof LOST> {
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
      throw await this.#fail(error)
    }
  }

  async #fence(): Promise<boolean> {
    const { table, run } = this.#context
    const { token } = this.#entry
    const statement = this.#open
      ? fenceAgainStatement(table, { oldToken: this.#open.token, token, run })
      : fenceStatement(table, this.#entry)
    try {
      const [answer] = await this.#session.own(statement)
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
        const { token, seq } = this.#entry
        const scope = { context: this.#context, journal: this.#journal, token, seq }
        await runAutocommitBlock({ ...scope, session: this.#session }, body, () => {
          this.#committed = this.#journal.count
        })
      },
    })
    try {
      await this.#step.run?.(op)
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

  /** Rolls back, writes the history row of the failure, and makes the error of it. */
  async #fail(cause: unknown): Promise<MigrationError> {
    await this.#session.rollback().catch((error: Error) => {
      this.#context.log.warn(
        'the rollback got no answer: the service ends the transaction in 3 minutes',
        {
          error: error.message,
        },
      )
    })
    const error = this.#migrationError(cause)
    await this.#record(error.message)
    return error
  }

  async #record(message: string): Promise<void> {
    const { table, api, sessionOptions, log } = this.#context
    const { statements, rows } = this.#session
    const failure = { statements, rows, ms: this.#elapsed, error: message }
    const control = new Session(api, sessionOptions)
    try {
      const marked = this.#partly
        ? await control.own(interruptedStatement(table, this.#entry.token, failure))
        : []
      if (marked.length === 0) await control.execute(failedStatement(table, this.#entry, failure))
    } catch (error) {
      log.warn('the failure could not be written to the history', { error: String(error) })
    }
  }

  #migrationError(cause: unknown): MigrationError {
    const statement = statementErrorOf(cause)
    const committed = this.#partly
      ? `its ${this.#committed} statement(s) before the autocommit block stay committed, and the next run goes on after them`
      : 'nothing of it is committed'
    const reason = cause instanceof Error ? cause.message : String(cause)
    const where = statement ? `; statement: ${shorten(statement.sql)}` : ''
    return new MigrationError(
      `${this.#name} failed: ${reason}${where}; ${committed}`,
      {
        revision: this.#entry.revision,
        direction: this.#step.direction,
        committed,
        ...(statement && { statement: statement.sql }),
        ...(statement?.code !== undefined && { sqlState: statement.code }),
      },
      { cause },
    )
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

/** The database's error behind an error of the ORM or of the revision itself. */
function statementErrorOf(error: unknown): StatementError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof StatementError) return cause
  }
  return undefined
}

function shorten(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}
