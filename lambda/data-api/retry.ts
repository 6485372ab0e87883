import { setTimeout as sleep } from 'node:timers/promises'
import { explained, isBusy, StatementError } from './errors.ts'

/**
 * When a call that failed is sent again: the one place that decides it.
 *
 * | what came back | for which calls | sent again for | why that is safe |
 * |---|---|---|---|
 * | DatabaseResumingException (auto-paused cluster wakes up), no writer yet, throttling, no connection free | all | 3 min | the service says that nothing ran |
 * | "Transaction is still running a query" | all | until the deadline | the call was refused because of an earlier one |
 * | SecretsErrorException (the service could not read the secret) | all | 5 s | it reads it before it connects |
 * | 28P01 (the password is being rotated) | all | 60 s | the connection was refused, so nothing ran |
 * | socket error, time-out, 5xx, connection lost (57P01, 08…) | reads, BeginTransaction, RollbackTransaction, the history row of a failure | 15 s | twice is as good as once: a transaction begun twice holds nothing and expires |
 * | the same | CommitTransaction | never | `runner/commit.ts` finds out what happened |
 * | the same | a statement outside a transaction | never here | `runner/block-statements.ts` finds out what happened |
 * | the same | every other write | never | it may have run: the transaction is rolled back |
 * | anything else | all | never | it would be refused again |
 *
 * Waits are 0.25 s, doubled up to 5 s, each with ±25 % jitter, and never past the deadline. What is done again as a
 * whole revision, after its rollback, stands in `runner/step-tries.ts`.
 */
export interface RetryPolicy {
  /** When to give up whatever the error, in epoch milliseconds. Default: never. */
  readonly deadline?: number
  /** Longest wait for a password that is being rotated. Default: 60,000. */
  readonly passwordMs?: number
  /** Which secret the service logs in with, for the message when its password stays refused. */
  readonly secret?: () => string
  /** Told before each wait, so that a person sees why nothing happens. */
  onWait?(error: StatementError, waitMs: number): void
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000

/** How a call may be sent again. */
export interface Repeatable {
  /** Sending it twice is as good as once. */
  readonly harmless: boolean
  /** Called before each time it is sent; what it throws ends the call. */
  before?(): Promise<void>
}

function patienceMs(error: StatementError, policy: RetryPolicy, { harmless }: Repeatable): number {
  if (error.outcome === 'refused') return 0
  if (error.outcome === 'unknown') return harmless ? 15_000 : 0
  if (error.code === '28P01') return policy.passwordMs ?? 60_000
  if (error.exception === 'SecretsErrorException') return 5_000
  if (isBusy(error) && policy.deadline !== undefined) return Number.POSITIVE_INFINITY
  return 180_000
}

/** Sends a call again as {@link RetryPolicy} allows when it throws a {@link StatementError}. */
export async function retryCall<T>(
  call: () => Promise<T>,
  policy: RetryPolicy,
  repeatable: Repeatable,
): Promise<T> {
  const started = Date.now()
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    await repeatable.before?.()
    try {
      return await call()
    } catch (failure) {
      if (!(failure instanceof StatementError)) throw failure
      const jittered = Math.round(wait * (0.75 + Math.random() / 2))
      const end = Math.min(
        started + patienceMs(failure, policy, repeatable),
        policy.deadline ?? Number.POSITIVE_INFINITY,
      )
      if (Date.now() + jittered > end) throw given(failure, policy)
      policy.onWait?.(failure, jittered)
      await sleep(jittered)
    }
  }
}

function given(error: StatementError, { secret }: RetryPolicy): StatementError {
  if (error.code !== '28P01') return error
  const which = secret === undefined ? 'the secret' : secret()
  return explained(
    error,
    `${which} does not hold the password of the database user: let its rotation finish, or put the right password into it`,
  )
}
