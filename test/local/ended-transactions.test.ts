import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'
import { aborted, expired, notFound, terminated } from './transaction-not-found.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  caller = new Caller(aurora, await newDatabase(aurora))
  await caller.execute('create table t (k int primary key)')
})

afterAll(() => aurora.stop())

describe('an id that is not open', () => {
  test.each(['commit', 'rollback'] as const)('a second %s is not found', async (end) => {
    const transactionId = await caller.begin()
    await caller[end](transactionId)
    const reason = notFound(transactionId, terminated)
    expect(await refusal(caller.commit(transactionId))).toMatchObject(reason)
    expect(await refusal(caller.rollback(transactionId))).toMatchObject(reason)
    expect(await refusal(caller.execute('select 1', { transactionId }))).toMatchObject(reason)
    expect(await refusal(caller.batch('select 1', [[]], transactionId))).toMatchObject(reason)
  })

  test('one that never was is not found', async () => {
    expect(await refusal(caller.commit('nonsense'))).toMatchObject(notFound('nonsense', expired))
  })

  test('one of more than 192 characters is invalid', async () => {
    const call = caller.execute('select 1', { transactionId: 'x'.repeat(193) })
    expect((await refusal(call)).name).toBe('ValidationException')
  })

  test('one whose backend was killed was aborted by an error', async () => {
    const transactionId = await caller.begin()
    const { longValue: pid } = await caller.value('select pg_backend_pid()', { transactionId })
    const superuser = await connect(aurora, 'postgres')
    const statement = refusal(caller.execute('select pg_sleep(20)::text', { transactionId }))
    await sleep(50)
    await superuser.query('select pg_terminate_backend($1, 1000)', [pid])
    expect(await statement).toMatchObject({
      name: 'DatabaseErrorException',
      message: 'FATAL: terminating connection due to administrator command; SQLState: 57P01',
    })
    await vi.waitFor(async () =>
      expect(await refusal(caller.execute('select 1', { transactionId }))).toMatchObject(
        notFound(transactionId, aborted),
      ),
    )
  })

  test('an idle one whose backend was killed as well, and the server lives on', async () => {
    const transactionId = await caller.begin()
    const { longValue: pid } = await caller.value('select pg_backend_pid()', { transactionId })
    const superuser = await connect(aurora, 'postgres')
    await superuser.query('select pg_terminate_backend($1, 1000)', [pid])
    await vi.waitFor(async () =>
      expect(await refusal(caller.commit(transactionId))).toMatchObject(
        notFound(transactionId, aborted),
      ),
    )
    expect(await caller.value('select 1')).toEqual({ longValue: 1 })
  })
})

describe('a transaction expires', () => {
  test('after its idle time, counted from the last call', async () => {
    await using impatient = await testAurora({ limits: { transactionIdleMs: 400 } })
    const quick = new Caller(impatient, caller.base.database)
    const transactionId = await quick.begin()
    await quick.execute('insert into t values (30)', { transactionId })
    for (let call = 0; call < 4; call += 1) {
      await sleep(200)
      await quick.execute('select 1', { transactionId })
    }
    await sleep(700)
    expect(await refusal(quick.commit(transactionId))).toMatchObject(
      notFound(transactionId, expired),
    )
    expect(await caller.value('select count(*) from t where k = 30')).toEqual({ longValue: 0 })
  })

  test('not while a call is running', async () => {
    await using impatient = await testAurora({ limits: { transactionIdleMs: 200 } })
    const quick = new Caller(impatient, caller.base.database)
    const transactionId = await quick.begin()
    await quick.execute('select pg_sleep(0.6)::text', { transactionId })
    expect(await quick.commit(transactionId)).toBe('Transaction Committed')
  })

  test('after its total time, whatever it is doing, and its locks are free', async () => {
    await using impatient = await testAurora({ limits: { transactionTotalMs: 500 } })
    const quick = new Caller(impatient, caller.base.database)
    const transactionId = await quick.begin()
    await quick.execute('lock table t', { transactionId })
    const running = quick.execute('select pg_sleep(30)::text', { transactionId })
    expect((await refusal(running)).message).toMatch(/SQLState: 57P01$/)
    expect(await refusal(quick.execute('select 1', { transactionId }))).toMatchObject(
      notFound(transactionId, expired),
    )
    await caller.execute('insert into t values (40)')
  })
})

test('stopping the server rolls open transactions back', async () => {
  const other = await testAurora()
  const { base } = caller
  const transient = new Caller(other, base.database)
  const transactionId = await transient.begin()
  await transient.execute('lock table t', { transactionId })
  await other.stop()
  await caller.execute('insert into t values (50)')
})
