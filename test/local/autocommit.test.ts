import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, long, refusal, string } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  caller = new Caller(aurora, await newDatabase(aurora))
  await caller.execute('create table t (k int primary key, v text)')
})

afterAll(() => aurora.stop())

describe('without a transaction id', () => {
  test('each statement is committed on its own', async () => {
    await caller.execute("insert into t values (1, 'a')")
    const direct = await connect(aurora, caller.base.database)
    expect((await direct.query('select k from t')).rows).toEqual([{ k: 1 }])
  })

  test.each([
    'create index concurrently t_v on t (v)',
    'reindex index concurrently t_v',
    'drop index concurrently t_v',
    'vacuum t',
    'create database made_by_the_data_api',
    'drop database made_by_the_data_api',
  ])('%s works', async (sql) => {
    await caller.execute(sql)
  })

  test('create index concurrently leaves a valid index', async () => {
    await caller.execute('create index concurrently t_valid on t (v)')
    const sql = "select indisvalid from pg_index where indexrelid = 't_valid'::regclass"
    expect(await caller.value(sql)).toEqual({ booleanValue: true })
  })

  test('in a transaction the same statements are 25001', async () => {
    const transactionId = await caller.begin()
    const call = caller.execute('create index concurrently on t (v)', { transactionId })
    expect((await refusal(call)).message).toBe(
      'ERROR: CREATE INDEX CONCURRENTLY cannot run inside a transaction block; SQLState: 25001',
    )
    await caller.rollback(transactionId)
  })

  test('calls land on different connections', async () => {
    const pids = new Set<number | undefined>()
    for (let call = 0; call < 40; call += 1) {
      pids.add((await caller.value('select pg_backend_pid()')).longValue)
    }
    expect(pids.size).toBeGreaterThanOrEqual(2)
  })

  test('nothing of a session survives a call', async () => {
    await caller.execute("set search_path = 'nowhere'")
    await caller.execute('create temporary table mine (a int)')
    await caller.execute('select pg_advisory_lock(4711)::text')
    await caller.execute('prepare p as select 1')
    await caller.execute('listen channel')
    for (let call = 0; call < 20; call += 1) {
      const { records } = await caller.execute(`
        select current_setting('search_path'), to_regclass('mine') is null,
          (select count(*) from pg_prepared_statements), (select count(*) from pg_listening_channels())`)
      expect(records).toEqual([
        [
          { stringValue: '"$user", public' },
          { booleanValue: true },
          { longValue: 0 },
          { longValue: 0 },
        ],
      ])
    }
    expect(await caller.value('select pg_try_advisory_xact_lock(4711)')).toEqual({
      booleanValue: true,
    })
  })

  test('SQL BEGIN is accepted, and what follows it elsewhere is not part of it', async () => {
    await caller.execute('begin')
    await caller.execute("insert into t values (2, 'kept')")
    await caller.execute('rollback')
    expect(await caller.value('select count(*) from t where k = 2')).toEqual({ longValue: 1 })
    await vi.waitFor(async () => {
      const direct = await connect(aurora, caller.base.database)
      const { rows } = await direct.query(
        "select from pg_stat_activity where state like 'idle in transaction%' and datname = current_database()",
      )
      expect(rows).toEqual([])
    })
  })

  test('a failed statement does not spoil the next one', async () => {
    for (let call = 0; call < 5; call += 1) {
      expect((await refusal(caller.execute('select 1 / 0'))).message).toBe(
        'ERROR: division by zero; SQLState: 22012',
      )
      expect(await caller.value('select 1')).toEqual({ longValue: 1 })
    }
  })

  test('calls run beside each other', async () => {
    const started = Date.now()
    await Promise.all(Array.from({ length: 8 }, () => caller.execute('select pg_sleep(0.3)::text')))
    expect(Date.now() - started).toBeLessThan(1_500)
  })

  test('a pooled connection that was killed is not used again', async () => {
    await caller.value('select 1')
    await sleep(50)
    const superuser = await connect(aurora, 'postgres')
    await superuser.query(
      'select pg_terminate_backend(pid, 1000) from pg_stat_activity where datname = $1',
      [caller.base.database],
    )
    await sleep(50)
    expect(await caller.value('select 1')).toEqual({ longValue: 1 })
  })
})

describe('BatchExecuteStatement', () => {
  test('runs once per set, with one empty result for each', async () => {
    const { updateResults } = await caller.batch('insert into t values (:k, :v)', [
      [long('k', 11), string('v', 'a')],
      [long('k', 12), { name: 'v', value: { isNull: true } }],
      [long('k', 13), string('v', 'c')],
    ])
    expect(updateResults).toEqual([
      { generatedFields: [] },
      { generatedFields: [] },
      { generatedFields: [] },
    ])
    const { records } = await caller.execute(
      'select k, v from t where k between 11 and 13 order by k',
    )
    expect(records).toEqual([
      [{ longValue: 11 }, { stringValue: 'a' }],
      [{ longValue: 12 }, { isNull: true }],
      [{ longValue: 13 }, { stringValue: 'c' }],
    ])
  })

  test('does not deliver what the statement returns', async () => {
    const { updateResults } = await caller.batch(
      'insert into t values (:k, null) returning k, now() - now()',
      [[long('k', 14)]],
    )
    expect(updateResults).toEqual([{ generatedFields: [] }])
  })

  test('runs nothing without sets, and once for an empty one', async () => {
    const insert = 'insert into t select coalesce(max(k), 0) + 1000 from t'
    expect((await caller.batch(insert, undefined)).updateResults).toEqual([])
    expect((await caller.batch(insert, [])).updateResults).toEqual([])
    expect(await caller.value('select count(*) from t where k >= 1000')).toEqual({ longValue: 0 })
    expect((await caller.batch(insert, [[]])).updateResults).toHaveLength(1)
    expect(await caller.value('select count(*) from t where k >= 1000')).toEqual({ longValue: 1 })
  })

  test('without a transaction all sets are undone when one fails', async () => {
    const call = caller.batch('insert into t values (:k, null)', [
      [long('k', 21)],
      [long('k', 21)],
      [long('k', 22)],
    ])
    expect((await refusal(call)).message).toMatch(/SQLState: 23505$/)
    const sql = 'select count(*) from t where k in (21, 22)'
    expect(await caller.value(sql)).toEqual({ longValue: 0 })
  })

  test('in a transaction it belongs to it, and a failure aborts it', async () => {
    const transactionId = await caller.begin()
    await caller.batch('insert into t values (:k, null)', [[long('k', 31)]], transactionId)
    expect(await caller.value('select count(*) from t where k = 31')).toEqual({ longValue: 0 })
    const duplicate = [[long('k', 31)]]
    await refusal(caller.batch('insert into t values (:k, null)', duplicate, transactionId))
    expect((await refusal(caller.execute('select 1', { transactionId }))).message).toMatch(/25P02$/)
    await caller.rollback(transactionId)
  })

  test('refuses several statements and wrong names before anything runs', async () => {
    expect((await refusal(caller.batch('select 1; select 2', [[]]))).name).toBe(
      'ValidationException',
    )
    const call = caller.batch('insert into t values (:k, null)', [[long('k', 41)], []])
    expect((await refusal(call)).message).toBe(
      'Parameter k is in the SQL statement and was not sent',
    )
    expect(await caller.value('select count(*) from t where k = 41')).toEqual({ longValue: 0 })
  })
})
