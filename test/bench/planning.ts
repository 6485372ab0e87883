import path from 'node:path'
import { build } from 'esbuild'
import { type Bench, type Goal, median, medianOf, runOnce, type Section, shown } from './bench.ts'
import { BUNDLE_OPTIONS } from './bundles.ts'
import type { Measured } from './measured-run.ts'

const WARM_RUNS = 5

/** The most that a graph may take, by its size. */
const GOALS: Readonly<Record<string, number>> = { '10000/1': 50, '1000/50': 20 }

/** (f) Linking the graph and planning an upgrade from nothing to all heads. */
export async function planning(bench: Bench): Promise<Section> {
  const file = path.join(bench.work, 'planning.mjs')
  const entry = path.join(import.meta.dirname, 'planning-program.ts')
  await build({ ...BUNDLE_OPTIONS, entryPoints: [entry], outfile: file })
  const graphs = [...bench.sizes.planned.map((count) => [count, 1] as const), [1000, 50] as const]
  const rows: string[][] = []
  const goals: Goal[] = []
  for (const [count, branches] of graphs) {
    const runs: Measured[] = []
    for (let i = 0; i < bench.sizes.repeat; i += 1) {
      const environment = { BENCH_PLANS: `${count}/${branches}` }
      const args = [count, branches]
      const program = { file, name: 'plan', args, environment, times: 1 + WARM_RUNS }
      runs.push(await runOnce(bench, program, bench.aurora.nearest, 'postgres'))
    }
    const fresh = medianOf(runs, ({ ms }) => ms)
    const warm = medianOf(runs, (run) => median(run.runs.slice(1).map(({ ms }) => ms)))
    const what = branches === 1 ? 'linear' : `${branches} branches`
    const graph = `${count.toLocaleString('en')}, ${what}`
    rows.push([graph, shown(fresh), shown(warm)])
    const most = GOALS[`${count}/${branches}`]
    if (most === undefined) continue
    goals.push({
      work: 'f',
      goal: `${graph}: at most ${most} ms`,
      measured: `${shown(fresh)} ms in a fresh process, ${shown(warm)} ms in a warm one`,
      met: fresh <= most,
    })
  }
  return {
    title: '(f) Planning',
    about: ['From the list of revisions to the list of steps, for an empty database.'],
    tables: [{ title: 'Milliseconds', columns: ['revisions', 'fresh process', 'warm'], rows }],
    goals,
  }
}
