import { median, medianOf } from './bench.ts'
import type { Front } from './bench-aurora.ts'
import type { Contestant } from './contestants.ts'
import type { Measured } from './measured-run.ts'

/** The runs of one contestant at one latency, or why there are none. */
export interface Result {
  readonly contestant: Contestant
  readonly front: Front
  readonly runs: readonly Measured[]
  readonly error?: string
}

export function resultOf(results: readonly Result[], contestant: Contestant, front: Front): Result {
  const found = results.find((each) => each.contestant === contestant && each.front === front)
  return found ?? { contestant, front, runs: [] }
}

/** The median of the first runs of the processes. */
export function wallMs({ runs }: Result): number {
  return medianOf(runs, ({ ms }) => ms)
}

/** The median over the processes of the runs after the first. */
export function warmMs({ runs }: Result): number {
  return medianOf(runs, ({ runs: calls }) => median(calls.slice(1).map(({ ms }) => ms)))
}

/** Data API calls of one run. */
export function callsOf(runs: Result['runs']): number {
  return medianOf(runs, ({ calls, runs: times }) => calls.dataApi / times.length)
}
