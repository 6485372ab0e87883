import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { splitStatements } from '../../lambda/sql/script.ts'
import { dumpCatalog } from '../catalog-dump.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

interface Outcome {
  readonly error: string | undefined
  readonly catalog: string
}

/** Runs scripts as `psql -1` does: one statement after the other, in one transaction of one connection. */
async function direct(scripts: readonly string[]): Promise<Outcome> {
  const database = await newDatabase(aurora)
  const client = await connect(aurora, database)
  const error = await (async () => {
    await client.query('set role migrator; begin')
    for (const { statement } of splitStatements(scripts.join(';\n')))
      await client.query(statement.sql)
    await client.query('commit')
  })().catch(async (thrown: Error) => {
    await client.query('rollback')
    return thrown.message
  })
  return { error: error ?? undefined, catalog: await catalogOf(database) }
}

/** Runs each script as a revision, all in one transaction. */
async function asRevisions(scripts: readonly string[], batching: boolean): Promise<Outcome> {
  const database = await newDatabase(aurora)
  const revisions = scripts.map((script, i) =>
    revision(`r${i}`, i === 0 ? null : `r${i - 1}`, (op) => op.executeScript(script)),
  )
  const context = testContext(aurora, database, revisions)
  const report = await upgrade({ ...context, batching, transaction: 'run' })
  return { error: report.error?.message, catalog: await catalogOf(database) }
}

/** Without the tables of the runner. */
async function catalogOf(database: string): Promise<string> {
  const dump = await dumpCatalog(await connect(aurora, database))
  const isOurs = (text: unknown) => String(text).includes('alembic_version')
  return JSON.stringify(dump, (key, value: unknown) => {
    if (isOurs(key)) return undefined
    return Array.isArray(value) ? value.filter((line) => !isOurs(line)) : value
  })
}

const ENUM = "create type m as enum ('a')"
const USE = "create table t (m m default 'b'); insert into t default values"
const KEYS =
  'create table p (i int primary key); insert into p values (1); create table c (i int, p int references p deferrable initially deferred)'

describe('a script that psql -1 runs', () => {
  test.each<[what: string, scripts: readonly string[]]>([
    ['uses a new value of a new enum', [`${ENUM}; alter type m add value 'b'; ${USE}`]],
    [
      'uses a new value of a new enum, over three revisions',
      [ENUM, "alter type m add value if not exists 'b' before 'a'", USE],
    ],
    [
      'renames a new enum, its schema and a value of it',
      [
        `${ENUM}; create schema "S"; alter type m set schema "S"; alter type "S".m rename to "M"; alter type "S"."M" rename value 'a' to 'c'; alter type "S"."M" add value 'b'; create table t (m "S"."M" default 'b'); insert into t default values`,
      ],
    ],
    [
      'makes an enum in a do block',
      [`do $$ begin if true then ${ENUM}; end if; end $$; alter type m add value 'b'; ${USE}`],
    ],
    [
      'adds a value in a do block that executes text',
      [
        `${ENUM}; do $$ begin execute format('alter type %I add value %L', 'm', 'b'); end $$; ${USE}`,
      ],
    ],
    [
      'makes an enum in a procedure',
      [
        `create procedure p() language plpgsql as $$ begin ${ENUM}; end $$; call p(); alter type m add value 'b'; ${USE}`,
      ],
    ],
    [
      'makes an enum in a function that nothing shows',
      [
        `create function f() returns int language plpgsql as $$ begin ${ENUM}; return 1; end $$; do $$ begin perform f(); end $$; alter type m add value 'b'; ${USE}`,
      ],
    ],
    [
      'makes an enum after a savepoint',
      [
        `savepoint s; create table u (i int); release s; ${ENUM}; alter type m add value 'b'; ${USE}`,
      ],
    ],
    [
      'selects into tables',
      [
        "create table t (i int); insert into t values (1); with x as (select i from t) select i into u from x; with d as (delete from t returning i) select i, 'into' as s into temp v from d; create table w as table v; with recursive r (n) as (values (1) union all select n + 1 from r where n < 3) select n into unlogged z from r; (with x as (select 2 as i) select i into table y from x); select a.i as into_ into b from y as a",
      ],
    ],
    [
      'exports a snapshot',
      [
        'create table t (s text); insert into t select left(pg_export_snapshot(), 0); do $$ begin perform pg_export_snapshot(); end $$',
      ],
    ],
    [
      'looks at its own time and text',
      [
        `create table t (s timestamptz, q text); insert into t select statement_timestamp(); do $$ begin perform pg_sleep(0.01); end $$; insert into t select statement_timestamp(); create table u as select count(distinct s) from t; truncate t; insert into t select null, current_query()`,
      ],
    ],
    [
      'changes rows at a cursor',
      [
        'create table t (i int); insert into t values (1), (2), (3); declare c cursor for select * from t for update; fetch 2 from c; update t set i = 9 where current of c; move c; delete from t where current of c; close c',
      ],
    ],
    [
      'defers constraints, also in a do block',
      [
        `${KEYS}; do $$ begin set constraints all deferred; end $$; insert into c values (1, 2); insert into p values (2); set constraints all immediate; alter table c add column x int; truncate c`,
      ],
    ],
    [
      'makes temporary tables that end with the transaction',
      [
        'create temp table t (i int) on commit drop; insert into t values (1); create table u as select * from t; drop table t; create temp table t (i int) on commit delete rows; insert into t select * from u; create table v as table t',
      ],
    ],
    [
      'locks, clusters, refreshes and notifies',
      [
        `create table t (i int primary key); insert into t values (2), (1); lock table t in access exclusive mode nowait; cluster t using t_pkey; cluster verbose t; create materialized view v as select i from t; create unique index on v (i); refresh materialized view concurrently v; reindex table t; notify x, 'y'; analyze; insert into t select 3 from t for update limit 1`,
      ],
    ],
    [
      'sets for the transaction in a do block that catches errors',
      [
        "create table t (d text); do $$ begin perform set_config('datestyle', 'German', true); exception when others then null; end $$; insert into t select date '2024-05-06'::text; set transaction read write",
      ],
    ],
    ['makes an extension', ["create extension hstore; create table t (h hstore default 'a=>1')"]],
  ])('and %s, does the same here', async (_what, scripts) => {
    const there = await direct(scripts)
    expect(there.error).toBeUndefined()
    expect(await asRevisions(scripts, true)).toEqual(there)
    expect(await asRevisions(scripts, false)).toEqual(there)
  })
})

describe('a script that psql -1 refuses', () => {
  test.each<[what: string, script: string]>([
    [
      'an enum that a subtransaction made',
      `savepoint s; ${ENUM}; release s; alter type m add value 'b'; ${USE}`,
    ],
    [
      'an enum that a do block with a handler made',
      `do $$ begin ${ENUM}; exception when duplicate_object then null; end $$; alter type m add value 'b'; ${USE}`,
    ],
    [
      'a table of an open cursor',
      'create table t (i int); declare c cursor for select * from t; fetch c; drop table t',
    ],
    ['a table with pending triggers', `${KEYS}; insert into c values (1, 1); truncate c`],
    ['a constraint that the commit checks', `${KEYS}; insert into c values (1, 7)`],
    [
      'a commit in a procedure',
      'create procedure p() language plpgsql as $$ begin commit; end $$; call p()',
    ],
    ['vacuum', 'create table t (i int); vacuum t'],
    [
      'a partitioned index',
      'create table t (i int) partition by range (i); create index on t (i); reindex table t',
    ],
    ['a slot for a subscription', "create subscription s connection 'dbname=x' publication p"],
  ])('for %s, is refused with the same message here', async (_what, script) => {
    const there = await direct([script])
    expect(there.error).toBeDefined()
    for (const batching of [true, false]) {
      const { error, catalog } = await asRevisions([script], batching)
      expect(error).toContain(there.error)
      expect(catalog).toBe(there.catalog)
    }
  })
})

describe('a script with what no revision may hold', () => {
  test('is refused before anything is sent, with all places in one message, and runs with what that says', async () => {
    const dump = `\\restrict key
SET lock_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
SET transaction_isolation = 'serializable';
CREATE TABLE public.t (id integer);
COPY public.t (id) FROM stdin;
1
\\.
\\unrestrict key`
    aurora.calls.clear()
    const { error } = await asRevisions([dump], true)
    expect(error).toMatch(
      /op\.executeScript: 6 places have to change, .*: line 1: \\restrict is not SQL: .*; line 2: write SET LOCAL lock_timeout = 0; line 3: write SELECT pg_catalog\.set_config\('search_path', '', true\); line 4: 'SET transaction_isolation' is not allowed in a revision: .* this must come first: .*; line 6: copy from stdin .*; line 9: \\unrestrict is not SQL/,
    )
    expect(JSON.stringify(aurora.calls.all)).not.toContain('public.t')
    const changed = `SET LOCAL lock_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', true);
CREATE TABLE public.t (id integer);`
    expect(await asRevisions([changed], true)).toEqual(await direct([changed]))
  })

  test.each([true, false])(
    'is refused for all statements that are too long before anything is sent (batching: %s)',
    async (batching) => {
      const rows = (of: number) =>
        `insert into t values\n${Array.from({ length: of }, (_, i) => `(${i}, '${'x'.repeat(80)}')`).join(',\n')};\n`
      const script = `create table t (i int, s text);\n${rows(700)}${rows(1000)}${rows(900)}`
      aurora.calls.clear()
      const { error } = await asRevisions([script], batching)
      expect(error).toMatch(
        /op\.executeScript: 2 places have to change, .*: line 703: a statement has \d+ characters and the Data API takes at most 65536: pass rows to op\.bulkInsert or op\.bulkUpdate, or split it \(it begins: insert into t values.*; line 1704: a statement has/s,
      )
      expect(JSON.stringify(aurora.calls.all)).not.toContain('create table t (i int')
      const divided = `create table t (i int, s text);\n${rows(700)}${rows(500)}${rows(500)}`
      const there = await direct([divided])
      expect(there.error).toBeUndefined()
      expect(await asRevisions([divided], batching)).toEqual(there)
    },
  )
})
