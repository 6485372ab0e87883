import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, long, refusal } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  caller = new Caller(aurora, await newDatabase(aurora))
})

afterAll(() => aurora.stop())

interface Raw {
  readonly status: number | undefined
  readonly errorType: string | undefined
  readonly body: string
}

/** node:http, because fetch does not let a Host header through. */
function raw(path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') {
  const { promise, resolve, reject } = Promise.withResolvers<Raw>()
  const { hostname, port } = new URL(aurora.endpoint)
  const call = request({ hostname, port, path, method, headers }, (response) => {
    let text = ''
    response.on('data', (chunk) => {
      text += chunk
    })
    response.on('end', () => {
      const errorType = response.headers['x-amzn-errortype']?.toString()
      resolve({ status: response.statusCode, errorType, body: text })
    })
  })
  call.on('error', reject)
  call.end(typeof body === 'string' ? body : JSON.stringify(body))
  return promise
}

const signed = { authorization: 'AWS4-HMAC-SHA256 Credential=any' }

describe('who may call', () => {
  test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '10.0.0.1', '0.0.0.0'])(
    'Host %s is refused, on every route',
    async (host) => {
      for (const path of ['/Execute', '/', '/_local/calls', '/_local/faults']) {
        const answer = await raw(path, {}, { ...signed, host })
        expect(answer.status).toBe(403)
        expect(answer.body).toContain('127.0.0.1 or localhost')
      }
    },
  )

  test.each(['localhost', '127.0.0.1:1', '[::1]:8080', 'LOCALHOST:5'])(
    'Host %s is accepted',
    async (host) => {
      const answer = await raw('/Execute', { ...caller.base, sql: 'select 1' }, { ...signed, host })
      expect(answer.status).toBe(200)
    },
  )

  test('a page in a browser is refused', async () => {
    const answer = await raw('/_local/faults', '{}', { origin: 'http://127.0.0.1:1' })
    expect(answer.status).toBe(403)
  })

  test('a request without a signature is refused', async () => {
    const answer = await raw('/Execute', { ...caller.base, sql: 'select 1' })
    expect(answer).toMatchObject({
      status: 403,
      body: '{"message":"Missing Authentication Token"}',
      errorType: expect.stringMatching(/^MissingAuthenticationTokenException:/),
    })
    const secret = await raw(
      '/',
      { SecretId: aurora.secretArn },
      {
        'x-amz-target': 'secretsmanager.GetSecretValue',
      },
    )
    expect(secret.status).toBe(403)
    expect(secret.body).not.toContain('password')
  })

  test('the server listens on loopback only', () => {
    expect(new URL(aurora.endpoint).hostname).toBe('127.0.0.1')
  })
})

describe('errors on the wire', () => {
  test('the name is in a header, the message in the body, and every answer has a request id', async () => {
    const response = await fetch(`${aurora.endpoint}/Execute`, {
      method: 'POST',
      headers: signed,
      body: JSON.stringify({ ...caller.base, sql: 'nonsense' }),
    })
    expect(response.status).toBe(400)
    expect(response.headers.get('x-amzn-errortype')).toBe(
      'DatabaseErrorException:http://internal.amazon.com/coral/com.amazon.rdsdataservice/',
    )
    expect(response.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/)
    expect(await response.json()).toEqual({
      message: 'ERROR: syntax error at or near "nonsense"; Position: 1; SQLState: 42601',
    })
  })

  test('Secrets Manager has the name in the body', async () => {
    const answer = await raw(
      '/',
      { SecretId: 'nobody' },
      {
        ...signed,
        'x-amz-target': 'secretsmanager.GetSecretValue',
      },
    )
    expect(JSON.parse(answer.body)).toEqual({
      __type: 'ResourceNotFoundException',
      Message: "Secrets Manager can't find the specified secret.",
    })
  })

  test.each([
    ['no JSON', '{', 'SerializationException'],
    ['no object', '[]', 'SerializationException'],
    ['sql that is no text', '{"sql": 1}', 'SerializationException'],
    ['no sql', '{}', 'ValidationException'],
    [
      'a flag that is none',
      '{"sql": "select 1", "includeResultMetadata": 1}',
      'SerializationException',
    ],
    [
      'parameters that are no list',
      '{"sql": "select 1", "parameters": {}}',
      'SerializationException',
    ],
    [
      'a parameter that is no object',
      '{"sql": "select 1", "parameters": [1]}',
      'ValidationException',
    ],
    ['no resource', '{"sql": "select 1"}', 'ValidationException'],
  ])('%s', async (_, body, name) => {
    const answer = await raw('/Execute', body, signed)
    expect(answer.status).toBe(400)
    expect(answer.errorType?.split(':')[0]).toBe(name)
  })

  test('a database name of more than 64 characters is refused', async () => {
    const call = caller.execute('select 1', { database: 'x'.repeat(65) })
    expect((await refusal(call)).name).toBe('ValidationException')
  })

  test('ExecuteSql and unknown routes are no operations', async () => {
    expect(await raw('/ExecuteSql', {}, signed)).toMatchObject({ status: 400 })
    expect(await raw('/Execute', '', signed, 'GET')).toMatchObject({ status: 404 })
    expect(await raw('/unknown', {}, signed)).toMatchObject({ status: 404 })
    const target = { 'x-amz-target': 'secretsmanager.PutSecretValue' }
    expect(await raw('/', {}, { ...signed, ...target })).toMatchObject({
      status: 400,
      body: expect.stringContaining('UnknownOperationException'),
    })
  })
})

describe('calls are recorded', () => {
  test('with everything a test wants to know', async () => {
    const database = await newDatabase(aurora)
    const mine = new Caller(aurora, database)
    await caller.execute('select 0')
    const before = Date.now()
    const transactionId = await mine.begin()
    await mine.execute('select :a', {
      transactionId,
      database: undefined,
      parameters: [long('a', 1)],
    })
    await refusal(mine.execute('nonsense', { transactionId }))
    await mine.batch('select :a', [[long('a', 1)]], transactionId).catch(() => {})
    await mine.rollback(transactionId)
    await refusal(mine.commit(transactionId))
    const calls = aurora.calls.forDatabase(database)
    expect(calls.map(({ operation, status }) => [operation, status])).toEqual([
      ['BeginTransaction', 200],
      ['ExecuteStatement', 200],
      ['ExecuteStatement', 400],
      ['BatchExecuteStatement', 400],
      ['RollbackTransaction', 200],
      ['CommitTransaction', 404],
    ])
    expect(calls[1]).toMatchObject({
      database,
      sql: 'select :a',
      transactionId,
      parameters: [{ name: 'a', value: { longValue: 1 } }],
      invocationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      attempt: 1,
      ms: expect.any(Number),
    })
    expect(calls[1]?.startedAt).toBeGreaterThanOrEqual(before)
    expect(calls[2]?.errorName).toBe('DatabaseErrorException')
    expect(calls[5]?.errorName).toBe('TransactionNotFoundException')
  })

  test('and can be read over HTTP, and forgotten', async () => {
    aurora.calls.clear()
    await caller.execute('select 42')
    const answer = await raw(`/_local/calls?database=${caller.base.database}`, '', {}, 'GET')
    expect(JSON.parse(answer.body).calls).toMatchObject([{ sql: 'select 42', status: 200 }])
    const all = await raw('/_local/calls', '', {}, 'GET')
    expect(JSON.parse(all.body).calls).toHaveLength(1)
    aurora.calls.clear()
    expect(aurora.calls.all).toEqual([])
  })
})
