import { databaseError, ServiceError } from '../service-error.ts'
import type { FaultKind } from './faults.ts'

const names = {
  500: 'InternalServerErrorException',
  503: 'ServiceUnavailableError',
  504: 'DatabaseUnavailableException',
}

/** The error a fault answers instead of running the call, or in place of its answer. */
export function faultError(kind: FaultKind, when: 'before' | 'after'): ServiceError | undefined {
  if (kind === 'throttle' && when === 'before') {
    return new ServiceError('ThrottlingException', 400, 'Rate exceeded')
  }
  if (typeof kind !== 'object') return undefined
  if ('resuming' in kind && when === 'before') {
    return new ServiceError(
      'DatabaseResumingException',
      400,
      'The Aurora DB instance db-LOCAL is resuming after being auto-paused. ' +
        'Please wait a few seconds and try again.',
    )
  }
  if (!('status' in kind) || kind.when !== when) return undefined
  return new ServiceError(names[kind.status], kind.status)
}

export function backendKilled(): ServiceError {
  return databaseError(
    'FATAL: terminating connection due to administrator command; SQLState: 57P01',
  )
}
