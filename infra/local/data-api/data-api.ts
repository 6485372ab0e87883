import * as checks from '../request-checks.ts'
import { executeResponse, type ResponseOptions } from '../results/execute-response.ts'
import { inIsoStyle } from '../results/iso-style.ts'
import { resultTypes } from '../results/result-types.ts'
import { statementTimeout, unsupportedResult } from '../service-error.ts'
import { type BackendControl, backendPid } from './backend-control.ts'
import { BoundQuery, type QueryOutcome } from './bound-query.ts'
import type { CallEffects } from './call-effects.ts'
import type { Cluster } from './cluster.ts'
import { type Lease, openLease } from './connection-lease.ts'
import { toServiceError } from './database-error-text.ts'
import { prepareStatement } from './prepared-statement.ts'
import { StatementRun } from './statement-run.ts'
import type { TransactionTable } from './transactions.ts'

export interface StatementLimits {
  readonly statementTimeoutMs: number
  readonly resultBytes: number
  readonly sqlCharacters: number
}

export interface DataApiParts {
  readonly cluster: Cluster
  readonly transactions: TransactionTable
  readonly backends: BackendControl
  readonly limits: StatementLimits
}

/** The five operations of the Data API; each takes a request and answers the body as JSON text. */
export class DataApi {
  readonly #parts: DataApiParts

  constructor(parts: DataApiParts) {
    this.#parts = parts
  }

  async beginTransaction(request: checks.WireRequest, effects: CallEffects): Promise<string> {
    checks.refuseSchema(request)
    const { transactions, cluster } = this.#parts
    const { pool, database } = cluster.connect(request, effects)
    const client = await pool.acquire().catch((error: unknown) => {
      throw toServiceError(error)
    })
    try {
      await effects.onBackend?.(backendPid(client))
      await client.query('BEGIN')
    } catch (error) {
      await pool.discard(client)
      throw toServiceError(error)
    }
    const { id } = transactions.open(database, client, pool)
    return JSON.stringify({ transactionId: id })
  }

  async commitTransaction(request: checks.WireRequest, effects: CallEffects): Promise<string> {
    await this.#finish(request, effects, 'COMMIT')
    // Also for a transaction that an error had aborted: PostgreSQL answers ROLLBACK without an
    // error then, and the service does not look.
    return '{"transactionStatus":"Transaction Committed"}'
  }

  async rollbackTransaction(request: checks.WireRequest, effects: CallEffects): Promise<string> {
    await this.#finish(request, effects, 'ROLLBACK')
    return '{"transactionStatus":"Rollback Complete"}'
  }

  async executeStatement(request: checks.WireRequest, effects: CallEffects): Promise<string> {
    checks.refuseSchema(request)
    const sql = checks.sqlOf(request, this.#parts.limits.sqlCharacters)
    const options = responseOptions(request)
    const continueAfterTimeout = checks.flag(request, 'continueAfterTimeout')
    const statement = prepareStatement(sql, [checks.list(request, 'parameters')])
    const query = new BoundQuery(statement.text, statement.sets, this.#parts.limits.resultBytes)
    const lease = await openLease(this.#parts, request, effects)
    return this.#run(lease, query, effects, continueAfterTimeout, async (outcome) => {
      const oids = outcome.columns?.map(({ dataTypeID }) => dataTypeID) ?? []
      const types = await resultTypes(lease.client, oids)
      return executeResponse(await inIsoStyle(lease.client, outcome, types), types, options)
    })
  }

  async batchExecuteStatement(request: checks.WireRequest, effects: CallEffects): Promise<string> {
    checks.refuseSchema(request)
    const sql = checks.sqlOf(request, this.#parts.limits.sqlCharacters)
    const parameterSets = checks.list(request, 'parameterSets')
    const statement = prepareStatement(sql, parameterSets)
    const updateResults = parameterSets.map(() => ({ generatedFields: [] }))
    const body = JSON.stringify({ updateResults })
    const lease = await openLease(this.#parts, request, effects)
    if (parameterSets.length === 0) {
      await lease.release()
      return body
    }
    // What a batch returns is never delivered, so its size does not matter.
    const query = new BoundQuery(statement.text, statement.sets, Number.POSITIVE_INFINITY)
    return this.#run(lease, query, effects, false, async () => body)
  }

  async #run(
    lease: Lease,
    query: BoundQuery,
    effects: CallEffects,
    continueAfterTimeout: boolean,
    respond: (outcome: QueryOutcome) => Promise<string>,
  ): Promise<string> {
    const { limits, backends } = this.#parts
    let run: StatementRun | undefined
    try {
      await interfere(lease, effects)
      if (effects.timeOut === true && !continueAfterTimeout) return await cancelled(lease)
      const timeoutMs = effects.timeOut === true ? 0 : limits.statementTimeoutMs
      run = new StatementRun(lease.client, query, backends, { timeoutMs, continueAfterTimeout })
      const outcome = await run.answer
      if (outcome.oversize) {
        lease.end = 'terminated'
        throw unsupportedResult('The result exceeds the size limit 1 MB.')
      }
      return await respond(outcome)
    } finally {
      lease.answered()
      if (run?.running === true) void run.settled.then(() => lease.release())
      else await lease.release()
    }
  }

  async #finish(
    request: checks.WireRequest,
    effects: CallEffects,
    command: 'COMMIT' | 'ROLLBACK',
  ): Promise<void> {
    const { cluster, transactions } = this.#parts
    const id = checks.requiredString(request, 'transactionId', checks.longestTransactionId)
    cluster.authorise(request)
    const transaction = transactions.take(id)
    if (effects.hideTransaction === true) transactions.hide(transaction)
    try {
      await effects.onBackend?.(backendPid(transaction.client))
      await transaction.client.query(command)
      transactions.close(transaction, 'terminated')
    } catch (error) {
      transactions.close(transaction, 'aborted')
      throw toServiceError(error)
    }
  }
}

async function interfere(lease: Lease, effects: CallEffects): Promise<void> {
  try {
    await effects.onBackend?.(backendPid(lease.client))
  } catch (error) {
    lease.end = 'aborted'
    throw error
  }
}

/** A statement cut off by the time limit leaves nothing behind but an aborted transaction. */
async function cancelled(lease: Lease): Promise<never> {
  if (lease.inTransaction) await lease.client.query('!').catch(() => {})
  throw statementTimeout(backendPid(lease.client))
}

function responseOptions(request: checks.WireRequest): ResponseOptions {
  const resultSetOptions = checks.object(request, 'resultSetOptions')
  return {
    includeResultMetadata: checks.flag(request, 'includeResultMetadata'),
    formatRecordsAs: checks.oneOf(request, 'formatRecordsAs', ['NONE', 'JSON']),
    longReturnType: checks.oneOf(resultSetOptions, 'longReturnType', ['LONG', 'STRING']),
    decimalReturnType: checks.oneOf(resultSetOptions, 'decimalReturnType', [
      'STRING',
      'DOUBLE_OR_LONG',
    ]),
  }
}
