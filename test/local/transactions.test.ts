import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'
import { aborted, notFound } from './transaction-not-found.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  caller = new Caller(aurora, await newDatabase(aurora))
  await caller.execute('create table t (k int primary key)')
  await caller.execute('create table child (k int references t deferrable initially deferred)')
})

afterAll(() => aurora.stop())

test('statements of a transaction share one connection, and nobody sees them before the commit', async () => {
  const transactionId = await caller.begin()
  const pid = await caller.value('select pg_backend_pid()', { transactionId })
  await caller.execute('create temporary table mine (a int)', { transactionId })
  await caller.execute("select set_config('my.setting', 'kept', true)", { transactionId })
  await caller.execute('insert into t values (1)', { transactionId })
  await caller.execute('savepoint s', { transactionId })
  await caller.execute('insert into t values (2)', { transactionId })
  await caller.execute('rollback to savepoint s', { transactionId })
  expect(await caller.value('select pg_backend_pid()', { transactionId })).toEqual(pid)
  expect(await caller.value("select current_setting('my.setting')", { transactionId })).toEqual({
    stringValue: 'kept',
  })
  expect(await caller.value('select count(*) from t')).toEqual({ longValue: 0 })
  expect(await caller.commit(transactionId)).toBe('Transaction Committed')
  const { records } = await caller.execute('select k from t')
  expect(records).toEqual([[{ longValue: 1 }]])
})

test('a rollback leaves nothing', async () => {
  const transactionId = await caller.begin()
  await caller.execute('create table gone (a int)', { transactionId })
  expect(await caller.rollback(transactionId)).toBe('Rollback Complete')
  expect(await caller.value("select to_regclass('gone') is null")).toEqual({ booleanValue: true })
})

test('a cursor is read page by page', async () => {
  const transactionId = await caller.begin()
  await caller.execute('declare c cursor for select generate_series(1, 5)', { transactionId })
  const page = () => caller.execute('fetch 3 from c', { transactionId })
  expect((await page()).records).toHaveLength(3)
  expect((await page()).records).toEqual([[{ longValue: 4 }], [{ longValue: 5 }]])
  await caller.rollback(transactionId)
})

test('ids are opaque, unlike each other and at most 192 characters', async () => {
  const ids = [await caller.begin(), await caller.begin()]
  expect(new Set(ids).size).toBe(2)
  for (const id of ids) {
    expect(id.length).toBeLessThanOrEqual(192)
    expect(id).toMatch(/^[A-Za-z0-9+/=]{100,}$/)
    await caller.rollback(id)
  }
})

test('the isolation level can be set by the first statement', async () => {
  const transactionId = await caller.begin()
  await caller.execute('set transaction isolation level serializable', { transactionId })
  expect(await caller.value('show transaction_isolation', { transactionId })).toEqual({
    stringValue: 'serializable',
  })
  await caller.rollback(transactionId)
})

describe('after a failed statement', () => {
  test('the id stays valid, and every statement says that the transaction is aborted', async () => {
    const transactionId = await caller.begin()
    await refusal(caller.execute('select 1 / 0', { transactionId }))
    for (let call = 0; call < 2; call += 1) {
      expect(await refusal(caller.execute('select 1', { transactionId }))).toMatchObject({
        name: 'DatabaseErrorException',
        message:
          'ERROR: current transaction is aborted, commands ignored until end of transaction block; SQLState: 25P02',
      })
    }
    expect(await caller.rollback(transactionId)).toBe('Rollback Complete')
  })

  test('a commit says committed although nothing is', async () => {
    const transactionId = await caller.begin()
    await caller.execute('insert into t values (10)', { transactionId })
    await refusal(caller.execute('select 1 / 0', { transactionId }))
    expect(await caller.commit(transactionId)).toBe('Transaction Committed')
    expect(await caller.value('select count(*) from t where k = 10')).toEqual({ longValue: 0 })
  })

  test('a rollback to a savepoint makes it usable again', async () => {
    const transactionId = await caller.begin()
    await caller.execute('savepoint s', { transactionId })
    await refusal(caller.execute('select 1 / 0', { transactionId }))
    await caller.execute('rollback to savepoint s', { transactionId })
    expect(await caller.value('select 1', { transactionId })).toEqual({ longValue: 1 })
    await caller.rollback(transactionId)
  })
})

describe('a commit that PostgreSQL refuses', () => {
  test('a deferred constraint is reported with its SQLState, and the transaction is over', async () => {
    const transactionId = await caller.begin()
    await caller.execute('insert into child values (404)', { transactionId })
    expect(await refusal(caller.commit(transactionId))).toMatchObject({
      name: 'DatabaseErrorException',
      message:
        'ERROR: insert or update on table "child" violates foreign key constraint "child_k_fkey"; SQLState: 23503',
      status: 400,
    })
    expect(await refusal(caller.rollback(transactionId))).toMatchObject(
      notFound(transactionId, aborted),
    )
    expect(await caller.value('select count(*) from child')).toEqual({ longValue: 0 })
  })

  test('a serialization failure is 40001', async () => {
    await caller.execute('create table counter as select 0 as n')
    const ids = [await caller.begin(), await caller.begin()]
    for (const transactionId of ids) {
      await caller.execute('set transaction isolation level serializable', { transactionId })
      await caller.execute('insert into counter select count(*) from counter', { transactionId })
    }
    const [first = '', second = ''] = ids
    await caller.commit(first)
    expect((await refusal(caller.commit(second))).message).toMatch(/SQLState: 40001$/)
  })
})

test('a second call while one is running is refused at once, and does not disturb it', async () => {
  const transactionId = await caller.begin()
  const running = caller.value('select pg_sleep(0.5)::text', { transactionId })
  await sleep(100)
  const busy = {
    name: 'DatabaseErrorException',
    message: 'Transaction is still running a query',
    status: 400,
  }
  const started = Date.now()
  expect(await refusal(caller.execute('select 1', { transactionId }))).toMatchObject(busy)
  expect(await refusal(caller.batch('select 1', [[]], transactionId))).toMatchObject(busy)
  expect(await refusal(caller.commit(transactionId))).toMatchObject(busy)
  expect(await refusal(caller.rollback(transactionId))).toMatchObject(busy)
  expect(Date.now() - started).toBeLessThan(350)
  expect(await running).toEqual({ stringValue: '' })
  expect(await caller.commit(transactionId)).toBe('Transaction Committed')
})

test('another database than the transaction began with is refused', async () => {
  const transactionId = await caller.begin()
  const call = caller.execute('select 1', { transactionId, database: 'postgres' })
  expect(await refusal(call)).toMatchObject({
    name: 'ValidationException',
    message: `Database name postgres is not the same as the transaction's, ${caller.base.database}`,
  })
  expect(await caller.value('select 1', { transactionId })).toEqual({ longValue: 1 })
  await caller.rollback(transactionId)
})

test('SQL COMMIT really commits, and the Data API transaction stays open', async () => {
  const transactionId = await caller.begin()
  await caller.execute('insert into t values (20)', { transactionId })
  await caller.execute('commit', { transactionId })
  expect(await caller.value('select count(*) from t where k = 20')).toEqual({ longValue: 1 })
  expect(await caller.rollback(transactionId)).toBe('Rollback Complete')
  expect(await caller.value('select count(*) from t where k = 20')).toEqual({ longValue: 1 })
})
