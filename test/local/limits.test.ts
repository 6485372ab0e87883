import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, refusal, string } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora({ limits: { statementTimeoutMs: 400 } })
  caller = new Caller(aurora, await newDatabase(aurora))
})

afterAll(() => aurora.stop())

const mebibyte = 1_048_576
const oversize = {
  name: 'UnsupportedResultException',
  message: 'The result exceeds the size limit 1 MB.',
  status: 400,
}

describe('a result may have 1 MiB', () => {
  test('one row of one column: 6 bytes and the text', async () => {
    const { stringValue } = await caller.value(`select repeat('x', ${mebibyte - 6})`)
    expect(stringValue).toHaveLength(mebibyte - 6)
    expect(await refusal(caller.execute(`select repeat('x', ${mebibyte - 5})`))).toMatchObject(
      oversize,
    )
  })

  test('each row counts 2 bytes and each column 4', async () => {
    const rows = (text: string, count: number) =>
      caller.execute(`select '${text}', null from generate_series(1, ${count})`)
    // 2 + 4 · 2 + 6 bytes = 16 a row.
    expect((await rows('123456', mebibyte / 16)).records).toHaveLength(mebibyte / 16)
    expect(await refusal(rows('123456', mebibyte / 16 + 1))).toMatchObject(oversize)
  })

  test('bytes count, not characters', async () => {
    await caller.execute(`select repeat('é', ${mebibyte / 2 - 3})`)
    expect(await refusal(caller.execute(`select repeat('é', ${mebibyte / 2 - 2})`))).toMatchObject(
      oversize,
    )
  })

  test('more of it ends the transaction', async () => {
    const transactionId = await caller.begin()
    await caller.execute('create table t (a int)', { transactionId })
    const call = caller.execute(`select repeat('x', ${mebibyte})`, { transactionId })
    expect(await refusal(call)).toMatchObject(oversize)
    const notFound = {
      name: 'TransactionNotFoundException',
      status: 404,
      message: `Transaction ${transactionId} is not found. One previous call resulted in a termination of your transaction.`,
    }
    expect(await refusal(caller.execute('select 1', { transactionId }))).toMatchObject(notFound)
    expect(await refusal(caller.commit(transactionId))).toMatchObject(notFound)
    expect(await caller.value("select to_regclass('t') is null")).toEqual({ booleanValue: true })
  })

  test('without a transaction the statement has run', async () => {
    await caller.execute('create table big (a text)')
    const insert = `insert into big values (repeat('x', ${mebibyte})) returning a`
    expect(await refusal(caller.execute(insert))).toMatchObject(oversize)
    expect(await caller.value('select count(*) from big')).toEqual({ longValue: 1 })
  })

  test('the limit can be set', async () => {
    await using small = await testAurora({ limits: { resultBytes: 100 } })
    const { message } = await refusal(
      new Caller(small, caller.base.database).execute("select repeat('x', 95)"),
    )
    expect(message).toBe(oversize.message)
  })
})

describe('the SQL text may have 65,536 characters', () => {
  const sql = (length: number) => `select '${'x'.repeat(length - 9)}'`

  test('and not one more, which is refused before anything runs', async () => {
    await caller.execute(sql(65_536))
    expect(await refusal(caller.execute(sql(65_537)))).toMatchObject({
      name: 'ValidationException',
      message: 'Number of characters in SQLStatement is longer than 65536',
      status: 400,
    })
    expect((await refusal(caller.batch(sql(65_537), [[]]))).name).toBe('ValidationException')
  })

  test('parameters do not count', async () => {
    const parameters = [string('v', 'x'.repeat(200_000))]
    expect(await caller.value('select length(:v)', { parameters })).toEqual({ longValue: 200_000 })
  })
})

describe('a request may have 4 MiB', () => {
  const send = (bytes: number) =>
    caller.execute('select length(:v)', { parameters: [string('v', 'x'.repeat(bytes))] })

  test('with its headers', async () => {
    expect((await send(4 * mebibyte - 4_000)).records).toEqual([
      [{ longValue: 4 * mebibyte - 4_000 }],
    ])
    expect(await refusal(send(4 * mebibyte - 100))).toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(/^The request has \d+ bytes: the limit is 4194304$/),
      status: 400,
    })
  })

  test('one far larger is refused too, and the connection goes on', async () => {
    expect((await refusal(send(10 * mebibyte))).name).toBe('ValidationException')
    expect(await caller.value('select 1')).toEqual({ longValue: 1 })
  })
})

describe('a call may take 45 seconds (here 0.4)', () => {
  const timedOut = {
    name: 'StatementTimeoutException',
    message: 'Request timed out',
    status: 400,
  }

  test('then the statement is cancelled, and the backend is named', async () => {
    const started = Date.now()
    const { dbConnectionId, ...answer } = await refusal(
      caller.execute('select pg_sleep(30)::text as timed_out_1'),
    )
    expect(answer).toEqual(timedOut)
    expect(Date.now() - started).toBeGreaterThanOrEqual(390)
    expect(Date.now() - started).toBeLessThan(2_000)
    expect(dbConnectionId).toBeTypeOf('number')
    const superuser = await connect(aurora, 'postgres')
    const { rows } = await superuser.query(
      `select from pg_stat_activity where state = 'active' and query like '%timed_out_1%' and pid = $1`,
      [dbConnectionId],
    )
    expect(rows).toEqual([])
  })

  test('in a transaction that aborts it', async () => {
    const transactionId = await caller.begin()
    const pid = await caller.value('select pg_backend_pid()', { transactionId })
    const call = await refusal(caller.execute('select pg_sleep(30)::text', { transactionId }))
    expect(call).toEqual({ ...timedOut, dbConnectionId: pid.longValue })
    expect((await refusal(caller.execute('select 1', { transactionId }))).message).toMatch(
      /SQLState: 25P02$/,
    )
    expect(await caller.rollback(transactionId)).toBe('Rollback Complete')
  })

  test('with continueAfterTimeout the statement goes on to its end', async () => {
    await caller.execute('create table slow (a int)')
    const call = caller.execute('insert into slow select 1 from pg_sleep(0.8)', {
      continueAfterTimeout: true,
    })
    expect(await refusal(call)).toMatchObject(timedOut)
    expect(await caller.value('select count(*) from slow')).toEqual({ longValue: 0 })
    await vi.waitFor(
      async () => expect(await caller.value('select count(*) from slow')).toEqual({ longValue: 1 }),
      2_000,
    )
  })

  test('in a transaction it keeps the transaction busy, and the work is there afterwards', async () => {
    await caller.execute('create table slow_too (a int)')
    const transactionId = await caller.begin()
    const call = caller.execute('insert into slow_too select 1 from pg_sleep(0.8)', {
      transactionId,
      continueAfterTimeout: true,
    })
    expect(await refusal(call)).toMatchObject(timedOut)
    expect((await refusal(caller.commit(transactionId))).message).toBe(
      'Transaction is still running a query',
    )
    await vi.waitFor(() => caller.execute('select 1', { transactionId }), {
      timeout: 2_000,
      interval: 50,
    })
    expect(await caller.commit(transactionId)).toBe('Transaction Committed')
    expect(await caller.value('select count(*) from slow_too')).toEqual({ longValue: 1 })
  })

  test('a statement that goes on and then fails leaves the transaction aborted', async () => {
    const transactionId = await caller.begin()
    const call = caller.execute('select 1 / (length(pg_sleep(0.6)::text)) ', {
      transactionId,
      continueAfterTimeout: true,
    })
    expect(await refusal(call)).toMatchObject(timedOut)
    await vi.waitFor(
      async () =>
        expect((await refusal(caller.execute('select 1', { transactionId }))).message).toMatch(
          /SQLState: 25P02$/,
        ),
      { timeout: 2_000, interval: 50 },
    )
    await caller.rollback(transactionId)
  })

  test('a batch has one limit for all its sets', async () => {
    const sleeps = Array.from({ length: 5 }, () => [string('s', '0.15')])
    const call = caller.batch('select pg_sleep(:s::float8)', sleeps)
    expect(await refusal(call)).toMatchObject(timedOut)
  })

  test('the idle time of a transaction goes on beside a continued statement', async () => {
    await using impatient = await testAurora({
      limits: { statementTimeoutMs: 100, transactionIdleMs: 300 },
    })
    const quick = new Caller(impatient, caller.base.database)
    const transactionId = await quick.begin()
    const call = quick.execute('select pg_sleep(30)::text', {
      transactionId,
      continueAfterTimeout: true,
    })
    expect(await refusal(call)).toMatchObject(timedOut)
    await sleep(600)
    expect((await refusal(quick.rollback(transactionId))).message).toMatch(/may be expired\.$/)
  })
})

test('latency is added to each answer of the Data API, errors included', async () => {
  await using slow = await testAurora({ latencyMs: 150 })
  const far = new Caller(slow, caller.base.database)
  const started = Date.now()
  await far.value('select 1')
  await refusal(far.execute('nonsense'))
  expect(Date.now() - started).toBeGreaterThanOrEqual(300)
})
