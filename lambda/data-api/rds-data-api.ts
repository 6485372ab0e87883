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

/** The Data API of one Aurora cluster, through the AWS SDK. Endpoint, region and credentials come from the SDK's standard environment. */
export class RdsDataApi implements DataApi {
  readonly #target: DataApiTarget
  readonly #client: RDSDataClient

  constructor(target: DataApiTarget, options: { readonly patienceMs?: number } = {}) {
    this.#target = target
    this.#client = new RDSDataClient({
      // The service has no idempotency token: an SDK retry of a write can run it twice.
      maxAttempts: 1,
      requestHandler: {
        requestTimeout: options.patienceMs ?? PATIENCE_MS,
        throwOnRequestTimeout: true,
      },
    })
  }

  async beginTransaction(): Promise<string> {
    const { transactionId } = await this.#client.send(
      new BeginTransactionCommand({ ...this.#resource, database: this.#target.database }),
    )
    if (transactionId === undefined) throw new Error('BeginTransaction answered no transactionId')
    return transactionId
  }

  async execute(statement: DataApiStatement, transactionId?: string): Promise<DataApiResult> {
    const { parameters, ...rest } = statement
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
