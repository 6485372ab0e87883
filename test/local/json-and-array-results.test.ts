import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  caller = new Caller(aurora, await newDatabase(aurora))
})

afterAll(() => aurora.stop())

const internalFailure = {
  name: 'InternalFailure',
  message: 'UnknownError',
  status: 500,
}

describe('json is written anew, compact and in the manner of serde_json', () => {
  test.each([
    ['{"b": [1, {"y": null}], "a": "x"}', '{"a":"x","b":[1,{"y":null}]}'],
    ['{"10": 1, "9": 2, "é": 3, "z": 4}', '{"10":1,"9":2,"z":4,"é":3}'],
    ['[1.0, 1.50, -0.0, 0.00001, 0.000001]', '[1.0,1.5,-0.0,0.00001,1e-6]'],
    [
      '[1e2, 1.5e15, 1e16, 123456789012345680000]',
      '[100.0,1500000000000000.0,1e16,1.2345678901234568e20]',
    ],
    [
      '[9007199254740993, 18446744073709551615, -9223372036854775808]',
      '[9007199254740993,18446744073709551615,-9223372036854775808]',
    ],
    ['[18446744073709551616]', '[1.8446744073709552e19]'],
    ['"\\u0041\\u001f\\n/\\u00e9"', '"A\\u001f\\n/é"'],
    ['true', 'true'],
    ['{"__proto__": {"a": 1}}', '{"__proto__":{"a":1}}'],
  ])('%s', async (written, read) => {
    expect(await caller.value(`select '${written}'::json`)).toEqual({ stringValue: read })
  })

  test('jsonb as well', async () => {
    expect(await caller.value(`select '{"x": 0, "y": "0"}'::jsonb`)).toEqual({
      stringValue: '{"x":0,"y":"0"}',
    })
  })

  test.each([
    ['a number no double holds', "'1e400'::json"],
    ['a lone surrogate', `'"\\ud800"'::json`],
    ['128 levels', "(repeat('[', 128) || repeat(']', 128))::json"],
    ['very many levels', "(repeat('[', 5000) || repeat(']', 5000))::json"],
  ])('%s breaks the call down', async (_, sql) => {
    expect(await refusal(caller.execute(`select ${sql}`))).toMatchObject(internalFailure)
  })

  test('127 levels are read', async () => {
    const nested = '['.repeat(127) + ']'.repeat(127)
    expect(await caller.value(`select '${nested}'::json`)).toEqual({ stringValue: nested })
  })
})

describe('arrays', () => {
  test.each<[string, object]>([
    ['array[1, null, -3]', { longValues: [1, null, -3] }],
    ["'{}'::int8[]", { longValues: [] }],
    ["'{}'::bool[]", { booleanValues: [] }],
    ["'{}'::float4[]", { doubleValues: [] }],
    ["'{}'::text[]", { stringValues: [] }],
    ['array[null]::int[]', { longValues: [null] }],
    ['array[true, null]', { booleanValues: [true, null] }],
    ["array[1.5, 'NaN']::float8[]", { doubleValues: [1.5, Number.NaN] }],
    ['array[1.50, 2]::numeric[]', { stringValues: ['1.50', '2'] }],
    [
      `array['', 'NULL', null, 'a,b', '"', '{x}', 'back\\slash', ' é ', e'\\n']`,
      { stringValues: ['', 'NULL', null, 'a,b', '"', '{x}', 'back\\slash', ' é ', '\n'] },
    ],
    ["array[date '2026-01-01']", { stringValues: ['2026-01-01'] }],
    ["array[time '10:00:00.5']", { stringValues: ['10:00:00.500'] }],
    [
      "array[timestamp '2026-01-01 10:00:00.1234']",
      { stringValues: ['2026-01-01 10:00:00.123400'] },
    ],
    [
      "array['0195a7d0-0000-7000-8000-00000000000f'::uuid]",
      { stringValues: ['0195a7d0-0000-7000-8000-00000000000f'] },
    ],
    [`array['{"b": 1, "a": [1,2]}'::json]`, { stringValues: ['{"a":[1,2],"b":1}'] }],
    ["array[b'101']::bit(3)[]", { stringValues: ['101'] }],
    ["'[0:1]={5,6}'::int[]", { longValues: [5, 6] }],
  ])('%s', async (sql, arrayValue) => {
    expect(await caller.value(`select ${sql}`)).toEqual({ arrayValue })
  })
})
