import { setTimeout as sleep } from 'node:timers/promises'
import { hasTimedOut, type StatementError } from '../data-api/errors.ts'
import { MigrationError } from '../errors.ts'
import type { OpenStep } from '../ledger/database-state.ts'
import { causesOf } from '../thrown.ts'
import type { Attempts } from './attempts.ts'
import { wantsBatches } from './batch-executor.ts'
import { BlockProgress } from './block/block-progress.ts'
import { NotCommitted } from './commit.ts'
import type { StepReport } from './report.ts'
import type { RunnerContext, RunStep } from './runner-context.ts'
import { statementErrorOf } from './step-failure.ts'
import type { StepTime } from './step-time.ts'
import { type LOST, STOPPED, type StepState, StepTransaction } from './step-transaction.ts'

/** Applies steps in one transaction, and tries again where that helps; throws what the last try threw, see {@link StepTransaction}. */
export async function applySteps(
  context: RunnerContext,
  steps: readonly RunStep[],
  state: StepState,
  time: StepTime,
  attempts: Attempts,
): Promise<readonly StepReport[] | typeof LOST | typeof STOPPED> {
  const tries = new StepTries(context, time, wantsBatches(context) && state.batches)
  const progress = new BlockProgress()
  let now: StepState = state
  for (;;) {
    const { follow, together } = tries
    const options = { time, follow, together, progress, attempts }
    const attempt = new StepTransaction(context, steps, now, options)
    try {
      return await attempt.apply()
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error
      const next = tries.after(error)
      if (next === 'none') {
        await attempt.recordFailure(error)
        throw error
      }
      if (next === 'later') {
        await attempt.release()
        return STOPPED
      }
      now = stateAfter(now, await attempt.release(), error)
      await tries.wait(error)
    }
  }
}

/** What the next try finds: the row of the failed one, where that was committed before an autocommit block. */
function stateAfter(
  state: StepState,
  row: Pick<OpenStep, 'token' | 'seq'> | undefined,
  { failure: { revision, direction } }: MigrationError,
): StepState {
  if (row === undefined) return state
  return {
    ...state,
    open: { ...row, revision, direction },
    lastSeq: Math.max(state.lastSeq, row.seq),
  }
}

/** SQLSTATEs of a revision that met somebody else, and may not the next time. */
const IN_THE_WAY: Readonly<Record<string, string>> = {
  '55P03': 'a lock was not free',
  '40P01': 'it met a deadlock',
  '40001': 'it met a concurrent change',
}
const BROKEN = 'the connection broke, and nothing is committed'
/** SQLSTATEs of a function that is ambiguous, not there, or not to be called. */
const NOT_CALLED = new Set(['42725', '42883', '42501'])
const NEW_ENUM_VALUE = '55P04'
const MOST_TRIES = 5
const FIRST_WAIT_MS = 1_000

function isBroken(error: StatementError): boolean {
  if (hasTimedOut(error)) return false
  return error.outcome === 'unknown' || error.exception === 'TransactionNotFoundException'
}

/**
 * Whether a revision that failed and was rolled back is run again at once.
 *
 * | what failed | run again | why |
 * |---|---|---|
 * | 55P03, 40P01, 40001 | up to 4 times, after 1, 2, 4, 8 s ±25 % | another transaction was in the way |
 * | a call whose outcome is not known, a transaction that is gone, a commit that did not take place | the same, but once for the same statement | the connection broke, and nothing is committed: fence and lock see to it that it is not applied twice |
 * | a call of more than 45 s, in a transaction | once, with its statements sent one by one and followed to their real end | the service had cancelled it |
 * | a call of several statements that reached a `statement_timeout` (57014) | the same | that is meant for one |
 * | a call of the function for batches, before it began | the same | somebody made another one that the call may mean, or dropped ours |
 * | 55P04, where statements are sent together | once, with its statements sent one by one | a trigger or a function may have made the enum, and a subtransaction forgets that the type is new |
 * | anything else | never | it would fail again |
 *
 * What its autocommit blocks did in an earlier try is not sent again, see {@link BlockProgress}.
 */
class StepTries {
  readonly #context: RunnerContext
  readonly #time: StepTime
  /** Whether the next try follows its statements beyond 45 s. */
  follow = false
  /** Whether the next try sends statements together. */
  together: boolean
  readonly #broken = new Set<string>()
  #made = 0
  #reasonNow = ''
  #waitMs = 0

  constructor(context: RunnerContext, time: StepTime, together: boolean) {
    this.#context = context
    this.#time = time
    this.together = together
  }

  /** Whether another try follows: in this run, in a later one because the time is up, or none. */
  after(error: MigrationError): 'now' | 'later' | 'none' {
    const reason = this.#reason(error)
    if (reason === undefined) return 'none'
    this.#made += 1
    this.#reasonNow = reason
    this.#waitMs = FIRST_WAIT_MS * 2 ** (this.#made - 1) * (0.75 + Math.random() / 2)
    if (this.#made >= MOST_TRIES) return 'none'
    if (Date.now() + this.#waitMs < this.#time.stopAt) return 'now'
    if (!this.#time.mayTryAgain()) return 'none'
    this.#context.log.warn(
      `${reason}, and the time is up, so a later run does it: ${error.message}`,
    )
    return 'later'
  }

  /** Waits before the next try. */
  async wait({ message }: MigrationError): Promise<void> {
    this.#context.log.warn(
      `${this.#reasonNow}, so it is run again (try ${this.#made + 1}): ${message}`,
    )
    await sleep(this.#waitMs)
  }

  /** The connection stood up again, and the same statement broke it a second time: it would do so again. */
  #breaksAgain({ sql }: StatementError): boolean {
    if (this.#broken.has(sql)) return true
    this.#broken.add(sql)
    return false
  }

  /** The call itself, and not a statement in it. */
  #metNoFunction({ code, message }: StatementError): boolean {
    return NOT_CALLED.has(code ?? '') && message.includes(this.#context.table.executorName)
  }

  /** One that the database or the role sets: the runner's own is for one statement, which then is a call. */
  #metTimeout({ code, message }: StatementError): boolean {
    const isOwn = (this.#context.timeouts?.statementMs ?? 0) > 0
    return code === '57014' && message.includes('statement timeout') && !isOwn
  }

  #oneByOne(): string | undefined {
    if (!this.together || this.follow) return undefined
    this.together = false
    return 'a new value of an enum may be usable where statements are sent one by one'
  }

  #reason(error: MigrationError): string | undefined {
    if (causesOf(error).some((cause) => cause instanceof NotCommitted)) return BROKEN
    const cause = statementErrorOf(error)
    if (cause === undefined) return undefined
    if (isBroken(cause)) return this.#breaksAgain(cause) ? undefined : BROKEN
    if (cause.code === NEW_ENUM_VALUE) return this.#oneByOne()
    const isTooLong = hasTimedOut(cause) || this.#metTimeout(cause)
    const isNotCalled = this.#metNoFunction(cause)
    if (!isTooLong && !isNotCalled) return IN_THE_WAY[cause.code ?? '']
    if (this.follow) return undefined
    this.follow = true
    this.together = false
    return isNotCalled
      ? 'the function for batches could not be called'
      : 'a statement took longer than the 45 s of the Data API, or those of one call together'
  }
}
