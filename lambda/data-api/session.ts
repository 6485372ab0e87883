import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { CommandError } from '../errors.ts'
import { Calls } from './calls.ts'
import type { DataApi, DataApiResult, DataApiStatement } from './data-api.ts'
import type { StatementError } from './errors.ts'
import { sendFollowed } from './followed-statement.ts'
import { KeepAlive } from './keep-alive.ts'
import { asksForRows, readRows } from './row-reader.ts'
import type { JournalledStatement, SessionOptions } from './session-options.ts'
import { isRollbackToSavepoint, refuseStatement, resultForm } from './statements.ts'
import { decodeRows, type Row } from './values.ts'

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
  readonly #calls: Calls
  readonly #options: SessionOptions
  readonly #pending = new Set<{ readonly sql: string }>()
  #statements = 0
  #rows = 0
  #transactionId: string | undefined
  #tail: Promise<unknown> = Promise.resolve()
  readonly #keepAlive: KeepAlive
  #failure: Error | undefined
  #revisionEnded: string | undefined
  #closed: string | undefined

  constructor(api: DataApi, options: SessionOptions = {}) {
    this.#calls = new Calls(api, options)
    this.#options = options
    this.#keepAlive = new KeepAlive(() => this.#ping(), options.keepAliveMs)
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
    this.#transactionId = await this.#calls.begin()
    this.#failure = undefined
    this.#keepAlive.used()
  }

  /** Commits; throws a {@link StatementError} whose `outcome` is `unknown` when nobody can tell whether it happened. */
  async commit(): Promise<void> {
    if (this.#failure) throw this.#failure
    const id = this.#transactionId
    if (id === undefined) throw new Error('no transaction is open')
    this.#keepAlive.stop()
    try {
      await this.#calls.commit(id)
      this.#transactionId = undefined
    } catch (error) {
      if ((error as StatementError).outcome === 'refused') this.#transactionId = undefined
      throw error
    }
  }

  /**
   * Rolls back; false when the transaction had ended. Throws a {@link StatementError} when the service could not be
   * told: it then ends the transaction itself after 3 minutes.
   */
  async rollback(): Promise<boolean> {
    await this.settled()
    const id = this.#transactionId
    if (id === undefined) return false
    this.#keepAlive.stop()
    const wasOpen = await this.#calls.rollback(id)
    this.#transactionId = undefined
    return wasOpen
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
      const ended = this.#transactionId === undefined ? undefined : this.#options.watch?.(sql)
      try {
        const result = await this.#carryOut(sql, parameters)
        if (isRollbackToSavepoint(sql)) this.#failure = undefined
        return this.#count(result.numberOfRecordsUpdated ?? 0)
      } finally {
        ended?.()
      }
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
  own(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    const statement = asksForRows(sql, parameters)
    return this.#enqueue(sql, async () => decodeRows(await this.#send(statement)))
  }

  /** Like {@link own}, outside any transaction, for what may be sent twice: reading, and writing what is there or not. */
  read(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    this.#failure = undefined
    const statement = asksForRows(sql, parameters)
    return this.#enqueue(sql, async () =>
      decodeRows(await this.#send(statement, { harmless: true })),
    )
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

  #carryOut(sql: string, parameters: readonly SqlParameter[]): Promise<DataApiResult> {
    const { journal, follow } = this.#options
    const send = (options = {}) =>
      this.#send({ sql, ...(parameters.length > 0 && { parameters }), ...options })
    if (follow && this.#transactionId !== undefined) {
      const options = { number: this.#statements, maxCharacters: MAX_SQL_CHARACTERS }
      return sendFollowed((statement) => this.#send(statement), { sql, parameters }, options)
    }
    return journal ? journal.carryOut(sql, send) : send()
  }

  /** The funnel: every statement of every revision, and ours, is sent from here. */
  async #send(
    statement: DataApiStatement,
    repeatable?: { readonly harmless: boolean },
  ): Promise<DataApiResult> {
    const id = this.#transactionId
    const { idleMs } = this.#keepAlive
    try {
      return await this.#calls.execute(statement, id, repeatable)
    } catch (error) {
      throw id === undefined ? error : this.#keepAlive.explain(error as StatementError, idleMs)
    } finally {
      if (id !== undefined) this.#keepAlive.used()
    }
  }

  #ping(): void {
    if (this.#failure || this.#pending.size > 0 || this.#closed !== undefined) return
    this.own('select true as alive').catch(() => 'the next statement says what is wrong')
  }
}

function tooLong(sql: string): CommandError {
  return new CommandError(
    'StatementTooLong',
    `a statement has ${sql.length} characters and the Data API takes at most ${MAX_SQL_CHARACTERS}: pass rows to op.bulkInsert or op.bulkUpdate, or split it (it begins: ${sql.slice(0, 80)})`,
  )
}
