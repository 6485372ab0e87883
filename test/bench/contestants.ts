import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { bundleOf } from './bundles.ts'
import type { Program } from './measured-run.ts'
import { peerBundle } from './peer-packages.ts'
import { revisionStatements, revisionWork } from './statements.ts'

/** Who applies the revisions of (a), (b) and (c). */
export interface Contestant {
  readonly name: string
  /** `floor`: what no contestant can be faster than. */
  readonly kind: 'ours' | 'peer' | 'floor'
  /** What is to be known about it. */
  readonly note?: string
  /** What applies the first `count` revisions. */
  program(count: number): Promise<Program>
}

export const OURS = 'ours'
/** Ours with all revisions of a run in one transaction. */
export const OURS_IN_ONE = "ours, transaction: 'run'"

/** Bundles the peers and names them all, ours first. */
export async function contestants(work: string): Promise<Contestant[]> {
  const kysely = await peerBundle(work, 'kysely')
  const drizzle = await peerBundle(work, 'drizzle')
  const typeorm = await peerBundle(work, 'typeorm')
  const peer = (
    name: string,
    program: (count: number) => Promise<Program> | Program,
  ): Contestant => ({ name, kind: 'peer', program: async (count) => await program(count) })
  return [
    ours(OURS, {}, work),
    ours(OURS_IN_ONE, { transaction: 'run' }, work),
    peer('Kysely Migrator', (count) => ({ file: kysely, name: 'run', args: [count] })),
    {
      ...peer('Kysely Migrator, shim', (count) => {
        return { file: kysely, name: 'runWithShim', args: [count] }
      }),
      note: 'the result of its `select pg_advisory_xact_lock(…)` is cast to text, because local Aurora, as the service may, refuses a result of type `void`',
    },
    peer('Drizzle', async (count) => {
      return { file: drizzle, name: 'run', args: [await drizzleFolder(work, count)] }
    }),
    peer('TypeORM, all', (count) => ({ file: typeorm, name: 'run', args: [count, 'all'] })),
    peer('TypeORM, each', (count) => ({ file: typeorm, name: 'run', args: [count, 'each'] })),
  ]
}

/** The real bundle of the revisions, asked to upgrade. */
function ours(name: string, request: Record<string, unknown>, work: string): Contestant {
  const args = [{ command: 'upgrade', ...request }]
  return {
    name,
    kind: 'ours',
    program: async (count) => {
      return { file: await oursBundle(work, count), name: 'invoke', args, problem: upgradeProblem }
    },
  }
}

/** Why an upgrade of ours is no success. */
export function upgradeProblem(answer: unknown): string | undefined {
  const { status, error } = answer as { status: string; error?: { message: string } }
  return status === 'succeeded' ? undefined : (error?.message ?? status)
}

async function oursBundle(work: string, count: number): Promise<string> {
  const out = path.join(work, `ours-${count}`)
  const file = path.join(out, 'index.mjs')
  if (existsSync(file)) return file
  const files = Array.from({ length: count }, (_, i) => [
    `bench${String(i + 1).padStart(5, '0')}.ts`,
    revisionFile(i + 1),
  ])
  return bundleOf(Object.fromEntries(files) as Record<string, string>, out)
}

const idOf = (n: number) => `bench${String(n).padStart(5, '0')}`

function revisionFile(n: number): string {
  const { table, rows, update } = revisionWork(n)
  return `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: '${idOf(n)}', downRevision: ${n === 1 ? 'null' : `'${idOf(n - 1)}'`}, doc: 'bench ${n}',
  async upgrade(op) {
    await op.createTable('${table}', (table) =>
      table
        .addColumn('id', 'integer', (column) => column.primaryKey().generatedAlwaysAsIdentity())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('amount', 'numeric(10, 2)', (column) => column.notNull()),
    )
    await op.addColumn('${table}', 'state', 'text')
    await op.createIndex('${table}_name', '${table}', ['name'])
    await op.bulkInsert('${table}', ${JSON.stringify(rows)})
    await op.execute(${JSON.stringify(update)})
  },
  downgrade: null,
})
`
}

async function drizzleFolder(work: string, count: number): Promise<string> {
  const folder = path.join(work, `drizzle-${count}`)
  await mkdir(path.join(folder, 'meta'), { recursive: true })
  const entries = Array.from({ length: count }, (_, i) => {
    const tag = `${String(i).padStart(4, '0')}_bench`
    return { idx: i, version: '7', when: 1_700_000_000_000 + i, tag, breakpoints: true }
  })
  for (const { idx, tag } of entries) {
    const text = revisionStatements(idx + 1).join(';--> statement-breakpoint\n')
    await writeFile(path.join(folder, `${tag}.sql`), text)
  }
  const journal = { version: '7', dialect: 'postgresql', entries }
  await writeFile(path.join(folder, 'meta/_journal.json'), JSON.stringify(journal))
  return folder
}
