import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import { check, current, downgrade, ensureVersion, stamp, upgrade } from '../lambda/commands.ts'
import { VersionTable } from '../lambda/ledger/version-table.ts'
import { AlembicProject, PYTHON } from './alembic-project.ts'
import { connect, newDatabase, testAurora } from './local-aurora.ts'
import { callNames, tableRevision, testContext } from './runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

/** Two branches and the revision that joins them; the same in both tools, and in both they create a table each. */
const GRAPH = [
  { id: 'a1', down: null },
  { id: 'b1', down: 'a1' },
  { id: 'b2', down: 'b1' },
  { id: 'c1', down: 'a1' },
  { id: 'm1', down: ['b2', 'c1'] },
  { id: 'n1', down: 'm1' },
] as const
const REVISIONS = GRAPH.map(({ id, down }) => tableRevision(id, down))

function urlOf(database: string): string {
  const url = new URL(aurora.postgresUrl)
  url.pathname = `/${database}`
  return url.href
}

async function tablesOf(database: string): Promise<string[]> {
  const client = await connect(aurora, database)
  const { rows } = await client.query<{ relname: string }>(
    "select relname from pg_class where relkind = 'r' and relname like 't\\_%' order by 1",
  )
  return rows.map(({ relname }) => relname.slice(2))
}

if (PYTHON === undefined) {
  console.warn(
    'notice: Python has no alembic and psycopg2, so adoption is not tried with Alembic itself',
  )
}

describe.runIf(PYTHON)('a database that Alembic has migrated', () => {
  test('is taken over as it is, also with several rows, and Alembic can go on afterwards', async () => {
    const database = await newDatabase(aurora)
    await using project = await AlembicProject.create(GRAPH, { url: urlOf(database) })
    const context = () => testContext(aurora, database, REVISIONS)
    const ids = async () =>
      (await project.alembic('current')).split('\n').map((line) => line.split(' ')[0])
    await project.alembic('upgrade', 'b1')
    await project.alembic('upgrade', 'c1')

    expect(await current(context())).toMatchObject({
      rows: ['b1', 'c1'],
      unknown: [],
      atHeads: false,
    })
    expect(await upgrade(context(), 'b2')).toMatchObject({
      status: 'succeeded',
      from: ['b1', 'c1'],
      to: ['b2', 'c1'],
    })
    expect((await ids()).sort()).toEqual(['b2', 'c1'])

    await project.alembic('upgrade', 'm1')
    expect(await current(context())).toMatchObject({ rows: ['m1'] })
    expect(await upgrade(context())).toMatchObject({ from: ['m1'], to: ['n1'] })
    expect(await project.alembic('current')).toBe('n1 (head)')

    await project.alembic('downgrade', 'm1')
    expect(await downgrade(context(), 'b1')).toMatchObject({ from: ['m1'], to: ['b1', 'c1'] })
    expect((await ids()).sort()).toEqual(['b1', 'c1'])
    await project.alembic('downgrade', 'base')
    expect(await tablesOf(database)).toEqual([])
    expect(await upgrade(context())).toMatchObject({ from: [], to: ['n1'] })
    expect(await tablesOf(database)).toEqual(['a1', 'b1', 'b2', 'c1', 'm1', 'n1'])
  })

  test('keeps its version table in the schema where it is', async () => {
    const database = await newDatabase(aurora)
    const client = await connect(aurora, database)
    await client.query('create schema ops authorization migrator')
    await using project = await AlembicProject.create(GRAPH, {
      url: urlOf(database),
      schema: 'ops',
    })
    const table = new VersionTable({ schema: 'ops', name: 'alembic_version' })
    const context = () => testContext(aurora, database, REVISIONS, { table })
    await project.alembic('upgrade', 'b2')
    expect(await current(context())).toMatchObject({ rows: ['b2'] })
    expect(await upgrade(context())).toMatchObject({ status: 'succeeded', to: ['n1'] })
    expect(await project.alembic('current')).toBe('n1 (head)')
    expect((await client.query('select version_num from ops.alembic_version')).rows).toEqual([
      { version_num: 'n1' },
    ])
  })

  test('is not refused, although it is full of tables', async () => {
    const database = await newDatabase(aurora)
    await using project = await AlembicProject.create(GRAPH, { url: urlOf(database) })
    await project.alembic('upgrade', 'm1')
    await project.alembic('downgrade', 'base')
    const client = await connect(aurora, database)
    await client.query('create table other (id int)')
    expect(await upgrade(testContext(aurora, database, REVISIONS), 'a1')).toMatchObject({
      status: 'succeeded',
    })
  })

  test('does not lose the history to autogenerate, with the lines of the README in env.py', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, REVISIONS))
    const client = await connect(aurora, database)
    for (const { id } of GRAPH) await client.query(`drop table t_${id}`)
    const naive = await AlembicProject.create(GRAPH, { url: urlOf(database) })
    await using _ = naive
    await naive.alembic('revision', '--autogenerate', '-m', 'naive')
    expect(await naive.newFile(GRAPH)).toContain("op.drop_table('alembic_version_history')")
    await using project = await AlembicProject.create(GRAPH, {
      url: urlOf(database),
      preamble: `def include_name(name, type_, parent_names):
    return not (type_ == "table" and name == "alembic_version_history")`,
      configure: ', include_name=include_name',
    })
    await project.alembic('revision', '--autogenerate', '-m', 'careful')
    expect(await project.newFile(GRAPH)).not.toContain('drop_table')
  })
})

describe('a database with tables and no version table', () => {
  const populated = async (...statements: readonly string[]) => {
    const database = await newDatabase(aurora)
    const client = await connect(aurora, database)
    for (const statement of statements) await client.query(statement)
    return database
  }

  test.each([
    ['a table', ['create table users (id int)'], 'public.users'],
    ['a partitioned table', ['create table logs (id int) partition by range (id)'], 'public.logs'],
    ['a view', ['create view one as select 1 as one'], 'public.one'],
    ['a materialized view', ['create materialized view one as select 1 as one'], 'public.one'],
    ['a sequence', ['create sequence numbers'], 'public.numbers'],
    [
      'a table in another schema',
      ['create schema app', 'create table app."Odd name" (id serial)'],
      'app."Odd name"',
    ],
    [
      'many tables',
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `create table ${name} (id int)`),
      'public.a, public.b, public.c, public.d, public.e and 2 more',
    ],
  ])('is refused on the first upgrade: %s', async (_, statements, found) => {
    const database = await populated(...statements)
    aurora.calls.clear()
    const report = await upgrade(testContext(aurora, database, REVISIONS))
    expect(report).toMatchObject({ status: 'failed', steps: [], error: { nothingRun: true } })
    expect(report.error?.message).toBe(
      `the database has no version table "public"."alembic_version" and is not empty (${found}): if revisions made that, stamp the one it stands at ('stamp heads'); if not, upgrade with --from-scratch ("fromScratch": true)`,
    )
    expect(callNames(aurora.calls.forDatabase(database), 1)).toEqual(['Read'])
    expect((await check(testContext(aurora, database, REVISIONS))).problems).toEqual([
      report.error?.message,
    ])
  })

  test('is upgraded when it is said to be from scratch', async () => {
    const database = await populated('create table users (id int)')
    const report = await upgrade(testContext(aurora, database, REVISIONS), 'a1', {
      fromScratch: true,
    })
    expect(report).toMatchObject({ status: 'succeeded', to: ['a1'] })
    expect(await upgrade(testContext(aurora, database, REVISIONS))).toMatchObject({ to: ['n1'] })
  })

  test('is stamped, which is the way to take it over', async () => {
    const database = await populated('create table users (id int)')
    expect(await stamp(testContext(aurora, database, REVISIONS), ['m1'])).toMatchObject({
      status: 'succeeded',
      to: ['m1'],
    })
    expect(await upgrade(testContext(aurora, database, REVISIONS))).toMatchObject({
      from: ['m1'],
      to: ['n1'],
    })
  })

  test('may get its version table first', async () => {
    const database = await populated('create table users (id int)')
    const context = () => testContext(aurora, database, REVISIONS)
    expect(await ensureVersion(context())).toMatchObject({
      created: true,
      table: '"public"."alembic_version"',
    })
    expect(await ensureVersion(context())).toMatchObject({ created: false })
    expect(await upgrade(context(), 'a1')).toMatchObject({ status: 'succeeded' })
  })

  test('counts as empty when an extension made what is there', async () => {
    const database = await populated('create extension pg_stat_statements')
    expect(await upgrade(testContext(aurora, database, REVISIONS), 'a1')).toMatchObject({
      status: 'succeeded',
    })
  })
})
