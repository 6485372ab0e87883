import { type Bench, runOnce, type Section, shortly } from './bench.ts'
import type { Front } from './bench-aurora.ts'
import { BULK_INSERT, bulkWays, type Way } from './bulk-programs.ts'
import { bulkGoals, formTable, profileTable, type WayResult, wayTable } from './bulk-tables.ts'
import type { Measured } from './measured-run.ts'

/** (d) Many rows in one transaction, in each way there is. */
export async function bulkInsert(bench: Bench): Promise<Section> {
  const { rows } = bench.sizes
  const { ways, template } = await bulkWays(bench)
  const results: WayResult[] = []
  for (const front of bench.aurora.fronts) {
    const here = ways.filter(
      ({ isDirect, group }) => front === bench.aurora.nearest || !(isDirect || group),
    )
    results.push(...(await measureWays(bench, template, here, front)))
  }
  for (const { way, front, rows: inserted, runs } of results) {
    if (front !== bench.aurora.nearest || runs.length === 0 || way.group !== undefined) continue
    const peaks = runs.map(({ peakMiB }) => peakMiB)
    bench.memory.set(`(d) ${inserted.toLocaleString('en')} rows, ${way.name}`, peaks)
  }
  return {
    title: `(d) ${rows.toLocaleString('en')} rows × 5 columns`,
    about: [
      'integer, text, numeric(10, 2), timestamptz, jsonb; one transaction, a fresh process each. Ours is a whole revision through the bundle, with the calls of the run around it. `COPY` is what no Data API has: it goes to PostgreSQL directly, so no latency is added to it.',
    ],
    tables: [wayTable(bench, results), profileTable(bench, results), formTable(bench, results)],
    goals: bulkGoals(bench, results),
  }
}

/** Every way in turn, so that what disturbs the machine disturbs all of them. */
async function measureWays(
  bench: Bench,
  template: string,
  ways: readonly Way[],
  front: Front,
): Promise<WayResult[]> {
  const runs = new Map<Way, Measured[]>(ways.map((way) => [way, []]))
  const errors = new Map<Way, string>()
  for (let i = 0; i < bench.sizes.repeat; i += 1) {
    for (const way of ways.filter((each) => !errors.has(each))) {
      try {
        runs.get(way)?.push(await measureOnce(bench, template, way, front))
      } catch (error) {
        if (way.name === BULK_INSERT) throw error
        errors.set(way, shortly(error))
      }
    }
  }
  return ways.map((way) => {
    const rows = rowsOf(bench, way, front)
    const error = errors.get(way)
    return error === undefined
      ? { way, front, rows, runs: runs.get(way) ?? [] }
      : { way, front, rows, runs: [], error }
  })
}

function rowsOf({ sizes }: Bench, { sample }: Way, front: Front): number {
  return sample?.(front) ?? sizes.rows
}

async function measureOnce(
  bench: Bench,
  template: string,
  way: Way,
  front: Front,
): Promise<Measured> {
  const { aurora } = bench
  const rows = rowsOf(bench, way, front)
  const database = await aurora.database(template)
  try {
    // What was written before is not to be paid for now.
    await aurora.query('postgres', ['checkpoint'])
    const environment = {
      ...way.program.environment,
      BENCH_ROWS: String(rows),
      POSTGRES_URL: aurora.url(database),
    }
    const measured = await runOnce(bench, { ...way.program, environment }, front, database)
    const [row] = await aurora.query(database, ['select count(*)::int as n from bulk'])
    if (row?.n === (way.leaves ?? rows)) return measured
    throw new Error(`${row?.n} of ${rows} rows arrived`)
  } finally {
    await aurora.drop(database)
  }
}
