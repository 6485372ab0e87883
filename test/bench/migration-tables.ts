import { type Cell, medianOf, shown, type Table } from './bench.ts'
import type { Contestant } from './contestants.ts'
import { callsOf, type Result, resultOf, wallMs, warmMs } from './migration-results.ts'

/** Calls and wall time of each contestant at each latency, and ours as a part of theirs. */
export function wallTable(title: string, results: readonly Result[], warm = false): Table {
  const fronts = [...new Set(results.map(({ front }) => front))]
  const contestants = [...new Set(results.map(({ contestant }) => contestant))]
  const heads = fronts.map(({ latencyMs }) => `${latencyMs} ms`)
  const farthest = `ours at ${heads.at(-1)}`
  const columns = ['', 'Data API calls', 'import ms', ...heads.map((head) => `${head}: wall ms`)]
  if (warm) columns.push(...heads.map((head) => `${head}: warm ms`))
  const failed = contestants.filter((contestant) => errorOf(results, contestant) !== undefined)
  const able = contestants.filter((contestant) => !failed.includes(contestant))
  const rows = able.map((contestant) => {
    const own = fronts.map((front) => resultOf(results, contestant, front))
    return wallRow(contestant, own, ratio(results, own.at(-1)), warm)
  })
  const notes = [
    ...failed.map((contestant) => `${contestant.name} fails: ${errorOf(results, contestant)}`),
    ...able.flatMap(({ name, note }) => (note === undefined ? [] : [`${name}: ${note}`])),
  ]
  return { title, columns: [...columns, farthest], rows, notes }
}

function errorOf(results: readonly Result[], contestant: Contestant): string | undefined {
  return results.find((each) => each.contestant === contestant && each.error !== undefined)?.error
}

function wallRow(
  { name }: Contestant,
  own: readonly Result[],
  compared: string,
  warm: boolean,
): Cell[] {
  const runs = own.flatMap((result) => result.runs)
  const cells: Cell[] = [name, callText(runs), shown(medianOf(runs, (run) => run.importMs))]
  cells.push(...own.map((result) => shown(wallMs(result))))
  if (warm) cells.push(...own.map((result) => shown(warmMs(result))))
  return [...cells, compared]
}

/** Ours divided by theirs. */
function ratio(results: readonly Result[], theirs: Result | undefined): string {
  const ours = results.find(
    ({ contestant, front }) => contestant.kind === 'ours' && front === theirs?.front,
  )
  if (theirs === undefined || ours === undefined || theirs.contestant.kind === 'ours') return ''
  return `${shown(wallMs(ours) / wallMs(theirs))} ×`
}

function callText(runs: Result['runs']): string {
  const secrets = medianOf(runs, ({ calls }) => calls.secrets)
  return `${callsOf(runs)}${secrets > 0 ? ' + secret' : ''}`
}

/**
 * Where the time goes: the latency of the calls, the client's own CPU, and the rest, which is the server's. Ours at
 * each latency, the others at the largest.
 */
export function costTable(results: readonly Result[]): Table {
  const farthest = results.at(-1)?.front
  const rows = results
    .filter(({ contestant, front }) => contestant.kind === 'ours' || front === farthest)
    .filter(({ runs }) => runs.length > 0)
    .map(({ contestant, front, runs }) => {
      const ms = medianOf(runs, (run) => run.ms)
      const cpu = medianOf(runs, (run) => run.cpuMs)
      const latency = callsOf(runs) * front.latencyMs
      return [
        contestant.name,
        `${front.latencyMs} ms`,
        shown(ms),
        shown(latency),
        shown(cpu),
        shown(ms - latency - cpu),
      ]
    })
  return {
    title: 'Where the time goes, in ms',
    columns: ['', 'latency', 'wall', 'calls × latency', "client's CPU", 'database and rest'],
    rows,
  }
}
