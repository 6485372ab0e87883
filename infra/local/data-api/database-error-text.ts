import { DatabaseError } from 'pg'
import { databaseError, ServiceError, validationError } from '../service-error.ts'

/** Turns what PostgreSQL (or the connection to it) reported into the answer of the Data API. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (!(error instanceof DatabaseError)) return databaseError(connectionText(error))
  if (error.code === '42601' && error.message.startsWith('unterminated dollar-quoted string')) {
    return databaseError('Database returned SQL Exception')
  }
  if (error.code === '42601' && error.routine === 'exec_parse_message') {
    return validationError("Multistatements aren't supported")
  }
  return databaseError(databaseErrorText(error))
}

/** The service names its prepared statements, with a number that only it knows. Here they have no names. */
const preparedStatement = 'prepared statement "sqlx_s_1"'

/** `ERROR: …; Hint: …; Position: n; SQLState: …`, never with the detail. */
export function databaseErrorText(error: DatabaseError): string {
  const message = error.message.replace('prepared statement ""', preparedStatement)
  // Seen without a severity on the real service: the bind message is refused before execution.
  const severity = error.code === '08P01' ? '' : `${error.severity ?? 'ERROR'}: `
  const hint = error.hint === undefined ? '' : `; Hint: ${error.hint}`
  const position = error.position === undefined ? '' : `; Position: ${error.position}`
  return `${severity}${message}${hint}${position}; SQLState: ${error.code ?? 'XX000'}`
}

function connectionText(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error)
  return `FATAL: ${reason}; SQLState: 08006`
}
