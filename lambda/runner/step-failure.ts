import { StatementError } from '../data-api/errors.ts'
import { MigrationError } from '../errors.ts'
import { causesOf, messageOf } from '../thrown.ts'
import type { Direction } from './history.ts'
import { OutOfTime } from './step-time.ts'

/** The step that failed, and what of it stays. */
export interface FailedStep {
  readonly revision: string
  readonly direction: Direction
  /** As messages name it. */
  readonly name: string
  /** How many of its statements an autocommit block has committed; `undefined`: nothing of it is committed. */
  readonly committed: number | undefined
  /** Whether all steps of the run are one transaction. */
  readonly inOneTransaction: boolean
}

/** The error of a step, in one line: which, why, the statement, and what of it is committed. */
export function migrationError(step: FailedStep, cause: unknown): MigrationError {
  const { revision, direction, name } = step
  const statement = statementErrorOf(cause)
  const committed =
    step.committed === undefined
      ? `nothing of ${step.inOneTransaction ? 'this run' : 'it'} is committed`
      : `its ${step.committed} statement(s) before the autocommit block stay committed, and the next run goes on after them`
  const where = statement ? `; statement: ${shorten(statement.sql)}` : ''
  return new MigrationError(
    `${name} failed: ${reasonOf(cause)}${where}; ${committed}`,
    {
      revision,
      direction,
      committed,
      partly: step.committed !== undefined,
      ...(statement && { statement: statement.sql }),
      ...(statement?.code !== undefined && { sqlState: statement.code }),
    },
    { cause },
  )
}

function reasonOf(cause: unknown): string {
  if (cause instanceof OutOfTime) {
    return `${cause.message}: it needs more than one Lambda life, so split it into several revisions or make it a backfill`
  }
  return messageOf(cause)
}

/** The database's error behind an error of the ORM or of the revision itself. */
export function statementErrorOf(error: unknown): StatementError | undefined {
  return causesOf(error).find((cause) => cause instanceof StatementError)
}

function shorten(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}
