import { type Bench, runOnce, type Section, shortly } from './bench.ts'
import type { Front } from './bench-aurora.ts'
import { clientsBundle } from './bundles.ts'
import { type Contestant, OURS, OURS_IN_ONE } from './contestants.ts'
import type { Measured } from './measured-run.ts'
import { applyGoals, nothingGoals, oneGoals } from './migration-goals.ts'
import type { Result } from './migration-results.ts'
import { costTable, wallTable } from './migration-tables.ts'

/** How one run is set up: which database, and how many revisions there are to be then. */
interface Setting {
  readonly count: number
  readonly database: () => Promise<string>
  /** Default: 1. */
  readonly times?: number
  /** The database is used again. Default: false. */
  readonly keep?: boolean
}

/** Runs per process of (a): cold, then warm. */
const WARM_RUNS = 5

/** (a) Nothing to do with all revisions applied. */
export async function nothingToDo(bench: Bench, all: readonly Contestant[]): Promise<Section> {
  const { revisions } = bench.sizes
  // One transaction or many makes no difference to none.
  const some = all.filter(({ name }) => name !== OURS_IN_ONE)
  const applied = await appliedDatabases(bench, some)
  const file = await clientsBundle(bench.work)
  const floor: Contestant = {
    name: 'the SDK alone',
    kind: 'floor',
    note: 'the two clients, the secret once and one `select 1`, bundled alike',
    program: async () => ({ file, name: 'clients' }),
  }
  applied.set(floor, applied.get(some[0] ?? floor) ?? 'postgres')
  const results = await measureAll(bench, [...some, floor], (contestant) => {
    const name = applied.get(contestant)
    if (name === undefined) return undefined
    const database = async () => name
    return { count: revisions, database, times: 1 + WARM_RUNS, keep: true }
  })
  return {
    title: `(a) Nothing to do, ${revisions} revisions applied`,
    about: [
      '`fresh`: the first run in a process that has loaded its bundle, as in a Lambda that was just started; `warm`: the median of five further ones in it.',
    ],
    tables: [wallTable('Calls and wall time', results, true), costTable(results)],
    goals: nothingGoals(results),
  }
}

/** (b) One revision of five statements, on an empty database and on one with all others applied. */
export async function oneRevision(bench: Bench, all: readonly Contestant[]): Promise<Section> {
  const { aurora, sizes } = bench
  const some = all.filter(({ name }) => name !== OURS_IN_ONE)
  const applied = await appliedDatabases(bench, some)
  const first = await measureAll(bench, some, () => ({
    count: 1,
    database: () => aurora.database(),
  }))
  const next = await measureAll(bench, some, (contestant) => {
    const template = applied.get(contestant)
    if (template === undefined) return undefined
    return { count: sizes.revisions + 1, database: () => aurora.database(template) }
  })
  return {
    title: '(b) One revision of 5 statements',
    about: [],
    tables: [
      wallTable(`After ${sizes.revisions} others`, next),
      wallTable('The first one of a database, with the making of the bookkeeping tables', first),
      costTable(next),
    ],
    goals: oneGoals(next, first),
  }
}

/** (c) Many revisions of five statements. */
export async function manyRevisions(bench: Bench, all: readonly Contestant[]): Promise<Section> {
  const { aurora, sizes } = bench
  const count = sizes.revisions
  const results = await measureAll(bench, all, () => ({ count, database: () => aurora.database() }))
  for (const { contestant, front, runs } of results) {
    if (front !== aurora.nearest || runs.length === 0) continue
    const peaks = runs.map(({ peakMiB }) => peakMiB)
    bench.memory.set(`(c) ${count} revisions, ${contestant.name}`, peaks)
  }
  return {
    title: `(c) ${count} revisions × 5 statements`,
    about: [
      'Create table, add column, create index, insert of 10 rows, update; an empty database.',
    ],
    tables: [wallTable('Calls and wall time', results), costTable(results)],
    goals: applyGoals(results, count),
  }
}

const appliedBefore = new WeakMap<Bench, Promise<Map<Contestant, string>>>()

/** For each contestant that can, a database with all revisions applied. */
function appliedDatabases(
  bench: Bench,
  all: readonly Contestant[],
): Promise<Map<Contestant, string>> {
  let databases = appliedBefore.get(bench)
  if (databases === undefined) {
    databases = applyAll(bench, all)
    appliedBefore.set(bench, databases)
  }
  return databases
}

async function applyAll(
  bench: Bench,
  all: readonly Contestant[],
): Promise<Map<Contestant, string>> {
  const databases = new Map<Contestant, string>()
  for (const contestant of all) {
    const database = await bench.aurora.database()
    try {
      const program = await contestant.program(bench.sizes.revisions)
      await runOnce(bench, program, bench.aurora.nearest, database)
      await checkApplied(bench, database, bench.sizes.revisions)
      databases.set(contestant, database)
    } catch {
      // Measuring it tells why.
      await bench.aurora.drop(database)
    }
  }
  return databases
}

/** Every contestant in turn, so that what disturbs the machine disturbs all of them. */
async function measureAll(
  bench: Bench,
  all: readonly Contestant[],
  settingOf: (contestant: Contestant) => Setting | undefined,
): Promise<Result[]> {
  const results: Result[] = []
  for (const front of bench.aurora.fronts) {
    const runs = new Map<Contestant, Measured[]>(all.map((contestant) => [contestant, []]))
    const errors = new Map<Contestant, string>()
    for (let i = 0; i < bench.sizes.repeat; i += 1) {
      for (const contestant of all.filter((each) => !errors.has(each))) {
        // One that cannot even begin is asked for everything: it then tells why not.
        const setting = settingOf(contestant) ?? {
          count: bench.sizes.revisions,
          database: () => bench.aurora.database(),
        }
        try {
          runs.get(contestant)?.push(await measureOne(bench, contestant, front, setting))
        } catch (error) {
          // Ours has to work; a peer need not.
          if (contestant.name === OURS) throw error
          errors.set(contestant, shortly(error))
        }
      }
    }
    for (const contestant of all) {
      const error = errors.get(contestant)
      const good = error === undefined ? (runs.get(contestant) ?? []) : []
      results.push({ contestant, front, runs: good, ...(error !== undefined && { error }) })
    }
  }
  return results
}

async function measureOne(
  bench: Bench,
  contestant: Contestant,
  front: Front,
  { count, database: databaseFor, times = 1, keep = false }: Setting,
): Promise<Measured> {
  const database = await databaseFor()
  try {
    const program = { ...(await contestant.program(count)), times }
    const measured = await runOnce(bench, program, front, database)
    await checkApplied(bench, database, count)
    return measured
  } finally {
    if (!keep) await bench.aurora.drop(database)
  }
}

/** A contestant that did less than it was asked for is not faster. */
async function checkApplied({ aurora }: Bench, database: string, count: number): Promise<void> {
  const [row] = await aurora.query(database, [
    `select (select count(*)::int from pg_tables where tablename ~ '^bench_\\d+$') as tables,
    (select count(*)::int from bench_${count} where state = 'open') as updated`,
  ])
  if (row?.tables === count && row.updated === 5) return
  throw new Error(
    `it left ${row?.tables} of ${count} tables, the last with ${row?.updated} updates`,
  )
}
