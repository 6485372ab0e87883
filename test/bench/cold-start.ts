import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Bench, type Goal, medianOf, runOnce, type Section, shown } from './bench.ts'
import { bundleOf, clientsBundle } from './bundles.ts'
import { type Contestant, upgradeProblem } from './contestants.ts'
import type { Measured, Program } from './measured-run.ts'

interface Candidate {
  readonly name: string
  readonly program: Program
  readonly runs: Measured[]
  readonly cached: Measured[]
}

const MOST_KIB = 570
const MOST_IMPORT = 1.3

/** (g) Cold start: the size of the bundle, its import, and the time until the first call arrives. */
export async function coldStart(bench: Bench, all: readonly Contestant[]): Promise<Section> {
  const candidates = await coldCandidates(bench, all)
  const front = bench.aurora.nearest
  const database = await preparedDatabase(bench, candidates)
  for (let i = 0; i < bench.sizes.coldStarts; i += 1) {
    for (const { program, runs, cached } of candidates) {
      runs.push(await runOnce(bench, program, front, database))
      const cache = path.join(bench.work, 'compile-cache')
      const environment = { ...program.environment, NODE_COMPILE_CACHE: cache }
      const again = await runOnce(bench, { ...program, environment }, front, database)
      // The first one writes the cache.
      if (i > 0 || bench.sizes.coldStarts === 1) cached.push(again)
    }
  }
  const rows = await Promise.all(candidates.map((candidate) => coldRow(candidate)))
  const columns = ['', 'min KiB', 'gzip KiB', 'import ms', 'to first call ms', 'to answer ms']
  const cacheColumns = ['import ms, compile cache', 'to first call ms, compile cache']
  return {
    title: '(g) Cold start',
    about: [
      'Node 24, a fresh process each, one after another in turn. `to first call`: from the start of the import until local Aurora has the first request; `to answer`: until the command `current` (the peers: a run with nothing to do; the clients: the secret and `select 1` at the same time) is answered.',
    ],
    tables: [{ title: 'Bundles', columns: [...columns, ...cacheColumns], rows }],
    goals: await goals(candidates),
  }
}

/** A database with the bookkeeping tables of all, so that a run with nothing to do is no first run. */
async function preparedDatabase(bench: Bench, candidates: readonly Candidate[]): Promise<string> {
  const database = await bench.aurora.database()
  for (const { name, program } of candidates) {
    const upgrade = name.startsWith('ours') ? { args: [{ command: 'upgrade' }] } : {}
    await runOnce(bench, { ...program, ...upgrade }, bench.aurora.nearest, database)
  }
  return database
}

async function coldCandidates(bench: Bench, all: readonly Contestant[]): Promise<Candidate[]> {
  const clients = await clientsBundle(bench.work)
  const candidate = (name: string, program: Program) => ({ name, program, runs: [], cached: [] })
  const ours = async (name: string, body: string, head = '') => {
    const files = { 'a1.ts': revisionText(body, head) }
    const file = await bundleOf(files, path.join(bench.work, name.replaceAll(' ', '-')))
    const problem = upgradeProblem
    return candidate(name, { file, name: 'invoke', args: [{ command: 'current' }], problem })
  }
  return [
    candidate('the two SDK clients alone', { file: clients, name: 'clients' }),
    await ours('ours without ORM', "await op.execute('select 1')"),
    await ours('ours with ORM', 'if (op === undefined) orm(op, [Team])', WITH_ORM),
    ...(await peerPrograms(all)).map(({ name, program }) => candidate(name, program)),
  ]
}

/** Each peer once, with no migrations: where two share a bundle the later one, whose shims make it run. */
async function peerPrograms(all: readonly Contestant[]) {
  const programs = new Map<string, { readonly name: string; readonly program: Program }>()
  for (const { name, kind, program: programFor } of all) {
    if (kind !== 'peer') continue
    const program = await programFor(0)
    programs.set(program.file, { name, program })
  }
  return [...programs.values()]
}

const WITH_ORM = `import { defineEntity, orm, p } from 'aurora-migrations/orm'
const Team = defineEntity({ name: 'Team', tableName: 'teams', properties: { id: p.integer().primary() } })
`

function revisionText(body: string, head: string): string {
  return `import { defineRevision } from 'aurora-migrations'
${head}export default defineRevision({
  revision: 'a1', downRevision: null, doc: 'cold start',
  async upgrade(op) { ${body} },
  downgrade: null,
})
`
}

async function coldRow({ name, program, runs, cached }: Candidate) {
  const text = await loadedText(program.file)
  return [
    name,
    shown(text.length / 1024),
    shown(gzipSync(text).length / 1024),
    shown(medianOf(runs, importMs)),
    shown(medianOf(runs, firstCallMs)),
    shown(medianOf(runs, (run) => run.importMs + run.ms)),
    shown(medianOf(cached, importMs)),
    shown(medianOf(cached, firstCallMs)),
  ]
}

/** The bundle, and the parts of it that are loaded with it. */
async function loadedText(file: string): Promise<Buffer> {
  const text = await readFile(file)
  const parts = text.toString().matchAll(/(?:from|import) ?["'](\.\/[\w.-]+)["']/g)
  const names = new Set([...parts].map(([, name = '']) => path.join(path.dirname(file), name)))
  return Buffer.concat([text, ...(await Promise.all([...names].map(loadedText)))])
}

const importMs = (run: Measured) => run.importMs
const firstCallMs = (run: Measured) => run.calls.firstAt - run.startedAt

async function goals(candidates: readonly Candidate[]): Promise<Goal[]> {
  const [clients, ours] = candidates
  if (clients === undefined || ours === undefined) return []
  const kib = (await loadedText(ours.program.file)).length / 1024
  const ratio = medianOf(ours.runs, importMs) / medianOf(clients.runs, importMs)
  return [
    {
      work: 'g',
      goal: `bundle without ORM at most ${MOST_KIB} KiB`,
      measured: `${shown(kib)} KiB`,
      met: kib <= MOST_KIB,
    },
    {
      work: 'g',
      goal: `import at most ${MOST_IMPORT} × the two SDK clients alone`,
      measured: `${shown(ratio)} ×`,
      met: ratio <= MOST_IMPORT,
    },
  ]
}
