import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { CommandError } from '../errors.ts'
import type { DataApi, DataApiResult, DataApiStatement } from './data-api.ts'
import { type StatementError, toStatementError } from './errors.ts'
import { type RetryPolicy, retryCall } from './retry.ts'
import { asksForRows, readRows } from './row-reader.ts'
import { isRollbackToSavepoint, refuseStatement, resultForm } from './statements.ts'
import { decodeRows, type Row } from './values.ts'

/** One Data API call, after it was answered or failed. */
export interface CallEvent {
  /** The statement, or `BeginTransaction`, `CommitTransaction`, `RollbackTransaction`. */
  readonly sql: string
  readonly ms: number
  readonly error?: StatementError
}

/** A statement of a revision, as its journal sees it before it is sent. */
export interface JournalledStatement {
  readonly sql: string
  readonly parameters: readonly SqlParameter[]
  readonly returns: 'nothing' | 'rows'
  /** The author says that it may run twice, see `op.execute`. */
  readonly repeatable: boolean
}

/** Keeps account of the statements of a revision with autocommit blocks, see `runner/journal.ts`. */
export interface StatementJournal {
  /** False: an interrupted run has committed this very statement, do not send it again. */
  admit(statement: JournalledStatement): Promise<boolean>
}

export interface SessionOptions {
  /** Told of every call: logs, counters. */
  observe?(event: CallEvent): void
  readonly retry?: RetryPolicy
  readonly journal?: StatementJournal
}

/** The service's limit on one statement. */
export const MAX_SQL_CHARACTERS = 65_536

/**
 * The conversation of one revision (or of the runner itself) with the database.
 *
 * It owns the Data API transaction: calls on it are queued, because the service refuses a second call while one runs,
 * and after a call that failed nothing is sent any more but `rollback to savepoint` and the rollback.
 * Outside a transaction each statement is committed on its own.
 */
export class Session {
  readonly #api: DataApi
  readonly #options: SessionOptions
  readonly #pending = new Set<{ readonly sql: string }>()
  #statements = 0
  #rows = 0
  #transactionId: string | undefined
  #tail: Promise<unknown> = Promise.resolve()
  #failure: Error | undefined
  #revisionEnded: string | undefined
  #closed: string | undefined

  constructor(api: DataApi, options: SessionOptions = {}) {
    this.#api = api
    this.#options = options
  }

  /** The first failure that no `rollback to savepoint` has undone; while there is one, the transaction cannot be committed. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** The statements sent or queued whose answer is still to come. */
  get pending(): readonly string[] {
    return [...this.#pending].map(({ sql }) => sql)
  }

  /** How many statements of the revision ran. */
  get statements(): number {
    return this.#statements
  }

  /** How many rows they inserted, updated or deleted. */
  get rows(): number {
    return this.#rows
  }

  /** The open transaction, if there is one. */
  get transactionId(): string | undefined {
    return this.#transactionId
  }

  async begin(): Promise<void> {
    const begin = () => this.#call('BeginTransaction', () => this.#api.beginTransaction())
    this.#transactionId = await retryCall(begin, this.#options.retry ?? {})
    this.#failure = undefined
  }

  /** Commits; throws a {@link StatementError} whose `outcome` is `unknown` when nobody can tell whether it happened. */
  async commit(): Promise<void> {
    if (this.#failure) throw this.#failure
    const id = this.#leaveTransaction()
    await this.#call('CommitTransaction', () => this.#api.commitTransaction(id))
  }

  /** Rolls back; throws a {@link StatementError} when the service could not be told: it then ends the transaction itself after 3 minutes. */
  async rollback(): Promise<void> {
    await this.settled()
    if (this.#transactionId === undefined) return
    const id = this.#leaveTransaction()
    await this.#call('RollbackTransaction', () => this.#api.rollbackTransaction(id))
  }

  /** Runs a statement whose rows nobody asks for; answers the number of rows it changed. */
  execute(
    sql: string,
    parameters: readonly SqlParameter[] = [],
    { repeatable = false }: { readonly repeatable?: boolean } = {},
  ): Promise<number> {
    return this.#enqueue(sql, async () => {
      this.#refuseAfterEnd()
      if (!(await this.#wanted({ sql, parameters, returns: 'nothing', repeatable }))) return 0
      const result = await this.#send({ sql, ...(parameters.length > 0 && { parameters }) })
      if (isRollbackToSavepoint(sql)) this.#failure = undefined
      return this.#count(result.numberOfRecordsUpdated ?? 0)
    })
  }

  /** Runs a statement and answers its rows, however large the result is. */
  query(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    return this.#enqueue(sql, async () => {
      this.#refuseAfterEnd()
      await this.#wanted({ sql, parameters, returns: 'rows', repeatable: false })
      const rows = await readRows((statement) => this.#send(statement), sql, parameters, {
        inTransaction: this.#transactionId !== undefined,
        maxCharacters: MAX_SQL_CHARACTERS,
      })
      this.#count(resultForm(sql) === 'returning' ? rows.length : 0)
      return rows
    })
  }

  /** Runs a statement of the runner's own, with a small answer: no part of the revision, so neither journalled nor counted. */
  own(sql: string): Promise<Row[]> {
    return this.#enqueue(sql, async () => decodeRows(await this.#send(asksForRows(sql))))
  }

  /** Like {@link own}, outside any transaction and only for reading: sent again when a call fails in a way that passes. */
  read(sql: string): Promise<Row[]> {
    const once = () => {
      this.#failure = undefined
      return this.own(sql)
    }
    return retryCall(once, this.#options.retry ?? {})
  }

  /** Resolves when nothing is sent or queued any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await this.#tail
  }

  /**
   * Refuses every further statement of the revision with `reason`; those of the runner still pass.
   *
   * Before the rollback: what a forgotten promise sends after it would be committed on its own.
   */
  endRevision(reason: string): void {
    this.#revisionEnded = reason
  }

  /** Refuses every further statement with `reason`. */
  close(reason: string): void {
    this.#closed = reason
  }

  #enqueue<T>(sql: string, work: () => Promise<T>): Promise<T> {
    const ticket = { sql }
    const run = this.#tail.then(() => {
      this.#refuse(sql)
      return work()
    })
    this.#pending.add(ticket)
    // A rejection that nobody awaits must fail the revision (`failure`), not the process.
    this.#tail = run
      .catch((error: Error) => {
        this.#failure ??= error
      })
      .finally(() => this.#pending.delete(ticket))
    return run
  }

  /** False for a statement that an interrupted run has committed already. */
  async #wanted(statement: JournalledStatement): Promise<boolean> {
    return (await this.#options.journal?.admit(statement)) ?? true
  }

  #count(rows: number): number {
    this.#statements += 1
    this.#rows += rows
    return rows
  }

  #refuseAfterEnd(): void {
    if (this.#revisionEnded === undefined) return
    throw new CommandError('RevisionEnded', this.#revisionEnded)
  }

  #refuse(sql: string): void {
    if (this.#closed !== undefined) throw new CommandError('SessionClosed', this.#closed)
    if (this.#failure && !isRollbackToSavepoint(sql)) throw this.#failure
    refuseStatement(sql)
    if (sql.length > MAX_SQL_CHARACTERS) throw tooLong(sql)
  }

  /** The funnel: every statement of every revision, and ours, is sent from here. */
  #send(statement: DataApiStatement): Promise<DataApiResult> {
    return this.#call(statement.sql, () => this.#api.execute(statement, this.#transactionId))
  }

  async #call<T>(sql: string, call: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const observe = (rest: { error?: StatementError }) =>
      this.#options.observe?.({ sql, ms: performance.now() - started, ...rest })
    try {
      const answer = await call()
      observe({})
      return answer
    } catch (cause) {
      const error = toStatementError(cause, sql)
      observe({ error })
      throw error
    }
  }

  #leaveTransaction(): string {
    const id = this.#transactionId
    if (id === undefined) throw new Error('no transaction is open')
    this.#transactionId = undefined
    return id
  }
}

function tooLong(sql: string): CommandError {
  return new CommandError(
    'StatementTooLong',
    `a statement has ${sql.length} characters and the Data API takes at most ${MAX_SQL_CHARACTERS}: pass rows to op.bulkInsert or op.bulkUpdate, or split it (it begins: ${sql.slice(0, 80)})`,
  )
}
