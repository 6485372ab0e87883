import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  type ExecuteStatementCommandOutput,
  type Field,
  RDSDataClient,
  RollbackTransactionCommand,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'

export type ExecuteOptions = Partial<Omit<ExecuteStatementCommandInput, 'sql'>>

/** The real SDK client, bound to one database of a local Aurora. */
export class Caller {
  readonly client: RDSDataClient
  readonly base: { resourceArn: string; secretArn: string; database: string }

  constructor(aurora: LocalAurora, database: string, maxAttempts = 1) {
    this.client = new RDSDataClient({
      region: aurora.region,
      endpoint: aurora.endpoint,
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      maxAttempts,
    })
    this.base = { resourceArn: aurora.clusterArn, secretArn: aurora.secretArn, database }
  }

  execute(sql: string, options: ExecuteOptions = {}): Promise<ExecuteStatementCommandOutput> {
    return this.client.send(new ExecuteStatementCommand({ ...this.base, sql, ...options }))
  }

  /** The only field of the only row. */
  async value(sql: string, options: ExecuteOptions = {}): Promise<Field> {
    const { records } = await this.execute(sql, options)
    const field = records?.[0]?.[0]
    if (field === undefined) throw new Error(`No row for ${sql}`)
    return field
  }

  async begin(): Promise<string> {
    const { transactionId } = await this.client.send(new BeginTransactionCommand(this.base))
    if (transactionId === undefined) throw new Error('BeginTransaction answered no id')
    return transactionId
  }

  async commit(transactionId: string): Promise<string | undefined> {
    const { resourceArn, secretArn } = this.base
    const command = new CommitTransactionCommand({ resourceArn, secretArn, transactionId })
    return (await this.client.send(command)).transactionStatus
  }

  async rollback(transactionId: string): Promise<string | undefined> {
    const { resourceArn, secretArn } = this.base
    const command = new RollbackTransactionCommand({ resourceArn, secretArn, transactionId })
    return (await this.client.send(command)).transactionStatus
  }

  batch(sql: string, parameterSets: SqlParameter[][] | undefined, transactionId?: string) {
    return this.client.send(
      new BatchExecuteStatementCommand({ ...this.base, sql, parameterSets, transactionId }),
    )
  }
}

export interface Refusal {
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  readonly dbConnectionId: number | undefined
}

/** What a call was refused with; a call that succeeds fails the test. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call
  } catch (error) {
    const { name, message, $metadata, dbConnectionId } = error as Error & {
      $metadata?: { httpStatusCode?: number }
      dbConnectionId?: number
    }
    return { name, message, status: $metadata?.httpStatusCode, dbConnectionId }
  }
  throw new Error('The call succeeded, and a refusal was expected')
}

export function string(name: string, stringValue: string, typeHint?: SqlParameter['typeHint']) {
  return { name, value: { stringValue }, ...(typeHint === undefined ? {} : { typeHint }) }
}

export function long(name: string, longValue: number | bigint): SqlParameter {
  // The SDK writes a bigint as exact digits, and its types do not know it.
  return { name, value: { longValue: longValue as number } }
}
