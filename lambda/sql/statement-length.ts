import { CommandError } from '../errors.ts'

/** The service's limit on one statement. */
export const MAX_SQL_CHARACTERS = 65_536

/** The error for a statement that is longer than the service takes; undefined for one that is not. */
export function lengthError(sql: string): CommandError | undefined {
  if (sql.length <= MAX_SQL_CHARACTERS) return undefined
  return new CommandError(
    'StatementTooLong',
    `a statement has ${sql.length} characters and the Data API takes at most ${MAX_SQL_CHARACTERS}: pass rows to op.bulkInsert or op.bulkUpdate, or split it (it begins: ${sql.slice(0, 80)})`,
  )
}
