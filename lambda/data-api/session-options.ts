import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { DataApiResult } from './data-api.ts'
import type { StatementError } from './errors.ts'
import type { RetryPolicy } from './retry.ts'

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
  /** Sends a statement that returns nothing; outside the transaction, until its end is known. */
  carryOut(sql: string, send: SendStatement): Promise<DataApiResult>
}

/** Sends one statement, and may be asked to again. `continueAfterTimeout` as in the Data API. */
export type SendStatement = (options?: {
  readonly continueAfterTimeout?: boolean
}) => Promise<DataApiResult>

export interface SessionOptions {
  /** Told of every call: logs, counters. */
  observe?(event: CallEvent): void
  readonly retry?: RetryPolicy
  readonly journal?: StatementJournal
  /** Runs the statements of a transaction to their real end, although it comes after the service's 45 s. Default: false. */
  readonly follow?: boolean
  /** The call of {@link batchCall}, with which statements that return nothing travel together. Default: each alone. */
  readonly batchCall?: string
  /** How long a transaction may be idle before it is used, so that the service does not end it. Default: 60,000. */
  readonly keepAliveMs?: number
  /** Told when a statement of a transaction begins; what it answers is called when that has ended. */
  watch?(sql: string): () => void
}
