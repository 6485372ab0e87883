import path from 'node:path'
import { build } from 'esbuild'
import { type Bench, runOnce } from './bench.ts'
import type { Front } from './bench-aurora.ts'
import { BULK_TABLE } from './bulk-rows.ts'
import { BUNDLE_OPTIONS, bundleOf, COMMON_JS } from './bundles.ts'
import { upgradeProblem } from './contestants.ts'
import type { Program } from './measured-run.ts'

/** One way of inserting many rows. */
export interface Way {
  readonly name: string
  readonly program: Program
  /** How many rows it inserts of all; the rest is extrapolated. Default: all. */
  readonly sample?: (front: Front) => number
  /** It does not go through the front, so one latency is enough. Default: false. */
  readonly isDirect?: boolean
  /** Rows of the table afterwards. Default: as many as it inserts. */
  readonly leaves?: number
  /** Which table it belongs to. Default: the ways themselves. */
  readonly group?: 'profile' | 'form'
}

export const BULK_INSERT = 'op.bulkInsert, in a revision'
export const COPY = 'COPY over a connection'
export const BATCH = 'BatchExecuteStatement'
export const ENCODE = 'encoding'
export const DIRECT = 'sent by pg'

/** Bundles all ways, and makes a database with the empty table. */
export async function bulkWays(bench: Bench): Promise<{ ways: Way[]; template: string }> {
  const rowModule = path.join(import.meta.dirname, 'bulk-rows.ts')
  const ours = await bundleOf(revisionFiles(rowModule), path.join(bench.work, 'bulk-ours'))
  const file = path.join(bench.work, 'bulk-ways.mjs')
  await build({
    ...BUNDLE_OPTIONS,
    entryPoints: [path.join(import.meta.dirname, 'bulk-ways.ts')],
    outfile: file,
    // pg is CommonJS.
    banner: COMMON_JS,
    external: ['pg-native'],
  })
  const invoke = (target: string): Program => ({
    file: ours,
    name: 'invoke',
    args: [{ command: 'upgrade', target }],
    problem: upgradeProblem,
  })
  const template = await bench.aurora.database()
  await runOnce(bench, invoke('bulk1'), bench.aurora.nearest, template)
  return { ways: allWays(bench, file, invoke('heads')), template }
}

function revisionFiles(rowModule: string): Record<string, string> {
  const head = (id: string, down: string) =>
    `export default defineRevision({ revision: '${id}', downRevision: ${down}, doc: '${id}', downgrade: null,`
  return {
    'bulk1.ts': `import { defineRevision } from 'aurora-migrations'
${head('bulk1', 'null')} async upgrade(op) { await op.execute('${BULK_TABLE}') } })
`,
    'bulk2.ts': `import { defineRevision } from 'aurora-migrations'
import { bulkRows } from '${rowModule}'
const rows = bulkRows(Number(process.env.BENCH_ROWS))
${head('bulk2', "'bulk1'")} async upgrade(op) { await op.bulkInsert('bulk', rows) } })
`,
  }
}

function allWays(bench: Bench, file: string, ours: Program): Way[] {
  const way = (name: string, functionName: string, ...args: unknown[]): Way => ({
    name,
    program: { file, name: functionName, args },
  })
  const [near, far] = bench.sizes.perRowSample
  const sent = { environment: { BENCH_SENT: 'yes' } }
  const direct = way(DIRECT, 'sentDirectly')
  const forms = [
    'json_populate_recordset',
    'jsonb_populate_recordset',
    'json_to_recordset',
    'json array of arrays',
    'jsonb array of arrays',
    'a text a column',
  ]
  return [
    { name: BULK_INSERT, program: ours },
    {
      ...way('ExecuteStatement, one a row', 'perRow'),
      sample: (front) => (front === bench.aurora.nearest ? near : far),
    },
    way(`${BATCH}, 1,000 rows a call`, 'batchExecute', 1000),
    way(`${BATCH}, 12,000 rows a call (almost 4 MiB)`, 'batchExecute', 12_000),
    way('multi-row VALUES, parameters', 'valuesOfParameters'),
    way('multi-row VALUES, literals', 'valuesOfLiterals'),
    { ...way(COPY, 'copy'), isDirect: true },
    { ...way(ENCODE, 'encodeOnly'), group: 'profile', leaves: 0 },
    { ...direct, program: { ...direct.program, ...sent }, group: 'profile' },
    ...forms.map((name): Way => ({ ...way(name, 'form', name), group: 'form' })),
  ]
}
