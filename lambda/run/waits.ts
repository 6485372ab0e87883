import type { RetryPolicy } from '../data-api/retry.ts'
import type { RunnerContext } from './runner-context.ts'

/** Waiting for the database for so long takes from a step the time that it would have had. */
const LONG_MS = 5_000

/** What a run has waited for: a cluster that wakes up, a failover, another run. */
export class Waits {
  /** The given context, whose waits in retries are counted here. */
  readonly context: RunnerContext
  #ms = 0
  #hasWaitedForRun = false

  constructor(context: RunnerContext) {
    const { retry = {} } = context.sessionOptions
    const onWait: NonNullable<RetryPolicy['onWait']> = (error, waitMs) => {
      this.#ms += waitMs
      retry.onWait?.(error, waitMs)
    }
    const sessionOptions = { ...context.sessionOptions, retry: { ...retry, onWait } }
    this.context = { ...context, sessionOptions }
  }

  waitedForRun(): void {
    this.#hasWaitedForRun = true
  }

  /** Whether the first step of the run had less than the whole time of the run. */
  get tookTime(): boolean {
    return this.#hasWaitedForRun || this.#ms >= LONG_MS
  }
}
