import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { testAurora } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'
import { useFaultedTable } from './faulted-table.ts'

const it = useFaultedTable()

describe('a fault of the kind', () => {
  test('cut-before: no answer, and nothing ran', async () => {
    it.aurora.faults.add({ kind: 'cut-before' })
    expect((await refusal(it.insert('cut before'))).status).toBeUndefined()
    expect(await it.count('cut before')).toBe(0)
    expect(it.aurora.calls.all[0]?.status).toBeUndefined()
  })

  test('cut-after: no answer, and it ran', async () => {
    it.aurora.faults.add({ kind: 'cut-after' })
    expect((await refusal(it.insert('cut after'))).status).toBeUndefined()
    expect(await it.count('cut after')).toBe(1)
  })

  test('a cut write is repeated blindly by an SDK that may, which the record shows', async () => {
    it.aurora.faults.add({ kind: 'cut-after' })
    await new Caller(it.aurora, it.database, 3).execute("insert into t values ('twice')")
    expect(await it.count('twice')).toBe(2)
    const [first, second] = it.aurora.calls.all
    expect([first?.attempt, second?.attempt]).toEqual([1, 2])
    expect(first?.invocationId).toBe(second?.invocationId)
  })

  test('late: no answer, and it runs later', async () => {
    it.aurora.faults.add({ kind: { late: 300 } })
    expect((await refusal(it.insert('late'))).status).toBeUndefined()
    expect(await it.count('late')).toBe(0)
    await vi.waitFor(async () => expect(await it.count('late')).toBe(1), { timeout: 5_000 })
  })

  test('late: a commit in flight is found by nobody until it has committed', async () => {
    const transactionId = await it.caller.begin()
    await it.insert('late commit', transactionId)
    it.aurora.faults.add({ kind: { late: 500 }, operation: 'CommitTransaction' })
    await refusal(it.caller.commit(transactionId))
    expect(await refusal(it.caller.rollback(transactionId))).toMatchObject({
      name: 'TransactionNotFoundException',
    })
    expect(await it.count('late commit')).toBe(0)
    await vi.waitFor(async () => expect(await it.count('late commit')).toBe(1), { timeout: 5_000 })
  })

  test('a commit cut after execution has committed', async () => {
    const transactionId = await it.caller.begin()
    await it.insert('cut commit', transactionId)
    it.aurora.faults.add({ kind: 'cut-after', operation: 'CommitTransaction' })
    await refusal(it.caller.commit(transactionId))
    expect(await it.count('cut commit')).toBe(1)
    expect((await refusal(it.caller.rollback(transactionId))).name).toBe(
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
      it.aurora.faults.add({ kind: { status, when } })
      expect(await refusal(it.insert(`${status} ${when}`))).toMatchObject({ name, status })
      expect(await it.count(`${status} ${when}`)).toBe(rows)
    }
  })

  test('throttle', async () => {
    it.aurora.faults.add({ kind: 'throttle' })
    expect(await refusal(it.insert('throttled'))).toMatchObject({
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      status: 400,
    })
    expect(await it.count('throttled')).toBe(0)
  })

  test('resuming lasts its seconds, and spares commit and rollback', async () => {
    const transactionId = await it.caller.begin()
    it.aurora.faults.add({ kind: { resuming: 0.4 } })
    for (let call = 0; call < 3; call += 1) {
      expect(await refusal(it.caller.begin())).toMatchObject({
        name: 'DatabaseResumingException',
        message:
          'The Aurora DB instance db-LOCAL is resuming after being auto-paused. Please wait a few seconds and try again.',
        status: 400,
      })
    }
    expect((await refusal(it.insert('resuming'))).name).toBe('DatabaseResumingException')
    expect(await it.caller.commit(transactionId)).toBe('Transaction Committed')
    await sleep(450)
    await it.insert('resumed')
    expect(await it.count('resuming')).toBe(0)
  })

  test('statement-timeout: cancelled, which aborts a transaction', async () => {
    it.aurora.faults.add({ kind: 'statement-timeout', times: 2 })
    const outside = await refusal(it.insert('timed out'))
    expect(outside).toMatchObject({ name: 'StatementTimeoutException', status: 400 })
    expect(outside.dbConnectionId).toBeTypeOf('number')
    const transactionId = await it.caller.begin()
    expect((await refusal(it.insert('timed out', transactionId))).name).toBe(
      'StatementTimeoutException',
    )
    expect((await refusal(it.insert('timed out', transactionId))).message).toMatch(/25P02$/)
    await it.caller.rollback(transactionId)
    expect(await it.count('timed out')).toBe(0)
  })

  test('statement-timeout with continueAfterTimeout: the statement goes on', async () => {
    const transactionId = await it.caller.begin()
    it.aurora.faults.add({ kind: 'statement-timeout' })
    const call = it.caller.execute("insert into t select 'went on' from pg_sleep(0.2)", {
      transactionId,
      continueAfterTimeout: true,
    })
    expect((await refusal(call)).name).toBe('StatementTimeoutException')
    expect((await refusal(it.caller.commit(transactionId))).message).toMatch(
      /still running a query/,
    )
    await vi.waitFor(() => it.caller.commit(transactionId))
    expect(await it.count('went on')).toBe(1)
  })

  test('transaction-expired: rolled back, and not found from then on', async () => {
    const transactionId = await it.caller.begin()
    await it.insert('expired', transactionId)
    it.aurora.faults.add({ kind: 'transaction-expired' })
    const notFound = {
      name: 'TransactionNotFoundException',
      message: `Transaction ${transactionId} is not found. Transaction may be expired.`,
    }
    expect(await refusal(it.caller.commit(transactionId))).toMatchObject(notFound)
    expect(await refusal(it.caller.rollback(transactionId))).toMatchObject(notFound)
    expect(await it.count('expired')).toBe(0)
  })

  test('password-rejected: a call that opens a connection, and nothing ran', async () => {
    const transactionId = await it.caller.begin()
    it.aurora.faults.add({ kind: 'password-rejected' })
    await it.insert('has its connection', transactionId)
    await it.caller.commit(transactionId)
    expect(await refusal(it.insert('rejected'))).toMatchObject({
      name: 'DatabaseErrorException',
      message: 'FATAL: password authentication failed for user "migrator"; SQLState: 28P01',
    })
    await it.insert('accepted again')
    expect(await it.count('rejected')).toBe(0)
  })

  test('kill-backend: the call fails, and its transaction is gone', async () => {
    const transactionId = await it.caller.begin()
    await it.insert('killed', transactionId)
    it.aurora.faults.add({ kind: 'kill-backend' })
    expect(await refusal(it.insert('killed', transactionId))).toMatchObject({
      name: 'DatabaseErrorException',
      message: 'FATAL: terminating connection due to administrator command; SQLState: 57P01',
    })
    expect((await refusal(it.caller.commit(transactionId))).message).toMatch(
      /is not found\. Transaction has been aborted due to an error from a previous call\.$/,
    )
    expect(await it.count('killed')).toBe(0)
  })

  test('kill-backend without a transaction: the call fails, the next one works', async () => {
    it.aurora.faults.add({ kind: 'kill-backend' })
    expect((await refusal(it.insert('killed outside'))).message).toMatch(/SQLState: 57P01$/)
    expect(await it.count('killed outside')).toBe(0)
  })

  test.each(['BeginTransaction', 'CommitTransaction', 'RollbackTransaction'] as const)(
    'kill-backend on %s',
    async (operation) => {
      it.aurora.faults.add({ kind: 'kill-backend', operation })
      const run = async () => {
        const transactionId = await it.caller.begin()
        await it.insert('killed at the end', transactionId)
        if (operation === 'CommitTransaction') await it.caller.commit(transactionId)
        else await it.caller.rollback(transactionId)
      }
      expect((await refusal(run())).message).toMatch(/SQLState: 57P01$/)
      expect(await it.count('killed at the end')).toBe(0)
    },
  )

  test('delay: the answer is late', async () => {
    it.aurora.faults.add({ kind: { delay: 300 } })
    const started = Date.now()
    const late = it.insert('delayed')
    await vi.waitFor(async () => expect(await it.count('delayed')).toBe(1), 250)
    expect(Date.now() - started).toBeLessThan(300)
    await late
    expect(Date.now() - started).toBeGreaterThanOrEqual(290)
  })

  test('freeze: never an answer, until the client gives up or the server stops', async () => {
    await using other = await testAurora()
    other.faults.add({ kind: 'freeze' })
    const frozen = refusal(
      new Caller(other, it.database).execute("insert into t values ('frozen')"),
    )
    expect(await Promise.race([frozen, sleep(300, 'nothing')])).toBe('nothing')
    await other.stop()
    expect((await frozen).status).toBeUndefined()
    expect(await it.count('frozen')).toBe(0)
  })
})
