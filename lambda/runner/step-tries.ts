import { setTimeout as sleep } from 'node:timers/promises'
import { hasTimedOut, type StatementError } from '../data-api/errors.ts'
import { MigrationError } from '../errors.ts'
import type { DatabaseState } from './database-state.ts'
import type { StepReport } from './report.ts'
import type { RunnerContext, RunStep } from './runner-context.ts'
import { statementErrorOf } from './step-failure.ts'
import type { StepTime } from './step-time.ts'
import { type LOST, type STOPPED, StepTransaction } from './step-transaction.ts'

/** Applies steps in one transaction, and tries again where that helps; throws what the last try threw, see {@link StepTransaction}. */
export async function applySteps(
  context: RunnerContext,
  steps: readonly RunStep[],
  state: DatabaseState,
  time: StepTime,
): Promise<readonly StepReport[] | typeof LOST | typeof STOPPED> {
  const tries = new StepTries(context, time)
  for (;;) {
    const attempt = new StepTransaction(context, steps, state, time, tries.follow)
    try {
      return await attempt.apply()
    } catch (error) {
      if (!(error instanceof MigrationError)) throw error
      if (await tries.again(error)) continue
      await attempt.recordFailure(error)
      throw error
    }
  }
}

/** SQLSTATEs of a revision that met somebody else, and may not the next time. */
const IN_THE_WAY: Readonly<Record<string, string>> = {
  '55P03': 'a lock was not free',
  '40P01': 'it met a deadlock',
  '40001': 'it met a concurrent change',
}
const MOST_TRIES = 5
const FIRST_WAIT_MS = 1_000

/**
 * Whether a revision that failed and was rolled back is run again at once.
 *
 * | what failed | run again | why |
 * |---|---|---|
 * | 55P03, 40P01, 40001 | up to 4 times, after 1, 2, 4, 8 s ±25 % | somebody else was in the way |
 * | a call of more than 45 s, in a transaction | once, with its statements sent one by one and followed to their real end | the service had cancelled it |
 * | a call of several statements that reached a `statement_timeout` (57014) | the same | that is meant for one |
 * | anything else, and what an autocommit block has committed part of | never | it would fail again; the next run goes on after what is committed |
 */
class StepTries {
  readonly #context: RunnerContext
  readonly #time: StepTime
  /** Whether the next try follows its statements beyond 45 s. */
  follow = false
  #made = 0

  constructor(context: RunnerContext, time: StepTime) {
    this.#context = context
    this.#time = time
  }

  /** False: the failure stands. Otherwise it has waited as long as it should. */
  async again(error: MigrationError): Promise<boolean> {
    const reason = this.#reason(error)
    if (reason === undefined) return false
    this.#made += 1
    const wait = FIRST_WAIT_MS * 2 ** (this.#made - 1) * (0.75 + Math.random() / 2)
    if (this.#made >= MOST_TRIES || Date.now() + wait >= this.#time.stopAt) return false
    this.#context.log.warn(
      `${reason}, so it is run again (try ${this.#made + 1}): ${error.message}`,
    )
    await sleep(wait)
    return true
  }

  /** One that the database or the role sets: the runner's own is for one statement, which then is a call. */
  #metTimeout({ code, message }: StatementError): boolean {
    const isOwn = (this.#context.timeouts?.statementMs ?? 0) > 0
    return code === '57014' && message.includes('statement timeout') && !isOwn
  }

  #reason(error: MigrationError): string | undefined {
    const cause = statementErrorOf(error)
    if (cause === undefined || error.failure.partly) return undefined
    const isTooLong = hasTimedOut(cause) || this.#metTimeout(cause)
    if (!isTooLong) return IN_THE_WAY[cause.code ?? '']
    if (this.follow) return undefined
    this.follow = true
    return 'a statement took longer than the 45 s of the Data API, or those of one call together'
  }
}
