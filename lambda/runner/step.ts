import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { StatementError } from '../data-api/errors.ts'
import { Session } from '../data-api/session.ts'
import type { SessionOptions } from '../data-api/session-options.ts'
import type { Transaction } from '../data-api/transaction.ts'
import { CommandError, type MigrationError } from '../errors.ts'
import { Operations } from '../operations/operations.ts'
import { asError } from '../thrown.ts'
import { runAutocommitBlock } from './autocommit-block.ts'
import type { OpenStep } from './database-state.ts'
import { recordFailure } from './failure-record.ts'
import { giveUpStatement, type HistoryEntry, type Timeouts } from './history.ts'
import { Journal } from './journal.ts'
import type { StepReport } from './report.ts'
import type { RunnerContext, RunStep } from './runner-context.ts'
import type { StatementWatch } from './statement-watch.ts'
import { migrationError } from './step-failure.ts'
import { type Move, type MoveAnswer, moveProblem } from './version-table.ts'

/** The fence did not hold: another run has moved the database, or holds the lock. */
export class FenceLost extends Error {
  override readonly name = 'FenceLost'
}

/** A revision returned before a call of its own was over. */
export class NotAwaited extends CommandError {
  constructor(message: string) {
    super('NotAwaited', message)
  }
}

/** The transaction that a step is part of. */
export interface StepScope {
  readonly context: RunnerContext
  readonly transaction: Transaction
  readonly options: SessionOptions
  readonly watch: StatementWatch
  readonly timeouts: Timeouts
}

/** Where a step stands in the history. */
export interface StepPlace {
  /** The number of its row. */
  readonly seq: number
  /** The step an interrupted run left, when this is the same one. */
  readonly continued: OpenStep | null
  /** The token of such a step when it is not: only a stamp may leave it behind. */
  readonly givenUp: string | null
}

/** One revision, or a stamp, in a transaction that is begun and committed by somebody else: fence, statements, move. */
export class Step {
  readonly entry: HistoryEntry
  readonly session: Session
  readonly #scope: StepScope
  readonly #step: RunStep
  readonly #place: StepPlace
  readonly #journal: Journal
  #started = performance.now()
  #databaseMs = 0
  /** Statements that an autocommit block has committed; they stay whatever happens. */
  #committed: number

  constructor(scope: StepScope, step: RunStep, place: StepPlace) {
    const { context, transaction, options, timeouts } = scope
    this.#scope = scope
    this.#step = step
    this.#place = place
    this.#committed = place.continued?.done ?? 0
    this.#journal = new Journal(place.continued?.digest ?? null)
    this.session = new Session(context.api, { ...options, journal: this.#journal }, transaction)
    this.entry = {
      token: randomUUID(),
      seq: place.continued?.seq ?? place.seq,
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

  /** Runs the revision. What travels with later statements is still to be carried out when this resolves. */
  async apply(): Promise<void> {
    this.#started = performance.now()
    await this.#fence()
    await this.#runRevision()
    await this.#move()
  }

  /** Refuses every statement that the revision may still send. */
  end(): void {
    this.session.endRevision(
      `${this.name} is over: a statement came after it returned, so add the missing 'await' before it`,
    )
  }

  /** `ms` is that of the database, from fence to move, for one of several steps in a transaction. */
  report({ ofSeveral }: { readonly ofSeveral: boolean }): StepReport {
    const { revision, doc, direction } = this.entry
    const { statements, rows } = this.session.count
    const ms = ofSeveral ? this.#databaseMs : Math.round(this.#elapsed)
    return { revision, doc, direction, ms, statements, rows }
  }

  /** The error of this step. */
  failure(cause: unknown): MigrationError {
    const { revision, direction } = this.entry
    const partly = this.#place.continued !== null || this.#committed > 0
    const committed = partly ? this.#committed : undefined
    const inOneTransaction = this.#scope.context.transaction === 'run'
    const step = { revision, direction, name: this.name, committed, inOneTransaction }
    return migrationError(step, cause)
  }

  /** Writes the history row of the failure, after the rollback. */
  async recordFailure({ message, failure: { partly } }: MigrationError): Promise<void> {
    const { statements, rows } = this.session.count
    const figures = { statements, rows, ms: this.#elapsed }
    await recordFailure(this.#scope.context, this.entry, { ...figures, error: message, partly })
  }

  /** As messages name it. */
  get name(): string {
    return `${this.entry.direction} of ${this.entry.revision} (${this.entry.doc})`
  }

  async #fence(): Promise<void> {
    const { table, run } = this.#scope.context
    const { token, timeouts } = this.entry
    const oldToken = this.#place.continued?.token
    const statement =
      oldToken === undefined
        ? table.fenceStatement(this.entry)
        : table.fenceAgainStatement({ oldToken, token, run, timeouts })
    await this.session.keepBooks({
      sql: () => statement,
      check: ({ opened, pid }) => {
        if (opened !== 1) throw new FenceLost('another run has moved the database')
        this.#scope.watch.backend = Number(pid)
      },
      // Under repeatable read the winner's row shows up as a serialization failure.
      failed: (error) =>
        error instanceof StatementError && error.code === '40001'
          ? new FenceLost(error.message, { cause: error })
          : error,
    })
    if (this.#place.givenUp === null) return
    await this.session.own(giveUpStatement(table, this.#place.givenUp))
  }

  async #runRevision(): Promise<void> {
    const op = new Operations(this.session, { autocommitBlock: (body) => this.#block(body) })
    try {
      await this.#step.run?.(op)
      // A query builder that nobody awaits sends its statement some microtasks after it was called.
      await setImmediate()
    } catch (thrown) {
      throw asError(thrown)
    } finally {
      this.end()
    }
    this.#refuseMissingAwait(op)
    await this.session.settled()
    if (this.session.failure) throw this.session.failure
    this.#journal.refuseShortfall()
  }

  async #block(body: () => Promise<void>): Promise<void> {
    const { context, watch } = this.#scope
    if (context.transaction === 'run') {
      throw new CommandError(
        'BlockInOneTransaction',
        "op.autocommitBlock commits what came before it, and with transaction 'run' all revisions are one transaction: run up to this revision first, with transaction 'revision'",
      )
    }
    const scope = { context, session: this.session, journal: this.#journal, entry: this.entry }
    await runAutocommitBlock({ ...scope, watch }, body, () => {
      this.#committed = this.#journal.count
    })
  }

  #refuseMissingAwait(op: Operations): void {
    const calls = [...op.notAwaited(), ...this.session.pending]
    if (calls[0] === undefined) return
    throw new NotAwaited(
      `${this.name} returned without waiting for ${calls[0]}: add the missing 'await'`,
    )
  }

  async #move(): Promise<void> {
    const move: Move = {
      token: this.entry.token,
      before: this.entry.from,
      after: this.entry.to,
      outcome: this.entry.direction === 'stamp' ? 'stamped' : 'done',
    }
    const { table } = this.#scope.context
    await this.session.keepBooks({
      sql: (rows) => {
        const { statements, putOff } = this.session.count
        return table.moveStatement(move, statements + putOff, rows)
      },
      check: (answer) => {
        const problem = moveProblem(move, answer as unknown as MoveAnswer)
        if (problem) throw new CommandError('VersionRowMismatch', problem)
        this.#databaseMs = Number(answer.ms)
      },
    })
  }

  get #elapsed(): number {
    return performance.now() - this.#started
  }
}
