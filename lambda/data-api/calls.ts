import type { DataApi, DataApiResult, DataApiStatement } from './data-api.ts'
import { type StatementError, toStatementError } from './errors.ts'
import { type Repeatable, type RetryPolicy, retryCall, untilDeadline } from './retry.ts'

/** One Data API call, after it was answered or failed. */
export interface CallEvent {
  /** The statement, or `BeginTransaction`, `CommitTransaction`, `RollbackTransaction`. */
  readonly sql: string
  readonly ms: number
  readonly error?: StatementError
}

export interface CallOptions {
  /** Told of every call: logs, counters. */
  observe?(event: CallEvent): void
  readonly retry?: RetryPolicy
}

const HARMLESS = { harmless: true }
const WRITES = { harmless: false }

/** The calls of a session: each is told to `observe`, and sent again where `retry.ts` allows it. They throw {@link StatementError}s. */
export class Calls {
  readonly #api: DataApi
  readonly #options: CallOptions

  constructor(api: DataApi, options: CallOptions) {
    this.#api = api
    this.#options = options
  }

  begin(): Promise<string> {
    return this.#call('BeginTransaction', () => this.#api.beginTransaction(), HARMLESS)
  }

  execute(
    statement: DataApiStatement,
    transactionId: string | undefined,
    repeatable: Repeatable = WRITES,
  ): Promise<DataApiResult> {
    const { parameters, written } = statement
    const sql = written?.sql ?? statement.sql
    const call = () =>
      this.#api.execute(statement, transactionId).catch((error: unknown) => {
        throw toStatementError(error, sql, { parameters, written })
      })
    return this.#call(sql, call, repeatable)
  }

  commit(transactionId: string): Promise<void> {
    return this.#call('CommitTransaction', () => this.#api.commitTransaction(transactionId), WRITES)
  }

  /** False: the transaction had ended. */
  async rollback(transactionId: string): Promise<boolean> {
    const rollBack = () => this.#api.rollbackTransaction(transactionId)
    try {
      await this.#call('RollbackTransaction', rollBack, HARMLESS)
      return true
    } catch (error) {
      if (/NotFound/.test((error as StatementError).exception)) return false
      throw error
    }
  }

  #call<T>(sql: string, call: () => Promise<T>, repeatable: Repeatable): Promise<T> {
    return retryCall(() => this.#once(sql, call), this.#options.retry ?? {}, repeatable)
  }

  async #once<T>(sql: string, call: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const observe = (rest: { error?: StatementError }) =>
      this.#options.observe?.({ sql, ms: performance.now() - started, ...rest })
    try {
      const answer = await untilDeadline(sql, call, this.#options.retry?.deadline)
      observe({})
      return answer
    } catch (cause) {
      const error = toStatementError(cause, sql)
      observe({ error })
      throw error
    }
  }
}
