import { type Bench, type Cell, type Goal, medianOf, shown, type Table } from './bench.ts'
import type { Front } from './bench-aurora.ts'
import { BATCH, BULK_INSERT, COPY, DIRECT, ENCODE, type Way } from './bulk-programs.ts'
import type { Measured } from './measured-run.ts'

/** What a way took; `runs` is empty when it failed. */
export interface WayResult {
  readonly way: Way
  readonly front: Front
  readonly rows: number
  readonly runs: readonly Measured[]
  readonly error?: string
}

const msOf = (result: WayResult | undefined) => medianOf(result?.runs ?? [], ({ ms }) => ms)

function speedOf(result: WayResult | undefined): number {
  return result === undefined ? Number.NaN : (1000 * result.rows) / msOf(result)
}

export function wayTable({ aurora }: Bench, results: readonly WayResult[]): Table {
  const ways = results.filter(({ way, front }) => !way.group && front === aurora.nearest)
  const copySpeed = speedOf(ways.find(({ way }) => way.name === COPY))
  const rows = ways.map(({ way, rows: inserted, runs, error }): Cell[] => {
    if (error !== undefined) return [way.name, `fails: ${error}`]
    const own = results.filter((result) => result.way === way)
    const sampled = way.sample !== undefined
    const calls = medianOf(runs, (run) => run.calls.dataApi)
    const cells: Cell[] = [
      sampled
        ? `${way.name} (extrapolated from ${own.map((one) => one.rows).join(', ')} rows)`
        : way.name,
      sampled ? `${calls} for ${inserted}` : way.isDirect ? 'none' : calls,
    ]
    for (const front of aurora.fronts) {
      const here = way.isDirect ? own[0] : own.find((result) => result.front === front)
      const speed = speedOf(here)
      cells.push(shown(speed), `${shown((100 * speed) / copySpeed)} %`)
    }
    return cells
  })
  const heads = aurora.fronts.flatMap(({ latencyMs }) => [`${latencyMs} ms: rows/s`, 'of COPY'])
  return { title: 'Rows a second', columns: ['', 'Data API calls', ...heads], rows }
}

export function profileTable({ aurora }: Bench, results: readonly WayResult[]): Table {
  const named = (name: string) => results.find(({ way }) => way.name === name)
  const whole = msOf(named(BULK_INSERT))
  const encoding = msOf(named(ENCODE))
  const direct = msOf(named(DIRECT))
  const part = (what: string, ms: number) => [what, shown(ms), `${shown((100 * ms) / whole)} %`]
  return {
    title: `Where the time of op.bulkInsert goes, at ${aurora.nearest.latencyMs} ms`,
    columns: ['', 'ms', 'part'],
    rows: [
      part('the whole revision', whole),
      part('PostgreSQL: the same statements sent by pg', direct),
      part('encoding: op.bulkInsert with a Data API that answers at once', encoding),
      part(
        'the rest: the SDK, HTTP, local Aurora and the other calls of the run, less the encoding done meanwhile',
        whole - direct - encoding,
      ),
      part('the same rows by COPY', msOf(named(COPY))),
    ],
  }
}

export function formTable({ aurora }: Bench, all: readonly WayResult[]): Table {
  const results = all.filter(({ way }) => way.group === 'form')
  return {
    title: `Forms of the parameter, a MiB a call, at ${aurora.nearest.latencyMs} ms`,
    columns: ['', 'Data API calls', 'rows/s'],
    rows: results.map((result) => [
      result.way.name,
      result.error ?? medianOf(result.runs, ({ calls }) => calls.dataApi),
      shown(speedOf(result)),
    ]),
  }
}

export function bulkGoals({ aurora }: Bench, results: readonly WayResult[]): Goal[] {
  const copySpeed = speedOf(results.find(({ way }) => way.name === COPY))
  return aurora.fronts
    .filter(({ latencyMs }) => latencyMs === 0 || latencyMs === 20)
    .flatMap((front) => {
      const here = results.filter((result) => result.front === front)
      const ours = speedOf(here.find(({ way }) => way.name === BULK_INSERT))
      const batches = here.filter(({ way }) => way.name.startsWith(BATCH)).map(speedOf)
      const [ofCopy, ofBatch] = front.latencyMs === 0 ? [25, 4] : [18, 3.5]
      const percent = (100 * ours) / copySpeed
      const factor = ours / Math.max(...batches)
      const at = `at ${front.latencyMs} ms`
      return [
        {
          work: 'd',
          goal: `${at}: at least ${ofCopy} % of COPY`,
          measured: `${shown(percent)} % (${shown(ours)} of ${shown(copySpeed)} rows/s)`,
          met: percent >= ofCopy,
        },
        {
          work: 'd',
          goal: `${at}: at least ${ofBatch} × BatchExecuteStatement at its best`,
          measured: `${shown(factor)} ×`,
          met: factor >= ofBatch,
        },
      ]
    })
}
