import { explained, StatementError } from '../data-api/errors.ts'

/** The service ends a transaction after 3 idle minutes. */
const IDLE_MS = 60_000

/**
 * Sees to it that a transaction does not idle away while a revision waits for something else.
 *
 * That needs a free event loop: a stretch of JavaScript without an `await` cannot be helped, only be named.
 */
export class KeepAlive {
  readonly #ping: () => void
  readonly #idleMs: number
  #usedAt = 0
  #timer: NodeJS.Timeout | undefined

  /** `ping` has to use the transaction. */
  constructor(ping: () => void, idleMs = IDLE_MS) {
    this.#ping = ping
    this.#idleMs = idleMs
  }

  /** The transaction was used just now. */
  used(): void {
    this.stop()
    this.#usedAt = Date.now()
    this.#timer = setTimeout(this.#ping, this.#idleMs).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** How long the transaction has been idle. */
  get idleMs(): number {
    return Date.now() - this.#usedAt
  }

  /** Names the cause of a transaction that is gone after `idleMs` in which no ping could be sent. */
  explain(error: StatementError, idleMs: number): StatementError {
    if (error.exception !== 'TransactionNotFoundException' || idleMs < 2 * this.#idleMs)
      return error
    const explanation = explained(
      error,
      `the revision ran ${Math.round(idleMs / 1000)} s of JavaScript without an await, so its transaction could not be kept alive and was ended by the service after 3 idle minutes: do the work before the first statement, or let the event loop run in between (await setImmediate() of node:timers/promises)`,
    )
    // Another try would idle as long: it is no break of the service.
    return new StatementError(
      error.sql,
      { ...explanation, exception: 'TransactionIdled', message: explanation.message },
      error,
    )
  }
}
