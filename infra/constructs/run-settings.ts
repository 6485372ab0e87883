import type { Duration } from 'aws-cdk-lib'
import type { TransactionMode } from '../../lambda/config.ts'

/** How every way of use runs revisions. */
export interface RunSettings {
  /**
   * `revision`: each is a transaction of its own, so those before a failure stay. `run`: all are one, all or nothing;
   * no autocommit blocks then.
   *
   * Default: `revision`.
   */
  readonly transaction?: TransactionMode
  /** How long a statement of a revision may wait for a lock; zero: any time. Default: 5 seconds. */
  readonly lockTimeout?: Duration
  /** How long a statement of a revision may take; each then is a call of its own. Default: any time. */
  readonly statementTimeout?: Duration
  /** How long to wait for another run; zero: not at all. Default: the time left. */
  readonly lockWait?: Duration
  /** Whether statements that return nothing travel together, in a call of a function in the database. Default: true. */
  readonly batching?: boolean
  /**
   * More roles whose tables, triggers and functions beside the version table are used, see SECURITY.md. Each of them can
   * run code with the rights of the secret's user.
   *
   * Default: none.
   */
  readonly trustedOwners?: readonly string[]
}

/**
 * The settings as the functions read them; what is not set is left to their defaults.
 *
 * Throws an error for a trusted owner that is no name, or that the list could not hold.
 */
export function settingsEnvironment(settings: RunSettings): Record<string, string> {
  const { transaction, lockTimeout, statementTimeout, lockWait, batching, trustedOwners } = settings
  const notOne = trustedOwners?.find((role) => role.trim() === '' || role.includes(','))
  if (notOne !== undefined) {
    throw new Error(`trustedOwners holds '${notOne}': each must be the name of one role`)
  }
  const variables = {
    TRANSACTION: transaction,
    LOCK_TIMEOUT: lockTimeout?.toSeconds().toString(),
    STATEMENT_TIMEOUT: statementTimeout?.toSeconds().toString(),
    LOCK_WAIT: lockWait?.toSeconds().toString(),
    BATCHING: batching === undefined ? undefined : batching ? 'on' : 'off',
    TRUSTED_OWNERS: trustedOwners?.join(',') || undefined,
  }
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
