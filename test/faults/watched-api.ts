import type { DataApi, DataApiResult, DataApiStatement } from '../../lambda/data-api/data-api.ts'
import { toStatementError } from '../../lambda/data-api/errors.ts'
import { newClient, RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'

/** One call as the client saw it. */
export interface SeenCall {
  readonly what: string
  readonly transactionId: string | undefined
  outcome: 'done' | 'not-run' | 'refused' | 'unknown'
}

/** The Data API through the real client, with an account of what the client was told. */
export class WatchedApi implements DataApi {
  readonly calls: SeenCall[] = []
  readonly #api: RdsDataApi
  readonly #afterCommit: () => Promise<void>

  /** `afterCommit` is called after each call that may have committed something. */
  constructor(
    target: ConstructorParameters<typeof RdsDataApi>[0],
    options: { readonly patienceMs?: number; readonly afterCommit?: () => Promise<void> },
  ) {
    const { patienceMs, afterCommit } = options
    this.#api = new RdsDataApi(target, newClient(patienceMs))
    this.#afterCommit = afterCommit ?? (async () => {})
  }

  beginTransaction(): Promise<string> {
    return this.#watch('begin', undefined, () => this.#api.beginTransaction())
  }

  async execute(statement: DataApiStatement, id?: string): Promise<DataApiResult> {
    const answer = await this.#watch(statement.sql, id, () => this.#api.execute(statement, id))
    if (id === undefined) await this.#afterCommit()
    return answer
  }

  async commitTransaction(id: string): Promise<void> {
    await this.#watch('commit', id, () => this.#api.commitTransaction(id))
    await this.#afterCommit()
  }

  rollbackTransaction(id: string): Promise<void> {
    return this.#watch('rollback', id, () => this.#api.rollbackTransaction(id))
  }

  close(): void {
    this.#api.close()
  }

  async #watch<T>(what: string, id: string | undefined, call: () => Promise<T>): Promise<T> {
    const seen: SeenCall = { what, transactionId: id, outcome: 'done' }
    this.calls.push(seen)
    try {
      return await call()
    } catch (error) {
      seen.outcome = toStatementError(error, what).outcome
      throw error
    }
  }
}
