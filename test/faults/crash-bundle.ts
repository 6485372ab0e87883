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
    await op.autocommitBlock(async () => {
      await op.createIndex('players_team', 'players', ['team'], { concurrently: true })
    })
    await op.bulkInsert('players', Array.from({ length: 5000 }, (_, id) => ({ id, team: 'team ' + id % 7 })))
    await op.execute("insert into applied values ('crash_2')")
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

/** A block statement that takes long the first time, and two revisions that change the same row after it. */
const LATE = {
  'late_1.ts': `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: 'late_1', downRevision: null, doc: 'a row',
  async upgrade(op) {
    await op.executeScript("create sequence tries; create table state (value text); insert into state values ('old')")
  },
  downgrade: null,
})`,
  'late_2.ts': `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: 'late_2', downRevision: 'late_1', doc: 'a change outside the transaction',
  async upgrade(op) {
    await op.autocommitBlock(() => op.execute(
      "update state set value = 'late_2' from (select case when nextval('tries') = 1 then pg_sleep(9) end) slow",
      { repeatable: true },
    ))
  },
  downgrade: null,
})`,
  'late_3.ts': `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: 'late_3', downRevision: 'late_2', doc: 'a change',
  async upgrade(op) { await op.execute("update state set value = 'late_3'") },
  downgrade: null,
})`,
  'late_4.ts': `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: 'late_4', downRevision: 'late_3', doc: 'another',
  async upgrade(op) { await op.execute("update state set value = 'late_4'") },
  downgrade: null,
})`,
}

/** Bundles three revisions, as `npm run build` does; returns the file. */
export function crashBundle(out: string): Promise<string> {
  return bundleOf({ 'crash_1.ts': FIRST, 'crash_2.ts': SECOND, 'crash_3.ts': THIRD }, out)
}

/** Bundles the revisions of a statement that goes on after its run is dead. */
export function lateBundle(out: string): Promise<string> {
  return bundleOf(LATE, out)
}

async function bundleOf(files: Readonly<Record<string, string>>, out: string): Promise<string> {
  const migrations = await mkdtemp(path.join(process.cwd(), '.aurora-test-'))
  try {
    for (const [file, text] of Object.entries(files)) {
      await writeFile(path.join(migrations, file), text)
    }
    return (await bundle({ migrations, out })).file
  } finally {
    await rm(migrations, { recursive: true, force: true })
  }
}
