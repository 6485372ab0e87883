import { type Goal, shown } from './bench.ts'
import { OURS, OURS_IN_ONE } from './contestants.ts'
import { callsOf, type Result, wallMs, warmMs } from './migration-results.ts'

/** The goals of (a). */
export function nothingGoals(results: readonly Result[]): Goal[] {
  const { ours, peers } = atFarthest(results)
  return [
    callGoal('a', 'exactly 1 Data API call', ours, (calls) => calls === 1),
    ratioGoal('a', 0.35, ours, peers, { value: wallMs, process: ', fresh process' }),
    ratioGoal('a', 0.35, ours, peers, { value: warmMs, process: ', warm process' }),
  ]
}

/** The goals of (b). */
export function oneGoals(next: readonly Result[], first: readonly Result[]): Goal[] {
  return [
    callGoal('b', 'at most 4 calls', atFarthest(next).ours, (calls) => calls <= 4),
    callGoal('b', 'at most 6 calls on a first run', atFarthest(first).ours, (calls) => calls <= 6),
  ]
}

/** The goals of (c). */
export function applyGoals(results: readonly Result[], count: number): Goal[] {
  const { ours, oneTransaction, peers } = atFarthest(results)
  // A first run reads, makes the tables and reads again.
  const most = 3 * count + 3
  return [
    callGoal('c', `at most 3 calls a revision (${most} in all)`, ours, (calls) => calls <= most),
    ratioGoal('c', 0.6, ours, peers, { value: wallMs, process: '' }),
    callGoal('c', "transaction: 'run': at most 10 calls", oneTransaction, (calls) => calls <= 10),
    ratioGoal('c', 0.1, oneTransaction, peers, {
      value: wallMs,
      process: ", transaction: 'run'",
    }),
  ]
}

/** The goals are for the largest latency. */
function atFarthest(results: readonly Result[]) {
  const farthest = results.at(-1)?.front
  const there = results.filter(({ front }) => front === farthest)
  const ours = there.find(({ contestant }) => contestant.name === OURS)
  const oneTransaction = there.find(({ contestant }) => contestant.name === OURS_IN_ONE)
  return {
    ours,
    oneTransaction,
    peers: there.filter(({ contestant }) => contestant.kind === 'peer'),
  }
}

function callGoal(
  work: string,
  goal: string,
  result: Result | undefined,
  isMet: (calls: number) => boolean,
): Goal {
  if (result === undefined || result.runs.length === 0) return unmeasured(work, goal, result)
  const calls = callsOf(result.runs)
  return { work, goal, measured: calls === 1 ? '1 call' : `${calls} calls`, met: isMet(calls) }
}

function ratioGoal(
  work: string,
  most: number,
  ours: Result | undefined,
  peers: readonly Result[],
  { value, process }: { value: (result: Result) => number; process: string },
): Goal {
  const able = peers.filter(({ runs }) => runs.length > 0)
  const [best] = able.sort((one, other) => value(one) - value(other))
  const goal = `wall time at most ${most} × the best peer's${process}`
  if (ours === undefined || ours.runs.length === 0) return unmeasured(work, goal, ours)
  if (best === undefined) return { work, goal, measured: 'no peer ran', met: false }
  const ratio = value(ours) / value(best)
  const { name } = best.contestant
  const measured = `${shown(ratio)} × (${shown(value(ours))} ms; ${name} ${shown(value(best))} ms)`
  return { work, goal, measured, met: ratio <= most }
}

function unmeasured(work: string, goal: string, result: Result | undefined): Goal {
  return { work, goal, measured: result?.error ?? 'not measured', met: false }
}
