/** How long a step may work. */
export interface StepTime {
  /** When it is stopped, in epoch milliseconds; see {@link stopTime}. */
  readonly stopAt: number
  /**
   * Whether a step that was stopped is left to a later run, asked when it is. False: it has had all the time there is, so
   * stopping it is its failure.
   */
  mayTryAgain(): boolean
}

/** The work was stopped, because the time was up. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime'
}

const SHORTEST_RESERVE_MS = 5_000
/** A statement under way ends after 45 s at the latest, and the transaction is rolled back only then. */
const LONGEST_RESERVE_MS = 60_000
/** Node's timers go no further. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** When work must stop, so that the last statement can end, be rolled back and reported before the deadline. */
export function stopTime(deadline: number, now = Date.now()): number {
  return deadline - reserve((deadline - now) / 10)
}

function reserve(ms: number): number {
  return Math.min(Math.max(ms, SHORTEST_RESERVE_MS), LONGEST_RESERVE_MS)
}

/** The time until the deadline that lets work go on for `workMs`, see {@link stopTime}. */
export function timeFor(workMs: number): number {
  return workMs + reserve(workMs / 9)
}

/** What `work` answers, or {@link OutOfTime} when that takes longer than until `time`; it then goes on unheard. */
export async function untilTime<T>(time: number, work: () => Promise<T> | T): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const started = Date.now()
  const ms = Math.min(Math.max(time - started, 0), LONGEST_TIMER_MS)
  const timer = setTimeout(() => {
    const seconds = Math.round((Date.now() - started) / 1000)
    reject(new OutOfTime(`stopped after ${seconds} s, when the time was up`))
  }, ms)
  try {
    return await Promise.race([work(), promise])
  } finally {
    clearTimeout(timer)
  }
}
