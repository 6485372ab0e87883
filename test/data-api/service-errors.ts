import { type StatementError, toStatementError } from '../../lambda/data-api/errors.ts'

/** An error as the service returns it. */
export function serviceError(name: string, message = ''): StatementError {
  return toStatementError(Object.assign(new Error(message), { name }), 'select 1')
}

export const RESUMING = serviceError('DatabaseResumingException', 'is resuming')
export const THROTTLED = serviceError('ThrottlingException', 'Rate exceeded')
export const BUSY = serviceError('DatabaseErrorException', 'Transaction is still running a query')
export const CUT = serviceError('TimeoutError', 'socket hang up')
export const KILLED = serviceError(
  'DatabaseErrorException',
  'FATAL: terminating connection due to administrator command; SQLState: 57P01',
)
export const ROTATED = serviceError(
  'DatabaseErrorException',
  'FATAL: password authentication failed for user "x"; SQLState: 28P01',
)
export const RAISED = serviceError('DatabaseErrorException', 'ERROR: mine; SQLState: 28P01')
export const DUPLICATE = serviceError(
  'DatabaseErrorException',
  'ERROR: duplicate key; SQLState: 23505',
)
