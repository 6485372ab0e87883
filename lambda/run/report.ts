import type { Direction } from '../ledger/history.ts'

/**
 * How a run ended.
 *
 * `succeeded`: the database is where it was asked to be. `failed`: it is not; `error` says why. `incomplete`: stopped
 * between two revisions because the time was up; call again. `unknown`: the answer to a commit was lost and the database
 * could not be asked; call again, the next run finds out.
 */
export type Status = 'succeeded' | 'failed' | 'incomplete' | 'unknown'

/** One revision that was applied. */
export interface StepReport {
  readonly revision: string
  readonly doc: string
  readonly direction: Direction
  /** Wall time with all its calls. */
  readonly ms: number
  /** Statements of the revision itself. */
  readonly statements: number
  /** Rows these inserted, updated or deleted. */
  readonly rows: number
}

export interface ErrorReport {
  /** `MigrationError`, or the kind of a command error such as `RevisionNotFound`. */
  readonly kind: string
  /** One line: what, which value, what is allowed, the fix. */
  readonly message: string
  readonly revision?: string
  readonly direction?: Direction
  /** The file it comes from: the revision's, one that this imports, or one of SQL; its path is from the folder of the revisions. */
  readonly file?: string
  /** The line in that file. */
  readonly line?: number
  readonly statement?: string
  /** Where PostgreSQL saw the error: characters into the statement, from 1. */
  readonly position?: number
  readonly sqlState?: string
  /** Where `verbose` asked for it: the calls in the project's files that led to the error, and to its causes. Has line breaks. */
  readonly stack?: string
  /** The request, the configuration or the revision files are wrong, and nothing was run. */
  readonly nothingRun?: boolean
}

/** What `upgrade`, `downgrade` and `stamp` answer. */
export interface Report {
  readonly status: Status
  readonly command: string
  readonly runId: string
  /** Rows of the version table before the run. */
  readonly from: readonly string[]
  /** Rows after it. */
  readonly to: readonly string[]
  readonly steps: readonly StepReport[]
  /** Revisions that were planned and are not applied, in order. */
  readonly pending: readonly string[]
  readonly warnings: readonly string[]
  /** `incomplete` and `unknown` only: the target to call again with. A relative one would count anew from where the run came to. */
  readonly resume?: string
  readonly error?: ErrorReport
}
