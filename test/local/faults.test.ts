import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'

let aurora: LocalAurora
let database: string
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  database = await newDatabase(aurora)
  caller = new Caller(aurora, database)
  await caller.execute('create table t (k text)')
})

beforeEach(() => {
  aurora.faults.clear()
  aurora.calls.clear()
})

afterAll(() => aurora.stop())

const insert = (k: string, transactionId?: string) =>
  caller.execute(`insert into t values ('${k}')`, { transactionId })

async function count(k: string): Promise<number | undefined> {
  const { longValue } = await caller.value(`select count(*) from t where k = '${k}'`)
  return longValue
}

describe('a fault of the kind', () => {
  test('cut-before: no answer, and nothing ran', async () => {
    aurora.faults.add({ kind: 'cut-before' })
    expect((await refusal(insert('cut before'))).status).toBeUndefined()
    expect(await count('cut before')).toBe(0)
    expect(aurora.calls.all[0]?.status).toBeUndefined()
  })

  test('cut-after: no answer, and it ran', async () => {
    aurora.faults.add({ kind: 'cut-after' })
    expect((await refusal(insert('cut after'))).status).toBeUndefined()
    expect(await count('cut after')).toBe(1)
  })

  test('a cut write is repeated blindly by an SDK that may, which the record shows', async () => {
    aurora.faults.add({ kind: 'cut-after' })
    await new Caller(aurora, database, 3).execute("insert into t values ('twice')")
    expect(await count('twice')).toBe(2)
    const [first, second] = aurora.calls.all
    expect([first?.attempt, second?.attempt]).toEqual([1, 2])
    expect(first?.invocationId).toBe(second?.invocationId)
  })

  test('late: no answer, and it runs later', async () => {
    aurora.faults.add({ kind: { late: 300 } })
    expect((await refusal(insert('late'))).status).toBeUndefined()
    expect(await count('late')).toBe(0)
    await vi.waitFor(async () => expect(await count('late')).toBe(1), { timeout: 5_000 })
  })

  test('late: a commit in flight is found by nobody until it has committed', async () => {
    const transactionId = await caller.begin()
    await insert('late commit', transactionId)
    aurora.faults.add({ kind: { late: 500 }, operation: 'CommitTransaction' })
    await refusal(caller.commit(transactionId))
    expect(await refusal(caller.rollback(transactionId))).toMatchObject({
      name: 'TransactionNotFoundException',
    })
    expect(await count('late commit')).toBe(0)
    await vi.waitFor(async () => expect(await count('late commit')).toBe(1), { timeout: 5_000 })
  })

  test('a commit cut after execution has committed', async () => {
    const transactionId = await caller.begin()
    await insert('cut commit', transactionId)
    aurora.faults.add({ kind: 'cut-after', operation: 'CommitTransaction' })
    await refusal(caller.commit(transactionId))
    expect(await count('cut commit')).toBe(1)
    expect((await refusal(caller.rollback(transactionId))).name).toBe(
      'TransactionNotFoundException',
    )
  })

  test.each([
    [500, 'InternalServerErrorException'],
    [503, 'ServiceUnavailableError'],
    [504, 'DatabaseUnavailableException'],
  ] as const)('%i is %s, before or after execution', async (status, name) => {
    for (const [when, rows] of [
      ['before', 0],
      ['after', 1],
    ] as const) {
      aurora.faults.add({ kind: { status, when } })
      expect(await refusal(insert(`${status} ${when}`))).toMatchObject({ name, status })
      expect(await count(`${status} ${when}`)).toBe(rows)
    }
  })

  test('throttle', async () => {
    aurora.faults.add({ kind: 'throttle' })
    expect(await refusal(insert('throttled'))).toMatchObject({
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      status: 400,
    })
    expect(await count('throttled')).toBe(0)
  })

  test('resuming lasts its seconds, and spares commit and rollback', async () => {
    const transactionId = await caller.begin()
    aurora.faults.add({ kind: { resuming: 0.4 } })
    for (let call = 0; call < 3; call += 1) {
      expect(await refusal(caller.begin())).toMatchObject({
        name: 'DatabaseResumingException',
        message:
          'The Aurora DB instance db-LOCAL is resuming after being auto-paused. Please wait a few seconds and try again.',
        status: 400,
      })
    }
    expect((await refusal(insert('resuming'))).name).toBe('DatabaseResumingException')
    expect(await caller.commit(transactionId)).toBe('Transaction Committed')
    await sleep(450)
    await insert('resumed')
    expect(await count('resuming')).toBe(0)
  })

  test('statement-timeout: cancelled, which aborts a transaction', async () => {
    aurora.faults.add({ kind: 'statement-timeout', times: 2 })
    const outside = await refusal(insert('timed out'))
    expect(outside).toMatchObject({ name: 'StatementTimeoutException', status: 400 })
    expect(outside.dbConnectionId).toBeTypeOf('number')
    const transactionId = await caller.begin()
    expect((await refusal(insert('timed out', transactionId))).name).toBe(
      'StatementTimeoutException',
    )
    expect((await refusal(insert('timed out', transactionId))).message).toMatch(/25P02$/)
    await caller.rollback(transactionId)
    expect(await count('timed out')).toBe(0)
  })

  test('statement-timeout with continueAfterTimeout: the statement goes on', async () => {
    const transactionId = await caller.begin()
    aurora.faults.add({ kind: 'statement-timeout' })
    const call = caller.execute("insert into t select 'went on' from pg_sleep(0.2)", {
      transactionId,
      continueAfterTimeout: true,
    })
    expect((await refusal(call)).name).toBe('StatementTimeoutException')
    expect((await refusal(caller.commit(transactionId))).message).toMatch(/still running a query/)
    await vi.waitFor(() => caller.commit(transactionId))
    expect(await count('went on')).toBe(1)
  })

  test('transaction-expired: rolled back, and not found from then on', async () => {
    const transactionId = await caller.begin()
    await insert('expired', transactionId)
    aurora.faults.add({ kind: 'transaction-expired' })
    const notFound = {
      name: 'TransactionNotFoundException',
      message: `Transaction ${transactionId} is not found. Transaction may be expired.`,
    }
    expect(await refusal(caller.commit(transactionId))).toMatchObject(notFound)
    expect(await refusal(caller.rollback(transactionId))).toMatchObject(notFound)
    expect(await count('expired')).toBe(0)
  })

  test('password-rejected: a call that opens a connection, and nothing ran', async () => {
    const transactionId = await caller.begin()
    aurora.faults.add({ kind: 'password-rejected' })
    await insert('has its connection', transactionId)
    await caller.commit(transactionId)
    expect(await refusal(insert('rejected'))).toMatchObject({
      name: 'DatabaseErrorException',
      message: 'FATAL: password authentication failed for user "migrator"; SQLState: 28P01',
    })
    await insert('accepted again')
    expect(await count('rejected')).toBe(0)
  })

  test('kill-backend: the call fails, and its transaction is gone', async () => {
    const transactionId = await caller.begin()
    await insert('killed', transactionId)
    aurora.faults.add({ kind: 'kill-backend' })
    expect(await refusal(insert('killed', transactionId))).toMatchObject({
      name: 'DatabaseErrorException',
      message: 'FATAL: terminating connection due to administrator command; SQLState: 57P01',
    })
    expect((await refusal(caller.commit(transactionId))).message).toMatch(
      /is not found\. Transaction has been aborted due to an error from a previous call\.$/,
    )
    expect(await count('killed')).toBe(0)
  })

  test('kill-backend without a transaction: the call fails, the next one works', async () => {
    aurora.faults.add({ kind: 'kill-backend' })
    expect((await refusal(insert('killed outside'))).message).toMatch(/SQLState: 57P01$/)
    expect(await count('killed outside')).toBe(0)
  })

  test.each(['BeginTransaction', 'CommitTransaction', 'RollbackTransaction'] as const)(
    'kill-backend on %s',
    async (operation) => {
      aurora.faults.add({ kind: 'kill-backend', operation })
      const run = async () => {
        const transactionId = await caller.begin()
        await insert('killed at the end', transactionId)
        if (operation === 'CommitTransaction') await caller.commit(transactionId)
        else await caller.rollback(transactionId)
      }
      expect((await refusal(run())).message).toMatch(/SQLState: 57P01$/)
      expect(await count('killed at the end')).toBe(0)
    },
  )

  test('delay: the answer is late', async () => {
    aurora.faults.add({ kind: { delay: 300 } })
    const started = Date.now()
    const late = insert('delayed')
    await vi.waitFor(async () => expect(await count('delayed')).toBe(1), 250)
    expect(Date.now() - started).toBeLessThan(300)
    await late
    expect(Date.now() - started).toBeGreaterThanOrEqual(290)
  })

  test('freeze: never an answer, until the client gives up or the server stops', async () => {
    await using other = await testAurora()
    other.faults.add({ kind: 'freeze' })
    const frozen = refusal(new Caller(other, database).execute("insert into t values ('frozen')"))
    expect(await Promise.race([frozen, sleep(300, 'nothing')])).toBe('nothing')
    await other.stop()
    expect((await frozen).status).toBeUndefined()
    expect(await count('frozen')).toBe(0)
  })
})
