import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  const database = await newDatabase(aurora)
  caller = new Caller(aurora, database)
  const superuser = await connect(aurora, database)
  await superuser.query('create extension hstore')
  await superuser.end()
  await caller.execute("create type mood as enum ('sad')")
  await caller.execute('create type pair as (a int, b int)')
})

afterAll(() => aurora.stop())

describe('unsupported types', () => {
  test.each([
    ['"CHAR"', `'r'::"char"`],
    ['OID', '1::oid'],
    ['VOID', 'pg_advisory_xact_lock(1)'],
    ['RECORD', 'row(1, 2)'],
    ['pair', 'row(1, 2)::pair'],
    ['INTERVAL', "interval '1 day'"],
    ['TIMETZ', "timetz '10:00+01'"],
    ['MONEY', '1::money'],
    ['POINT', 'point(1, 2)'],
    ['BOX', "'(1,1),(0,0)'::box"],
    ['CIRCLE', "'<(0,0),1>'::circle"],
    ['LINE', "'{1,2,3}'::line"],
    ['LSEG', "'[(0,0),(1,1)]'::lseg"],
    ['PATH', "'((0,0),(1,1))'::path"],
    ['POLYGON', "'((0,0),(1,1))'::polygon"],
    ['BIT', "b'1'"],
    ['VARBIT', "b'1'::varbit"],
    ['MACADDR', "'08:00:2b:01:02:03'::macaddr"],
    ['INT8RANGE', 'int8range(1, 2)'],
    ['DATERANGE', "daterange('2026-01-01', null)"],
    ['TSRANGE', "'empty'::tsrange"],
    ['xml', "'<a/>'::xml"],
    ['tsvector', "to_tsvector('a')"],
    ['hstore', "'a=>1'::hstore"],
    ['regclass', "'pg_class'::regclass"],
    ['int2vector', "'1 2'::int2vector"],
    ['oidvector', "'1 2'::oidvector"],
    ['xid', "'1'::xid"],
    ['INTERVAL[]', "array[interval '1 day']"],
    ['TIMESTAMPTZ[]', 'array[now()]'],
    ['INET[]', "array['10.0.0.1'::inet]"],
    ['_mood', "array['sad'::mood]"],
    ['INT4[]', 'array[[1, 2], [3, 4]]'],
    ['INTERVAL', 'null::interval'],
  ])('%s', async (name, sql) => {
    expect(await refusal(caller.execute(`select 1, ${sql}`))).toMatchObject({
      name: 'UnsupportedResultException',
      message: `The result contains the unsupported data type ${name}.`,
      status: 400,
    })
  })

  test('they fail without rows as well, and leave their transaction usable', async () => {
    const transactionId = await caller.begin()
    const call = caller.execute('select oid from pg_class where false', { transactionId })
    expect((await refusal(call)).name).toBe('UnsupportedResultException')
    expect(await caller.value('select 1', { transactionId })).toEqual({ longValue: 1 })
    await caller.rollback(transactionId)
  })

  test('a statement that returns one has run all the same', async () => {
    await caller.execute('create table log (at interval)')
    await refusal(caller.execute("insert into log values ('1 day') returning at"))
    expect(await caller.value('select count(*) from log')).toEqual({ longValue: 1 })
  })

  test('a type made in the open transaction is known there', async () => {
    const transactionId = await caller.begin()
    await caller.execute("create type colour as enum ('red')", { transactionId })
    expect(await caller.value("select 'red'::colour", { transactionId })).toEqual({
      stringValue: 'red',
    })
    await caller.rollback(transactionId)
  })
})
