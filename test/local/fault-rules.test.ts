import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { describe, expect, test } from 'vitest'
import type { FaultKind } from '../../infra/local/local-aurora.ts'
import { newDatabase } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'
import { useFaultedTable } from './faulted-table.ts'

const it = useFaultedTable()

describe('which calls are hit', () => {
  test('the nth of a database, whatever it is', async () => {
    const elsewhere = new Caller(it.aurora, await newDatabase(it.aurora))
    const fault = it.aurora.faults.add({ database: it.database, nth: 3, kind: 'throttle' })
    const transactionId = await it.caller.begin()
    await elsewhere.execute('select 1')
    await elsewhere.execute('select 1')
    await it.insert('second call', transactionId)
    expect(fault.fired).toBe(0)
    expect((await refusal(it.caller.commit(transactionId))).name).toBe('ThrottlingException')
    expect(fault.fired).toBe(1)
    expect(await it.caller.commit(transactionId)).toBe('Transaction Committed')
  })

  test('several from the nth on', async () => {
    it.aurora.faults.add({ nth: 2, times: 2, kind: 'throttle' })
    const outcomes: string[] = []
    for (let call = 0; call < 4; call += 1) {
      outcomes.push(
        await it.caller.execute('select 1').then(
          () => 'done',
          ({ name }) => name,
        ),
      )
    }
    expect(outcomes).toEqual(['done', 'ThrottlingException', 'ThrottlingException', 'done'])
  })

  test('those of an operation, or with matching SQL', async () => {
    it.aurora.faults.add({ operation: 'CommitTransaction', kind: 'throttle' })
    it.aurora.faults.add({ sqlPattern: /^INSERT into\s/i, times: 2, kind: 'throttle' })
    await it.caller.execute('select 1')
    expect((await refusal(it.insert('matched'))).name).toBe('ThrottlingException')
    const transactionId = await it.caller.begin()
    expect((await refusal(it.insert('matched', transactionId))).name).toBe('ThrottlingException')
    await it.insert('no longer', transactionId)
    expect((await refusal(it.caller.commit(transactionId))).name).toBe('ThrottlingException')
    await it.caller.rollback(transactionId)
  })

  test('a fault that cannot hit the chosen call is used up without effect', async () => {
    const kinds: FaultKind[] = ['transaction-expired', 'statement-timeout', 'password-rejected']
    for (const kind of kinds) {
      const begin = kind === 'password-rejected' ? 'commit' : 'begin'
      const transactionId = begin === 'commit' ? await it.caller.begin() : ''
      const fault = it.aurora.faults.add({ nth: 1, kind })
      if (begin === 'commit') await it.caller.commit(transactionId)
      else await it.caller.rollback(await it.caller.begin())
      await it.caller.execute('select 1')
      expect(fault.fired).toBe(0)
    }
  })

  test('GetSecretValue too', async () => {
    const secrets = new SecretsManagerClient({
      region: it.aurora.region,
      endpoint: it.aurora.endpoint,
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      maxAttempts: 1,
    })
    const read = () => secrets.send(new GetSecretValueCommand({ SecretId: it.aurora.secretArn }))
    it.aurora.faults.add({ operation: 'GetSecretValue', kind: 'throttle' })
    expect(await refusal(read())).toMatchObject({ name: 'ThrottlingException' })
    expect((await read()).SecretString).toContain('migrator')
    expect(it.aurora.calls.all.map(({ operation }) => operation)).toEqual([
      'GetSecretValue',
      'GetSecretValue',
    ])
  })

  test('none after clear', async () => {
    it.aurora.faults.add({ kind: 'throttle', times: 100 })
    it.aurora.faults.clear()
    expect(await it.caller.value('select 1')).toEqual({ longValue: 1 })
  })
})

describe('over HTTP', () => {
  const admin = (method: string, body?: unknown) =>
    fetch(`${it.aurora.endpoint}/_local/faults`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  test('faults are added and cleared', async () => {
    const rule = {
      database: it.database,
      sqlPattern: 'insert',
      times: 5,
      kind: { status: 503, when: 'before' },
    }
    expect((await admin('POST', rule)).status).toBe(200)
    expect((await refusal(it.insert('http'))).name).toBe('ServiceUnavailableError')
    expect((await admin('DELETE')).status).toBe(200)
    await it.insert('http')
    expect(await it.count('http')).toBe(1)
  })

  test.each([
    [{ kind: 'explode' }, 'kind is "explode": use one of cut-before, cut-after'],
    [{ kind: { status: 418, when: 'before' } }, 'use one of'],
    [{}, 'kind is undefined'],
    [{ kind: 'throttle', operation: 'Select' }, 'operation is Select: use BeginTransaction'],
    [{ kind: 'throttle', nth: 0 }, 'nth is 0: use a whole number from 1'],
    [{ kind: 'throttle', times: 1.5 }, 'times is 1.5'],
    [{ kind: 'throttle', sqlPattern: '(' }, 'sqlPattern is (: use a regular expression'],
    [{ kind: 'throttle', database: 5 }, 'database is 5: use a string'],
    [{ kind: 'throttle', table: 't' }, 'Unknown member table: use database, nth'],
  ])('%j is refused with what is allowed', async (rule, message) => {
    const response = await admin('POST', rule)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ message: expect.stringContaining(message) })
    await it.caller.execute('select 1')
  })
})
