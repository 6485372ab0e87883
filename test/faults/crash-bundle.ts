import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { bundle } from '../../infra/bundle.ts'

const FIRST = `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: 'crash_1', downRevision: null, doc: 'tables',
  async upgrade(op) {
    await op.execute('create table applied (what text)')
    await op.execute('create table players (id integer, team text)')
    await op.execute("insert into applied values ('crash_1')")
  },
  downgrade: null,
})`

const SECOND = `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: 'crash_2', downRevision: 'crash_1', doc: 'rows, and an index outside the transaction',
  async upgrade(op) {
    await op.execute("insert into applied values ('crash_2, before')")
    await op.bulkInsert('players', Array.from({ length: 5000 }, (_, id) => ({ id, team: 'team ' + id % 7 })))
    await op.autocommitBlock(async () => {
      await op.createIndex('players_team', 'players', ['team'], { concurrently: true })
    })
    await op.execute("insert into applied values ('crash_2, after')")
  },
  downgrade: null,
})`

const THIRD = `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: 'crash_3', downRevision: 'crash_2', doc: 'more',
  async upgrade(op) {
    await op.execute("insert into applied values ('crash_3')")
    await op.execute("update players set team = upper(team)")
    await op.addColumn('players', 'score', 'integer')
  },
  downgrade: null,
})`

/** Bundles three revisions, as `npm run build` does; answers the file. */
export async function crashBundle(out: string): Promise<string> {
  const migrations = await mkdtemp(path.join(process.cwd(), '.aurora-test-'))
  try {
    const files = { 'crash_1.ts': FIRST, 'crash_2.ts': SECOND, 'crash_3.ts': THIRD }
    for (const [file, text] of Object.entries(files)) {
      await writeFile(path.join(migrations, file), text)
    }
    return (await bundle({ migrations, out })).file
  } finally {
    await rm(migrations, { recursive: true, force: true })
  }
}
