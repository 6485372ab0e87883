/**
 * The request, the configuration or the revision files are wrong, and nothing was run.
 *
 * The message names what is wrong, the value, what is allowed and the fix, in one line.
 * `kind` names the case for programs; graph errors carry Alembic's names.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly kind: string

  constructor(kind: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** Where and how a revision failed. */
export interface MigrationFailure {
  readonly revision: string
  readonly direction: 'upgrade' | 'downgrade' | 'stamp'
  /** The file it comes from: the revision's, one that this imports, or one of SQL; its path is from the folder of the revisions. */
  readonly file?: string
  /** The line in that file. */
  readonly line?: number
  /** The statement PostgreSQL refused, if it was one. */
  readonly statement?: string
  /** Where PostgreSQL saw the error: characters into the statement, from 1. */
  readonly position?: number
  readonly sqlState?: string
  /** What of this revision is committed all the same, in words for the message. */
  readonly committed: string
  /** Whether that is anything. */
  readonly partly: boolean
}

/**
 * A revision failed; its transaction is rolled back.
 *
 * `committed` says what of it stays (only a revision with an autocommit block leaves anything). Revisions applied before
 * it in the same run stay applied.
 */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
  readonly failure: MigrationFailure

  constructor(message: string, failure: MigrationFailure, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

/** The answer to a commit was lost, and the database could not be asked before the deadline; the next run settles it. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome'
}
