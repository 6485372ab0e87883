import { randomUUID } from 'node:crypto'
import { explained, StatementError } from '../data-api/errors.ts'
import { CommandError, type MigrationError } from '../errors.ts'
import { recordFailure } from '../ledger/failure-record.ts'
import {
  abandonStatement,
  type HistoryEntry,
  releaseStatement,
  type Timeouts,
} from '../ledger/history.ts'
import { type Move, type MoveAnswer, moveProblem } from '../ledger/version-table.ts'
import { Session } from '../session/session.ts'
import type { SessionOptions, StatementGate } from '../session/session-options.ts'
import type { Transaction } from '../session/transaction.ts'
import { readingProblem } from '../sql/reading-settings.ts'
import type { Attempts } from './attempts.ts'
import { AutocommitBlocks } from './block/autocommit-block.ts'
import type { BlockProgress } from './block/block-progress.ts'
import { FenceLost } from './block/fence-lost.ts'
import type { StatementWatch } from './block/statement-watch.ts'
import type { StepReport } from './report.ts'
import { RevisionCode } from './revision-code.ts'
import type { RunnerContext, RunStep } from './runner-context.ts'
import { migrationError } from './step-failure.ts'

/** The transaction that a step is part of. */
export interface StepScope {
  readonly context: RunnerContext
  readonly transaction: Transaction
  readonly options: SessionOptions
  readonly watch: StatementWatch
  readonly timeouts: Timeouts
  /** What the step's autocommit blocks have done in earlier tries of this run. */
  readonly progress: BlockProgress
  readonly attempts: Attempts
}

/** Where a step stands in the history. */
export interface StepPlace {
  /** The number of its row. */
  readonly seq: number
  /** The token of the row that an interrupted run of this step has left. */
  readonly takenOver: string | undefined
  /** The token of the row that an interrupted run of another step has left. */
  readonly abandoned: string | undefined
}

/** One revision, or a stamp, in a transaction that is begun and committed by somebody else: fence, statements, move. */
export class Step {
  readonly entry: HistoryEntry
  readonly session: Session
  readonly code: RevisionCode
  readonly #scope: StepScope
  readonly #step: RunStep
  readonly #place: StepPlace
  readonly #blocks: AutocommitBlocks
  #started = performance.now()
  #databaseMs = 0

  constructor(scope: StepScope, step: RunStep, place: StepPlace) {
    const { context, transaction, options, timeouts } = scope
    this.#scope = scope
    this.#step = step
    this.#place = place
    this.entry = {
      token: randomUUID(),
      seq: place.seq,
      run: context.run,
      revision: step.revision,
      direction: step.direction,
      doc: step.doc,
      ...(step.checksum !== undefined && { checksum: step.checksum }),
      from: step.rowsBefore,
      to: step.rowsAfter,
      timeouts,
    }
    const gate: StatementGate = { admit: (statement) => this.#blocks.admit(statement) }
    this.session = new Session(context.api, { ...options, gate }, transaction)
    const { session, entry } = this
    this.#blocks = new AutocommitBlocks({ ...scope, session, entry, fencedAt: performance.now() })
    this.code = new RevisionCode(this.name, session, context)
  }

  /** Runs the revision. What travels with later statements is still to be carried out when this resolves. */
  async apply(): Promise<void> {
    this.#started = performance.now()
    await this.#fence()
    await this.code.run(this.#step.run, {
      attempt: this.#scope.attempts.next(this.#step),
      autocommitBlock: (body) => this.#blocks.run(body),
    })
    await this.#blocks.finish()
    await this.#move()
  }

  /** Refuses every statement that the revision may still send, because its transaction is rolled back. */
  end(): void {
    this.#blocks.end()
    this.code.fail()
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
    const { progress, context } = this.#scope
    const { committed, unknown } = progress
    const blocks = { committed, unknown, wasInterrupted: this.#place.takenOver !== undefined }
    const inOneTransaction = context.transaction === 'run'
    const { waitsFor } = this.code
    const { name } = this
    const { file } = this.#step
    const time = { waitsFor, moreTime: context.moreTime }
    const step = { revision, direction, name, file, blocks, inOneTransaction, ...time }
    return migrationError(step, cause)
  }

  /** Writes the history row of the failure, after the rollback. */
  async recordFailure({ message: error }: MigrationError): Promise<void> {
    const { statements, rows } = this.session.count
    const failure = { statements, rows, ms: this.#elapsed, error, hasRow: this.#hasRow }
    await recordFailure(this.#scope.context, this.entry, failure)
  }

  /**
   * Leaves the row that was committed before an autocommit block, and is not finished, to the next try or the next run.
   * Returns its token; `undefined` where there is none.
   */
  async release(): Promise<string | undefined> {
    if (!this.#blocks.hasOpened) return undefined
    const { api, sessionOptions, table, log } = this.#scope.context
    const { token } = this.entry
    const control = new Session(api, sessionOptions)
    await control.read(releaseStatement(table, token)).catch((error: unknown) => {
      log.warn(
        'the history row could not be released: the next run waits for the end of its lease',
        {
          error: String(error),
        },
      )
    })
    return token
  }

  /** Whether an autocommit block of it is at work. */
  get isInBlock(): boolean {
    return this.#blocks.isInBlock
  }

  /** As messages name it. */
  get name(): string {
    return `${this.entry.direction} of ${this.entry.revision} (${this.entry.doc})`
  }

  /** Whether a history row of the step is committed, or may be. */
  get #hasRow(): boolean {
    return this.#blocks.hasOpened || this.#place.takenOver !== undefined
  }

  async #fence(): Promise<void> {
    const { table } = this.#scope.context
    const { takenOver } = this.#place
    const statement =
      takenOver === undefined
        ? table.fenceStatement(this.entry)
        : table.fenceAgainStatement(this.entry, takenOver)
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
    await this.#abandon()
  }

  async #abandon(): Promise<void> {
    const { abandoned: token } = this.#place
    if (token === undefined) return
    const { table } = this.#scope.context
    await this.session.keepBooks({
      sql: () => abandonStatement(table, token),
      check: ({ abandoned }) => {
        if (abandoned !== 1) throw new FenceLost('another run has taken the interrupted step over')
      },
    })
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
        const misread = readingProblem(answer)
        if (misread) throw new CommandError('SettingNotAllowed', misread)
        this.#databaseMs = Number(answer.ms)
      },
      failed: whatWasTaken,
    })
  }

  get #elapsed(): number {
    return performance.now() - this.#started
  }
}

/** By SQLSTATE: the fence could write the history row and the move cannot, so the revision has changed this in between. */
const TAKEN_AWAY: Readonly<Record<string, string>> = {
  42501:
    "the version rows are written with the role that the revision leaves in force: end a 'set local role' with 'set local role none'",
  '42P01':
    'the revision has dropped, renamed or moved it, or its schema: leave it where it is; where a schema is dropped and made again, set VERSION_TABLE_SCHEMA to another one',
}

/** The error of the move, with what the revision did to the rights or tables that it needs. */
function whatWasTaken(error: Error): Error {
  const explanation = error instanceof StatementError && TAKEN_AWAY[error.code ?? '']
  return explanation ? explained(error, explanation) : error
}
