import type { CallOptions } from '../data-api/calls.ts'
import type { DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import type { Repeatable } from '../data-api/retry.ts'
import type { Statement } from '../sql/statement.ts'

/** A statement of a revision, before it is sent. */
export interface RevisionStatement {
  readonly statement: Statement
  readonly returns: 'nothing' | 'rows'
  /** The author says that it may run twice, see `op.execute`. */
  readonly repeatable: boolean
}

/** Says of each statement of a revision whether it may be sent and how, see `run/block/autocommit-block.ts`. */
export interface StatementGate {
  /** Called when the revision makes the statement. Throws for one that may not be sent; `undefined`: in the transaction. */
  admit(statement: RevisionStatement): StatementRoute | undefined
}

/** How statements are sent outside the transaction. */
export interface StatementRoute {
  /** Sends a statement that returns nothing, and returns when it has ended. */
  carryOut(statement: DataApiStatement, send: SendStatement): Promise<DataApiResult>
}

/** Sends one statement. */
export type SendStatement = (
  statement: DataApiStatement,
  repeatable?: Repeatable,
) => Promise<DataApiResult>

export interface SessionOptions extends CallOptions {
  readonly gate?: StatementGate
  /** Runs the statements of a transaction to their real end, although it comes after the service's 45 s. Default: false. */
  readonly follow?: boolean
  /** The call of {@link batchCall}, with which statements that return nothing travel together. Default: each alone. */
  readonly batchCall?: string
  /** How long a transaction may be idle before it is used, so that the service does not end it. Default: 60,000. */
  readonly keepAliveMs?: number
  /** Told when a statement of a transaction begins; what it answers is called when that has ended. */
  watch?(sql: string): () => void
}
