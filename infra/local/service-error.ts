/** An error answer of the Data API or of Secrets Manager: exception name, HTTP status, body. */
export class ServiceError extends Error {
  override readonly name: string
  readonly status: number
  /** What the body carries; an undefined message is left out, as the service does for 5xx. */
  readonly body: Readonly<Record<string, unknown>>

  constructor(
    name: string,
    status: number,
    message?: string,
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(message ?? name)
    this.name = name
    this.status = status
    this.body = message === undefined ? members : { message, ...members }
  }
}

export function validationError(message: string): ServiceError {
  return new ServiceError('ValidationException', 400, message)
}

export function databaseError(message: string): ServiceError {
  return new ServiceError('DatabaseErrorException', 400, message)
}

/** What the real back end answers when it breaks down itself, for instance on `infinity`. */
export function internalFailure(): ServiceError {
  return new ServiceError('InternalFailure', 500)
}

export function unsupportedResult(message: string): ServiceError {
  return new ServiceError('UnsupportedResultException', 400, message)
}

export function statementTimeout(backendPid: number): ServiceError {
  return new ServiceError('StatementTimeoutException', 400, 'Request timed out', {
    dbConnectionId: backendPid,
  })
}

/** Why a transaction id is no longer known. */
export type TransactionEnd = 'expired' | 'terminated' | 'aborted'

const endTexts: Readonly<Record<TransactionEnd, string>> = {
  expired: 'Transaction may be expired.',
  terminated: 'One previous call resulted in a termination of your transaction.',
  aborted: 'Transaction has been aborted due to an error from a previous call.',
}

export function transactionNotFound(id: string, end: TransactionEnd): ServiceError {
  return new ServiceError(
    'TransactionNotFoundException',
    404,
    `Transaction ${id} is not found. ${endTexts[end]}`,
  )
}
