import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { build } from 'esbuild'
import type { Bench, BenchSizes, Section } from './bench.ts'
import { BenchAurora } from './bench-aurora.ts'
import { bulkInsert } from './bulk-insert.ts'
import { coldStart } from './cold-start.ts'
import { type Contestant, contestants } from './contestants.ts'
import { machineFacts } from './machine.ts'
import { memory } from './memory.ts'
import { manyRevisions, nothingToDo, oneRevision } from './migrations.ts'
import { installPeers } from './peer-packages.ts'
import { planning } from './planning.ts'
import { playersRevision } from './players.ts'
import { goalLines, resultsText, sectionLines } from './results.ts'

interface Options {
  readonly quick: boolean
  readonly only?: string
  readonly out?: string
}

const FULL: BenchSizes = {
  latencies: [0, 5, 20],
  repeat: 5,
  revisions: 100,
  rows: 100_000,
  perRowSample: [2000, 500],
  planned: [100, 1000, 10_000],
  coldStarts: 10,
  durability: true,
}

const QUICK: BenchSizes = {
  latencies: [5],
  repeat: 1,
  revisions: 3,
  rows: 2000,
  perRowSample: [100, 20],
  planned: [100, 10_000],
  coldStarts: 1,
  durability: false,
}

/** Those that share a bundle with another, or are known to fail, tell nothing new of whether the benchmark works. */
const NOT_IN_QUICK = ['Kysely Migrator', 'TypeORM, each']

const ITEMS: Record<string, (bench: Bench, all: readonly Contestant[]) => Promise<Section>> = {
  a: nothingToDo,
  b: oneRevision,
  c: manyRevisions,
  d: bulkInsert,
  e: playersRevision,
  f: planning,
  g: coldStart,
  h: memory,
}

const RESULTS = path.join(import.meta.dirname, 'RESULTS.md')

async function run({ quick, only, out }: Options): Promise<void> {
  const wanted = only?.split(',') ?? Object.keys(ITEMS)
  const unknown = wanted.filter((name) => !Object.hasOwn(ITEMS, name))
  if (unknown.length > 0) throw new Error(`--only takes ${Object.keys(ITEMS)}, not ${unknown}`)
  await installPeers()
  const work = mkdtempSync(path.join(tmpdir(), 'aurora-bench-work-'))
  const sizes = quick ? QUICK : FULL
  const aurora = await BenchAurora.start(sizes)
  const end = async () => {
    await aurora.stop()
    rmSync(work, { recursive: true, force: true })
  }
  process.once('SIGINT', () => void end().then(() => process.exit(130)))
  try {
    const facts = await machineFacts(aurora)
    const bench: Bench = { aurora, sizes, work, harness: await harnessIn(work), memory: new Map() }
    const every = await contestants(work)
    const all = every.filter(({ name }) => !(quick && NOT_IN_QUICK.includes(name)))
    const sections = await measure(bench, all, wanted)
    console.log(goalLines(sections.flatMap((section) => section.goals)).join('\n'))
    // A part of the work, or less of it, is no record.
    const file = out ?? (quick || only !== undefined ? undefined : RESULTS)
    if (file !== undefined) writeFileSync(file, resultsText(facts, sections))
  } finally {
    await end()
  }
}

async function harnessIn(work: string): Promise<string> {
  const outfile = path.join(work, 'harness.mjs')
  const entryPoints = [path.join(import.meta.dirname, 'harness.ts')]
  await build({ entryPoints, outfile, platform: 'node', format: 'esm' })
  return outfile
}

/** An item that fails does not keep the others from being measured, but fails the run. */
async function measure(
  bench: Bench,
  all: readonly Contestant[],
  wanted: readonly string[],
): Promise<Section[]> {
  const sections: Section[] = []
  for (const name of wanted) {
    const began = performance.now()
    try {
      const section = (await ITEMS[name]?.(bench, all)) as Section
      sections.push(section)
      console.log(sectionLines(section).join('\n'))
      console.log(`(${((performance.now() - began) / 1000).toFixed(0)} s)\n`)
    } catch (error) {
      console.error(`error in (${name}):`, error)
      process.exitCode = 1
      const about = [`failed: ${error instanceof Error ? error.message : String(error)}`]
      sections.push({ title: `(${name})`, about, tables: [], goals: [] })
    }
  }
  return sections
}

const program = new Command('bench')
  .description('Measures ours beside its peers on local Aurora, and writes test/bench/RESULTS.md.')
  .option('--quick', 'a little of everything in seconds, to see that it works', false)
  .option('--only <items>', 'some of a,b,c,d,e,f,g,h; (h) tells of the (c) and (d) of the same run')
  .option('--out <file>', 'where to write the results (default with neither: RESULTS.md)')
  .parse()
try {
  await run(program.opts<Options>())
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
