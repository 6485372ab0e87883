import { setTimeout as sleep } from 'node:timers/promises'
import { explained, isBusy, isUnavailable, StatementError, unanswered } from './errors.ts'

/**
 * When a call that failed is sent again: the one place that decides it.
 *
 * | what came back | for which calls | sent again for | why that is safe |
 * |---|---|---|---|
 * | DatabaseResumingException (auto-paused cluster wakes up), no writer yet, throttling, no connection free | all | 3 min | the service says that nothing ran |
 * | "Transaction is still running a query" | all | until the deadline | the call was refused because of an earlier one |
 * | SecretsErrorException (the service could not read the secret) | all | 5 s | it reads it before it connects |
 * | 28P01 (the password is being rotated) | all | 60 s | the connection was refused, so nothing ran |
 * | the writer is not available (DatabaseUnavailableException, 57P01, 57P02, 08…): a failover takes 30 to 60 s | reads, BeginTransaction, RollbackTransaction, the history row of a failure | 3 min | twice is as good as once: a transaction begun twice holds nothing and expires |
 * | socket error, time-out, any other 5xx | the same | 15 s | the same |
 * | both | CommitTransaction | never | `run/commit.ts` finds out what happened |
 * | the same | a statement outside a transaction | never here | `run/block/block-statements.ts` finds out what happened |
 * | the same | every other write | never | it may have run: the transaction is rolled back, and `run/step-tries.ts` runs the revision again |
 * | anything else | all | never | it would be refused again |
 *
 * Each of these times counts from the first error of its row: an outage may cut sockets in its third minute, and an
 * auto-paused cluster may wake up while the password is being rotated. The longest that was begun counts for all.
 *
 * Waits are 0.25 s, doubled up to 5 s, each with ±25 % jitter, and never past the deadline; a call that returns nothing
 * until then is given up. What is done again as a whole revision, after its rollback, stands in `run/step-tries.ts`.
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
const UNAVAILABLE_MS = 180_000

/** How a call may be sent again. */
export interface Repeatable {
  /** Sending it twice is as good as once. */
  readonly harmless: boolean
  /** Called before each time it is sent; what it throws ends the call. */
  before?(): Promise<void>
}

function patienceMs(error: StatementError, policy: RetryPolicy, { harmless }: Repeatable): number {
  if (error.outcome === 'refused') return 0
  if (error.outcome === 'unknown' && !harmless) return 0
  if (error.outcome === 'unknown') return isUnavailable(error) ? UNAVAILABLE_MS : 15_000
  if (error.code === '28P01') return policy.passwordMs ?? 60_000
  if (error.exception === 'SecretsErrorException') return 5_000
  if (isBusy(error) && policy.deadline !== undefined) return Number.POSITIVE_INFINITY
  return UNAVAILABLE_MS
}

/** Sends a call again as {@link RetryPolicy} allows when it throws a {@link StatementError}. */
export async function retryCall<T>(
  call: () => Promise<T>,
  policy: RetryPolicy,
  repeatable: Repeatable,
): Promise<T> {
  // When the waiting ends, by how long an error is waited for.
  const ends = new Map<number, number>()
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    await repeatable.before?.()
    try {
      return await call()
    } catch (failure) {
      if (!(failure instanceof StatementError)) throw failure
      const ms = patienceMs(failure, policy, repeatable)
      if (ms === 0) throw given(failure, policy)
      if (!ends.has(ms)) ends.set(ms, Date.now() + ms)
      const end = Math.min(Math.max(...ends.values()), policy.deadline ?? Number.POSITIVE_INFINITY)
      const jittered = Math.round(wait * (0.75 + Math.random() / 2))
      if (Date.now() + jittered > end) throw given(failure, policy)
      policy.onWait?.(failure, jittered)
      await sleep(jittered)
    }
  }
}

/** What a call has after the deadline: a run that begins with no time left still reads where the database stands. */
const SHORTEST_CALL_MS = 1_000
/** A little more than a client waits for an answer. */
const LONGEST_CALL_MS = 65_000

/**
 * The result of a call, or an error at the deadline: a service that accepts a call and never answers would outlast the
 * function, which then reports nothing.
 */
export async function untilDeadline<T>(
  sql: string,
  call: () => Promise<T>,
  deadline = Number.POSITIVE_INFINITY,
): Promise<T> {
  const left = Math.max(SHORTEST_CALL_MS, deadline - Date.now())
  // The client gives up by itself before.
  if (left > LONGEST_CALL_MS) return await call()
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(unanswered(sql)), left)
  try {
    return await Promise.race([call(), promise])
  } finally {
    clearTimeout(timer)
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
