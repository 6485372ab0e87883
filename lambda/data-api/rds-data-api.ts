import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  RDSDataClient,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'
import type { DataApi, DataApiResult, DataApiStatement } from './data-api.ts'

/** Where the Data API connects to, and with which secret. */
export interface DataApiTarget {
  readonly clusterArn: string
  readonly secretArn: string
  readonly database: string
}

/** Longer than the service's own 45 s limit, so that the service and not the socket ends a slow statement. */
const PATIENCE_MS = 60_000

/** A client whose calls are made once, and given up after `patienceMs`. */
export function newClient(patienceMs = PATIENCE_MS): RDSDataClient {
  return new RDSDataClient({
    // The service has no idempotency token: an SDK retry of a write can run it twice.
    maxAttempts: 1,
    requestHandler: { requestTimeout: patienceMs, throwOnRequestTimeout: true },
  })
}

/** What is kept for the life of the container, as long as the SDK is to read the same environment. */
let kept: { readonly environment: string; readonly client: RDSDataClient } | undefined

/** The client of all runs in this container: the next one goes on with its open connections, and leaves no more behind. */
export function keptClient(): RDSDataClient {
  const variables = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'))
  const environment = JSON.stringify(variables)
  if (kept?.environment !== environment) kept = { environment, client: newClient() }
  return kept.client
}

/** The Data API of one Aurora cluster, through the AWS SDK. Endpoint, region and credentials come from the SDK's standard environment. */
export class RdsDataApi implements DataApi {
  readonly #target: DataApiTarget
  readonly #client: RDSDataClient

  constructor(target: DataApiTarget, client: RDSDataClient = newClient()) {
    this.#target = target
    this.#client = client
  }

  async beginTransaction(): Promise<string> {
    const { transactionId } = await this.#client.send(
      new BeginTransactionCommand({ ...this.#resource, database: this.#target.database }),
    )
    if (transactionId === undefined) throw new Error('BeginTransaction answered no transactionId')
    return transactionId
  }

  async execute(statement: DataApiStatement, transactionId?: string): Promise<DataApiResult> {
    const { parameters, written: _notSent, ...rest } = statement
    return await this.#client.send(
      new ExecuteStatementCommand({
        ...this.#resource,
        database: this.#target.database,
        ...rest,
        ...(parameters && { parameters: [...parameters] }),
        ...(transactionId !== undefined && { transactionId }),
      }),
    )
  }

  async commitTransaction(transactionId: string): Promise<void> {
    await this.#client.send(new CommitTransactionCommand({ ...this.#resource, transactionId }))
  }

  async rollbackTransaction(transactionId: string): Promise<void> {
    await this.#client.send(new RollbackTransactionCommand({ ...this.#resource, transactionId }))
  }

  /** Closes the client's sockets. */
  close(): void {
    this.#client.destroy()
  }

  get #resource() {
    return { resourceArn: this.#target.clusterArn, secretArn: this.#target.secretArn }
  }
}
