import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, long, refusal, string } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  caller = new Caller(aurora, await newDatabase(aurora))
  await caller.execute(`create table t (
    i int4, l int8, n numeric, b bool, t text, d date, ts timestamp, u uuid, j jsonb, a int[], y bytea
  )`)
})

afterAll(() => aurora.stop())

const typeOf = (parameter: SqlParameter) =>
  caller.value(`select pg_typeof(:${parameter.name})::text`, { parameters: [parameter] })

describe('values are bound with the types the service declares', () => {
  test.each<[string, SqlParameter]>([
    ['text', string('v', 'x')],
    ['bigint', long('v', 1)],
    ['double precision', { name: 'v', value: { doubleValue: 1.5 } }],
    ['boolean', { name: 'v', value: { booleanValue: true } }],
    ['bytea', { name: 'v', value: { blobValue: new Uint8Array([1, 2]) } }],
    ['date', string('v', '2026-02-28', 'DATE')],
    ['time without time zone', string('v', '23:59:59.5', 'TIME')],
    ['timestamp without time zone', string('v', '2026-02-28 23:59:59.123456', 'TIMESTAMP')],
    ['numeric', string('v', '-1.50', 'DECIMAL')],
    ['uuid', string('v', '0195a7d0-0000-7000-8000-00000000000f', 'UUID')],
    ['jsonb', string('v', '{"a": 1}', 'JSON')],
  ])('%s', async (type, parameter) => {
    expect(await typeOf(parameter)).toEqual({ stringValue: type })
  })
})

describe('a string without a cast fails for everything but text, as it does in AWS', () => {
  test.each([
    ['u', 'uuid', '0195a7d0-0000-7000-8000-00000000000f'],
    ['j', 'jsonb', '{}'],
    ['d', 'date', '2026-01-01'],
    ['ts', 'timestamp without time zone', '2026-01-01 00:00:00'],
    ['i', 'integer', '1'],
    ['a', 'integer[]', '{1}'],
  ])('%s %s', async (column, type, value) => {
    const insert = caller.execute(`insert into t (${column}) values (:v)`, {
      parameters: [string('v', value)],
    })
    expect(await refusal(insert)).toMatchObject({
      name: 'DatabaseErrorException',
      status: 400,
      message:
        `ERROR: column "${column}" is of type ${type} but expression is of type text; ` +
        `Hint: You will need to rewrite or cast the expression.; Position: ${26 + column.length}; SQLState: 42804`,
    })
  })
})

test('a string compares with text only: uuid = text has no operator', async () => {
  const select = caller.execute('select 1 from t where u = :u', {
    parameters: [string('u', '0195a7d0-0000-7000-8000-00000000000f')],
  })
  expect((await refusal(select)).message).toMatch(
    /^ERROR: operator does not exist: uuid = text; Hint: .*; Position: 25; SQLState: 42883$/,
  )
})

test('a long is bigint, so functions of integer do not take it', async () => {
  const { message } = await refusal(
    caller.execute('select left(:t, :n)', { parameters: [string('t', 'abc'), long('n', 1)] }),
  )
  expect(message).toMatch(
    /^ERROR: function left\(text, bigint\) does not exist; .*SQLState: 42883$/,
  )
})

test('null is untyped and fits every column', async () => {
  const names = ['i', 'l', 'n', 'b', 't', 'd', 'ts', 'u', 'j', 'a', 'y']
  const { numberOfRecordsUpdated } = await caller.execute(
    `insert into t (${names.join()}) values (${names.map((name) => `:${name}`).join()})`,
    { parameters: names.map((name) => ({ name, value: { isNull: true } })) },
  )
  expect(numberOfRecordsUpdated).toBe(1)
})

test('a 64-bit integer arrives with all its digits', async () => {
  for (const value of [9007199254740993n, -9223372036854775808n, 9223372036854775807n]) {
    const parameters = [long('v', value)]
    expect(await caller.value('select :v::text', { parameters })).toEqual({
      stringValue: String(value),
    })
  }
})

test('an integer beyond 64 bits is refused', async () => {
  const call = caller.execute('select :v', { parameters: [long('v', 9223372036854775808n)] })
  expect(await refusal(call)).toMatchObject({ name: 'ValidationException', status: 400 })
})

test('doubles keep NaN and the infinities both ways', async () => {
  for (const doubleValue of [Number.NaN, Infinity, -Infinity, 1e-7, -0.1]) {
    const parameters = [{ name: 'v', value: { doubleValue } }]
    expect(await caller.value('select :v', { parameters })).toEqual({ doubleValue })
  }
})

test('bytes arrive as they were sent', async () => {
  const blobValue = Uint8Array.from({ length: 256 }, (_, index) => index)
  const parameters = [{ name: 'v', value: { blobValue } }]
  expect(await caller.value('select :v', { parameters })).toEqual({ blobValue })
})

test('array parameters are refused, with a type hint as well', async () => {
  const value = { arrayValue: { longValues: [1] } }
  for (const parameter of [
    { name: 'v', value },
    { name: 'v', value, typeHint: 'JSON' as const },
  ]) {
    expect(await refusal(caller.execute('select :v', { parameters: [parameter] }))).toMatchObject({
      name: 'ValidationException',
      message: 'Array parameters are not supported',
      status: 400,
    })
  }
})

describe('type hints check the format of their text', () => {
  test.each<[SqlParameter['typeHint'] & string, string]>([
    ['DATE', '2026-02-29'],
    ['DATE', '2026-1-01'],
    ['DATE', '2026-01-01T00:00:00Z'],
    ['TIME', '24:00:00'],
    ['TIME', '10:00'],
    ['TIME', '10:00:00.1234567'],
    ['TIMESTAMP', '2026-01-01T00:00:00'],
    ['TIMESTAMP', '2026-01-01 00:00:00Z'],
    ['TIMESTAMP', '2026-13-01 00:00:00'],
    ['DECIMAL', '1,5'],
    ['DECIMAL', ''],
    ['UUID', '0195a7d000007000800000000000000f'],
    ['JSON', '{a: 1}'],
  ])('%s refuses %j', async (hint, text) => {
    const call = caller.execute('select :v::text', { parameters: [string('v', text, hint)] })
    const { name, message } = await refusal(call)
    expect(name).toBe('ValidationException')
    expect(message).toContain(`"${text}"`)
  })
})

test('a type hint nobody knows, or on something that is no string, is refused', async () => {
  const unknown = [{ name: 'v', value: { stringValue: 'x' }, typeHint: 'INET' as 'UUID' }]
  expect((await refusal(caller.execute('select :v', { parameters: unknown }))).message).toContain(
    'use one of DATE, TIME, TIMESTAMP, DECIMAL, UUID, JSON',
  )
  const number = [{ ...long('v', 1), typeHint: 'DECIMAL' as const }]
  expect((await refusal(caller.execute('select :v', { parameters: number }))).name).toBe(
    'ValidationException',
  )
})

test('a parameter that is missing or left over is refused before anything runs', async () => {
  const missing = caller.execute('insert into t (t) values (:t), (:other)', {
    parameters: [string('t', 'never')],
  })
  expect(await refusal(missing)).toMatchObject({
    name: 'ValidationException',
    message: 'Parameter other is in the SQL statement and was not sent',
  })
  const unknown = caller.execute("insert into t (t) values ('never')", {
    parameters: [string('t', 'x')],
  })
  expect(await refusal(unknown)).toMatchObject({
    name: 'ValidationException',
    message: 'Parameter t was sent and is not in the SQL statement',
  })
  const twice = caller.execute('select :t', { parameters: [string('t', 'x'), string('t', 'y')] })
  expect((await refusal(twice)).message).toBe('Parameter t is given twice')
  expect(await caller.value("select count(*) from t where t = 'never'")).toEqual({ longValue: 0 })
})

test('a value with no member or with two is refused', async () => {
  for (const value of [{}, { stringValue: 'x', longValue: 1 }]) {
    const parameters = [{ name: 'v', value: value as never }]
    // The SDK sends the first member of a union only, so the request is written by hand.
    const response = await fetch(`${aurora.endpoint}/Execute`, {
      method: 'POST',
      headers: { authorization: 'AWS4-HMAC-SHA256 any' },
      body: JSON.stringify({ ...caller.base, sql: 'select :v', parameters }),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      message: expect.stringContaining('needs exactly one value member'),
    })
  }
})

test('a NUL character in a string is a database error, in the SQL a refusal', async () => {
  const parameters = [string('v', 'a\0b')]
  expect((await refusal(caller.execute('select :v', { parameters }))).message).toMatch(
    /SQLState: 22021$/,
  )
  expect((await refusal(caller.execute("select 'a\0b'"))).name).toBe('ValidationException')
})
