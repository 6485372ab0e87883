import { setTimeout as sleep } from 'node:timers/promises'
import type { StatementError } from './errors.ts'

/**
 * When a call that failed may be sent again. Used for reads and BeginTransaction alone: nothing that writes is ever repeated.
 *
 * | what came back | sent again for | why that is safe |
 * |---|---|---|
 * | DatabaseResumingException (auto-paused cluster wakes up), no writer yet, throttling | up to 3 min | the service says that nothing ran |
 * | SecretsErrorException (the service could not read the secret) | 5 s | it reads it before it connects |
 * | 28P01 (the password is being rotated) | up to 60 s | the connection was refused, so nothing ran |
 * | socket error, time-out, 5xx | up to 15 s | a read changes nothing; a transaction begun twice holds nothing and expires |
 * | anything else | never | it would be refused again |
 *
 * Waits are 0.25 s, doubled up to 5 s, each with ±25 % jitter, and never past the deadline.
 */
export interface RetryPolicy {
  /** When to give up whatever the error, in epoch milliseconds. Default: never. */
  readonly deadline?: number
  /** Told before each wait, so that a person sees why nothing happens. */
  onWait?(error: StatementError, waitMs: number): void
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000

function patienceMs(error: StatementError): number {
  if (error.code === '28P01') return 60_000
  if (error.exception === 'SecretsErrorException') return 5_000
  if (error.outcome === 'not-run') return 180_000
  return error.outcome === 'unknown' ? 15_000 : 0
}

/** Sends a call again as {@link RetryPolicy} allows; `call` must throw {@link StatementError}s. */
export async function retryCall<T>(call: () => Promise<T>, policy: RetryPolicy): Promise<T> {
  const started = Date.now()
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await call()
    } catch (error) {
      const failure = error as StatementError
      const jittered = Math.round(wait * (0.75 + Math.random() / 2))
      const end = Math.min(
        started + patienceMs(failure),
        policy.deadline ?? Number.POSITIVE_INFINITY,
      )
      if (Date.now() + jittered > end) throw failure
      policy.onWait?.(failure, jittered)
      await sleep(jittered)
    }
  }
}
