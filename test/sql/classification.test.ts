import type { Client, DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { enclosed } from '../../lambda/session/enclosed-statement.ts'
import { statementFacts } from '../../lambda/sql/statement.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

describe('statementFacts', () => {
  it('gives the statement without what surrounds it', () => {
    const facts = statementFacts('/* a */ select 1 /* b */ from t -- c\n;; -- d')
    expect(facts).toEqual({
      sql: 'select 1 /* b */ from t',
      verb: 'select',
      changesRows: false,
      resultForm: 'select',
      withLength: 0,
      autocommitOnly: false,
      topLevel: false,
      repeatable: false,
      isRollbackToSavepoint: false,
    })
  })

  test.each([
    ['create type a."b c" as enum (\'x\')', true],
    ["alter type a add value if not exists 'x'", true],
    ["alter type a rename value 'x' to 'y'", false],
    ['create type a as (i int)', false],
    ['create extension if not exists hstore', true],
    ['with a as (select 1) select * into t from a', true],
    ['(select 1 into t)', true],
    ['with a as (select 1) insert into t select * from a', false],
    ["do $$ begin if true then create type a as enum ('x'); end if; end $$", true],
    ["do $$ begin execute 'alter type a add value ''x'''; end $$", true],
    ['do $$ declare a int; begin select 1 into a; end $$', false],
    ['insert into t select pg_catalog.pg_export_snapshot()', true],
  ])('%s has to be sent as it is: %s', (sql, topLevel) => {
    expect(statementFacts(sql)).toMatchObject({ topLevel })
  })

  test.each([
    ['select 1', 'select'],
    ['(select 1) union (select 2)', 'select'],
    ['VALUES (1)', 'select'],
    ['table t', 'select'],
    ['with a as (select 1) select * from a', 'select'],
    ['with recursive a (n) as (values (1) union all select n + 1 from a) table a', 'select'],
    ['with update as (select 1) select * from update', 'select'],
    ['with a as (select 1) (select * from a)', 'select'],
    ['select a for update', 'select'],
    ['select a as into, b.into from b', 'select'],
    ['select \'into\', "into" from t', 'select'],
    ['insert into t values (1) returning id', 'returning'],
    ['insert into t select 1 on conflict do update set a = 1 returning *', 'returning'],
    ['update t set a = 1 returning *', 'returning'],
    ['merge into t using u on a = b when matched then delete returning t.*', 'returning'],
    ['with a as (select 1) delete from t using a returning *', 'returning'],
    ['with a as (delete from t returning *) select * from a', 'select'],
    ['with a as materialized (insert into t values (1) returning *) table a', 'select'],
    ['with a as (with b as (select 1) delete from t returning *) select 1', 'select'],
    ['with a as (delete from t returning *) (select * from a)', 'select'],
    ['(with a as (delete from t returning *) select * from a)', 'alone'],
    ['select 1) union (select 2', 'alone'],
    ['select (update) from t', 'select'],
    [
      'with a as (delete from t returning *) insert into u select * from a returning *',
      'returning',
    ],
    ['explain select 1', 'alone'],
    ['show search_path', 'alone'],
    ['fetch forward 5 from c', 'alone'],
    ['call p(1)', 'alone'],
    ['select 1 into t', 'none'],
    ['with a as (select 1) select * into t from a', 'none'],
    ['insert into t values (1)', 'none'],
    ['insert into t select a as returning from u', 'none'],
    ['insert into t select (select returning.a) from u', 'none'],
    ['with a as (select 1) update t set a = 1', 'none'],
    ['with a as (delete from t returning *) insert into u select * from a', 'none'],
    ['create table t as select 1', 'none'],
    ['do $$ begin end $$', 'none'],
    ['savepoint s', 'none'],
  ])('says of the rows of "%s": %s', (sql, expected) => {
    expect(statementFacts(sql).resultForm).toBe(expected)
  })

  test.each([
    ['create index concurrently a on t (b)', true, true],
    ['CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "a" ON t (b)', true, true],
    ['create index concurrently on t (b)', true, false],
    ['drop index concurrently if exists s."a"', true, true],
    ['reindex index concurrently a', true, true],
    ['reindex (verbose, concurrently) table t', true, true],
    ['reindex table t', false, false],
    ['reindex (verbose) schema s', true, false],
    ['vacuum (analyze) t', true, true],
    ['analyze t', false, true],
    ["alter type s.mood add value if not exists 'ok' before 'sad'", false, true],
    ["alter type mood add value 'ok'", false, false],
    ['create database d', true, false],
    ['alter database d set tablespace x', true, false],
    ['alter database d set work_mem = 1', false, false],
    ['alter system set work_mem = 1', true, false],
    ['alter table only s.t detach partition s.p concurrently', true, false],
    ['alter table t detach partition p', false, false],
    ['refresh materialized view concurrently v', false, false],
    ['create index a on t (b)', false, false],
    ['create table vacuum (a int)', false, false],
    ["select 'create index concurrently'", false, false],
  ])(
    'says of "%s" that only autocommit takes it: %s, and that it may be repeated: %s',
    (sql, autocommitOnly, repeatable) => {
      expect(statementFacts(sql)).toMatchObject({ autocommitOnly, repeatable })
      expect(statementFacts(sql).repeatable).toBe(repeatable)
    },
  )

  test.each([
    ['select 1', 0],
    ['(with a as (select 1) select * from a)', 0],
    ['with a as (select 1) select * from a', 21],
    ['with a as (select 1), b (c) as not materialized (values (1)) (select * from a)', 61],
    ['with update as (select 1) update t set a = 1 returning *', 26],
    [
      'with recursive a (n) as (table t) search depth first by update set insert delete from t returning *',
      74,
    ],
    [
      'with recursive a (n) as (table t) cycle values set merge using delete merge into t using a on true when matched then do nothing returning 1',
      70,
    ],
  ])('finds in "%s" that %i characters stand before the statement itself', (sql, length) => {
    expect(statementFacts(sql).withLength).toBe(length)
  })

  it('calls select and returning what PostgreSQL runs inside another statement, and nothing else', async () => {
    const client = await databaseWithTables()
    for (const sql of EXECUTABLE) {
      const facts = statementFacts(`${sql}; -- done`)
      const inner = enclosed(facts, [])
      const outcome = await inRolledBack(client, inner.with(` select * from "${inner.rows}"`).sql)
      expect({ sql, runs: outcome === 'ok' }).toEqual({
        sql,
        runs: ['select', 'returning'].includes(facts.resultForm),
      })
    }
  })

  it('calls autocommitOnly what PostgreSQL refuses inside a transaction', async () => {
    const client = await databaseWithTables()
    for (const sql of MAINTENANCE) {
      const refused = (await inRolledBack(client, sql)) === '25001'
      expect({ sql, autocommitOnly: statementFacts(sql).autocommitOnly }).toEqual({
        sql,
        autocommitOnly: refused,
      })
    }
  })
})

async function databaseWithTables(): Promise<Client> {
  const client = await connect(aurora, await newDatabase(aurora))
  await client.query(`create schema s; create table t (a int primary key, b text); create table u (a int);
    create table p (a int) partition by range (a); create table p1 partition of p for values from (0) to (9);
    create materialized view v as select 1 as a; create unique index v_a on v (a); create index t_b on t (b);
    create type mood as enum ('ok'); insert into u values (1), (2)`)
  return client
}

/** 'ok', or the SQLSTATE with which PostgreSQL refuses the statement inside a transaction. */
async function inRolledBack(client: Client, sql: string): Promise<string> {
  await client.query('begin')
  try {
    await client.query(sql)
    return 'ok'
  } catch (error) {
    return (error as DatabaseError).code ?? ''
  } finally {
    await client.query('rollback')
  }
}

const EXECUTABLE = [
  'select 1',
  '(select 1) union (select 2)',
  'values (1)',
  'table t',
  'select a from u for update',
  'select (a) from u where a in (select a from t)',
  'with recursive x (n) as (values (1) union all select n + 1 from x where n < 3) search depth first by n set update select update from x',
  'with recursive x (n) as (values (1) union all select n from x) cycle n set merge using delete table x',
  'with x as (select 1) select * from x',
  'with update as (select 1) select * from update',
  'with x as (select 1) (select * from x)',
  'select 1 as into',
  'with recursive x (n) as (values (1)) table x',
  'insert into t values (1) returning a',
  'update t set a = 1 returning *',
  'delete from t returning t.a',
  'merge into t using u on t.a = u.a when not matched then insert values (u.a) returning t.a',
  'with x as (select 5) insert into t select * from x on conflict (a) do update set b = 1 returning *',
  'with x as (delete from t returning *) select * from x',
  'explain select 1',
  'show work_mem',
  'with x as (with y as (select 1) delete from t returning *) select 1',
  'select 1 as a into w',
  'with x as (delete from t returning *) insert into u select a from x returning *',
  'insert into t values (1)',
  'update t set a = 1',
  'create table w (a int)',
  'savepoint x',
]

const MAINTENANCE = [
  'create index concurrently i on t (b)',
  'create unique index concurrently on t (b)',
  'create index i on t (b)',
  'drop index concurrently t_b',
  'drop index t_b',
  'reindex index concurrently t_b',
  'reindex table t',
  'reindex (verbose, concurrently) table t',
  'reindex schema s',
  'reindex (verbose) schema s',
  'reindex index t_b',
  'vacuum',
  'vacuum (analyze) t',
  'analyze',
  'analyze t',
  "alter type mood add value if not exists 'x'",
  'create database d',
  'drop database if exists d',
  'alter database postgres set tablespace pg_default',
  'alter database postgres set work_mem to default',
  "alter system set work_mem = '4MB'",
  "create tablespace x location '/x'",
  'alter table only p detach partition p1 concurrently',
  'alter table p detach partition p1',
  'drop tablespace x',
  'refresh materialized view concurrently v',
  'refresh materialized view v',
  'select 1',
  'truncate t',
]
