import type {
  ColumnMetadata,
  Field,
  ResultSetOptions,
  SqlParameter,
} from '@aws-sdk/client-rds-data'

/** What one ExecuteStatement call sends. */
export interface DataApiStatement {
  /** One SQL statement of at most 65,536 characters. */
  readonly sql: string
  readonly parameters?: readonly SqlParameter[]
  /** Ask for column names and types; only then can rows be decoded. Default: false. */
  readonly includeResultMetadata?: boolean
  /** How numbers come back; rows are decoded only from `RESULT_OPTIONS` of values.ts. */
  readonly resultSetOptions?: ResultSetOptions
  /** Let the statement go on in the database when the 45 s limit cuts the call. Default: false. */
  readonly continueAfterTimeout?: boolean
  /** The statement of a revision, where `sql` runs it inside one of ours. Not sent: messages and scripts show it. */
  readonly written?: WrittenStatement
}

/** A statement as its author wrote it. */
export interface WrittenStatement {
  readonly sql: string
  /** Where a position in the text that is sent is in `sql`; undefined for one in our own text. Both count from 1. */
  position(sent: number): number | undefined
}

/** What one ExecuteStatement call answers. */
export interface DataApiResult {
  readonly records?: Field[][] | undefined
  readonly columnMetadata?: ColumnMetadata[] | undefined
  readonly numberOfRecordsUpdated?: number | undefined
}

/**
 * The four calls of the RDS Data API that a migration needs, bound to one cluster, secret and database.
 *
 * Each method is exactly one HTTP call: nothing that writes is ever repeated here.
 */
export interface DataApi {
  /** Opens a transaction and answers its id. The service ends it after 3 idle minutes. */
  beginTransaction(): Promise<string>
  /** Runs one statement, in the given transaction or, without one, committed on its own. */
  execute(statement: DataApiStatement, transactionId?: string): Promise<DataApiResult>
  commitTransaction(transactionId: string): Promise<void>
  rollbackTransaction(transactionId: string): Promise<void>
}
