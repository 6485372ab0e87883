import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, tableRevision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const SETUP = `create type state as enum ('a'); create table j (s state);
  create table p (id integer primary key); create table c (p integer references p deferrable initially deferred, n integer)`

/** The message of a revision that fails, after one that made what it needs. */
async function messageOf(work: (op: Operations) => Promise<void>, setup = SETUP): Promise<string> {
  const database = await newDatabase(aurora)
  const revisions = [
    revision('r1', null, (op) => op.executeScript(setup)),
    revision('r2', 'r1', work),
  ]
  const { error } = await upgrade(testContext(aurora, database, revisions))
  return error?.message ?? ''
}

describe('what PostgreSQL refuses is reported with what to write instead', () => {
  test.each([
    [
      "alter type state add value 'b'; insert into j values ('b')",
      'add the value in a revision of its own, or first of all in op.autocommitBlock with alter type … add value if not exists',
    ],
    ['vacuum j', 'run it first of all in op.autocommitBlock, which is outside the transaction'],
    [
      'create index concurrently j_s on j (s)',
      'run it first of all in op.autocommitBlock, which is outside the transaction',
    ],
    [
      'insert into p values (1); insert into c values (1, 2); alter table c drop column n',
      'run set constraints all immediate before it, or put it into a revision of its own',
    ],
    [
      "select set_config(n, 'on', true) from (values ('transaction_read_only')) v (n); insert into p values (1)",
      'the database takes no writes: it may be the secondary cluster of a global database, or default_transaction_read_only may be set',
    ],
  ])('%s', async (script, fix) => {
    expect(await messageOf((op) => op.executeScript(script))).toContain(fix)
  })

  test('set constraints all immediate helps where triggers were pending', async () => {
    const script = `insert into p values (1); insert into c values (1, 2);
      set constraints all immediate; alter table c drop column n`
    expect(await messageOf((op) => op.executeScript(script))).toBe('')
  })

  test.each([
    'drop table alembic_version',
    'alter table alembic_version rename to versions',
    'drop table alembic_version_history',
    'drop schema public cascade',
    'drop schema public cascade; create schema public; create table t (i int); select 1',
  ])('the table of the runner that %s takes away', async (script) => {
    expect(await messageOf((op) => op.executeScript(script))).toMatch(
      /"public\.alembic_version(_history)?" does not exist \(SQLSTATE 42P01\).*; the revision has dropped, renamed or moved it, or its schema: leave it where it is; where a schema is dropped and made again, set VERSION_TABLE_SCHEMA to another one/,
    )
  })

  test('a role without rights on the version table that the revision leaves in force', async () => {
    const role = `nobody_${Date.now()}`
    const client = await connect(aurora, await newDatabase(aurora))
    await client.query(`create role ${role}; grant ${role} to migrator`)
    expect(await messageOf((op) => op.execute(`set local role ${role}`))).toMatch(
      /permission denied for table .*end a 'set local role' with 'set local role none'/,
    )
    expect(
      await messageOf((op) => op.executeScript(`set local role ${role}; set local role none`)),
    ).toBe('')
  })
})

test('a database that is not there', async () => {
  const report = await upgrade(testContext(aurora, 'nowhere', [tableRevision('a', null)]))
  expect(report.error?.message).toMatch(
    /database "nowhere" does not exist .*create the database, or correct its name/,
  )
})

describe('a version table with rows that no revision has written', () => {
  test.each([
    ["values ('a'), ('a')", "holds the row 'a' twice"],
    ["values ('a '), ('b')", "holds the row 'a ', which has spaces around its id"],
    ["values ('a'), (null)", 'holds a row that is null'],
  ])('%s', async (rows, what) => {
    const database = await newDatabase(aurora)
    const client = await connect(aurora, database)
    await client.query(
      `create table alembic_version (version_num varchar(32)); alter table alembic_version owner to migrator; insert into alembic_version ${rows}`,
    )
    const report = await upgrade(testContext(aurora, database, [tableRevision('a', null)]))
    expect(report).toMatchObject({ status: 'failed', error: { kind: 'WrongVersionRows' } })
    expect(report.error?.message).toContain(
      `"public"."alembic_version" ${what}: each row must be the id of a revision, once`,
    )
  })
})

test('a history table of another tool is named with the way out', async () => {
  const database = await newDatabase(aurora)
  const client = await connect(aurora, database)
  await client.query(
    `create table alembic_version (version_num varchar(32) primary key);
    create table alembic_version_history (id integer, note text);
    alter table alembic_version owner to migrator; alter table alembic_version_history owner to migrator`,
  )
  const report = await upgrade(testContext(aurora, database, [tableRevision('a', null)]))
  expect(report.error?.message).toMatch(
    /^cannot read .* column .* does not exist .*a table of another tool is in their place, so rename it or set VERSION_TABLE$/,
  )
})
