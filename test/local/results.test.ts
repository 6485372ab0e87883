import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  const database = await newDatabase(aurora)
  caller = new Caller(aurora, database)
  const superuser = await connect(aurora, database)
  await superuser.query('create extension citext')
  await superuser.end()
  await caller.execute("create type mood as enum ('sad', 'it''s ok')")
  await caller.execute('create domain positive as int check (value > 0)')
})

afterAll(() => aurora.stop())

const internalFailure = {
  name: 'InternalFailure',
  message: 'UnknownError',
  status: 500,
}

describe('values', () => {
  test.each<[string, object]>([
    ['true', { booleanValue: true }],
    ['false', { booleanValue: false }],
    ['7::int2', { longValue: 7 }],
    ['-7', { longValue: -7 }],
    ['7::int8', { longValue: 7 }],
    ['7::positive', { longValue: 7 }],
    ['1.1::float4', { doubleValue: 1.1 }],
    ['0.1::float8 + 0.2::float8', { doubleValue: 0.30000000000000004 }],
    ['1e300::float8', { doubleValue: 1e300 }],
    ["'-infinity'::float8", { doubleValue: -Infinity }],
    ['123456.7890', { stringValue: '123456.7890' }],
    ["'NaN'::numeric", { stringValue: 'NaN' }],
    ['1e30::numeric', { stringValue: `1${'0'.repeat(30)}` }],
    ["'a\\b\"é😀'", { stringValue: 'a\\b"é😀' }],
    ["''", { stringValue: '' }],
    ["'a'::char(3)", { stringValue: 'a  ' }],
    ["'a'::name", { stringValue: 'a' }],
    ["'a'::citext", { stringValue: 'a' }],
    ["'it''s ok'::mood", { stringValue: "it's ok" }],
    ["'10.0.0.1/8'::inet", { stringValue: '10.0.0.1/8' }],
    ["'10.0.0.0/8'::cidr", { stringValue: '10.0.0.0/8' }],
    [
      "'0195A7D0-0000-7000-8000-00000000000F'::uuid",
      { stringValue: '0195a7d0-0000-7000-8000-00000000000f' },
    ],
    ['int4range(1, 5)', { stringValue: '[1,5)' }],
    ["'[1.5,)'::numrange", { stringValue: '[1.5,)' }],
    ["'\\x00ff10'::bytea", { blobValue: new Uint8Array([0, 255, 16]) }],
    ["''::bytea", { blobValue: new Uint8Array() }],
    ["date '2026-11-22'", { stringValue: '2026-11-22' }],
    ["date '0044-03-15 BC'", { stringValue: '-0043-03-15' }],
    ["date '12026-01-01'", { stringValue: '+12026-01-01' }],
    ['null', { isNull: true }],
    ['null::int', { isNull: true }],
  ])('%s', async (sql, field) => {
    expect(await caller.value(`select ${sql}`)).toEqual(field)
  })

  test('a 64-bit integer leaves the server with exact digits', async () => {
    const response = await fetch(`${aurora.endpoint}/Execute`, {
      method: 'POST',
      headers: { authorization: 'AWS4-HMAC-SHA256 any' },
      body: JSON.stringify({
        ...caller.base,
        sql: 'select 9007199254740993, array[-9223372036854775808]',
      }),
    })
    expect(await response.text()).toContain(
      '"records":[[{"longValue":9007199254740993},{"arrayValue":{"longValues":[-9223372036854775808]}}]]',
    )
  })

  test('bytea in escape format reads the same', async () => {
    const transactionId = await caller.begin()
    await caller.execute("set local bytea_output = 'escape'", { transactionId })
    expect(await caller.value("select '\\x005c41ff'::bytea", { transactionId })).toEqual({
      blobValue: new Uint8Array([0, 92, 65, 255]),
    })
    await caller.rollback(transactionId)
  })

  test('half a mebibyte of bytes comes back', async () => {
    const { blobValue } = await caller.value("select decode(repeat('ab', 500000), 'hex')")
    expect(blobValue?.length).toBe(500_000)
  })
})

describe('fractions of a second have 0, 3 or 6 digits', () => {
  test.each([
    ['00', ''],
    ['00.5', '.500'],
    ['00.123', '.123'],
    ['00.1234', '.123400'],
    ['00.000001', '.000001'],
  ])('%s seconds', async (seconds, fraction) => {
    const { records } = await caller.execute(
      `select time '10:20:${seconds}', timestamp '2026-01-02 10:20:${seconds}', timestamptz '2026-01-02 10:20:${seconds}+01'`,
    )
    expect(records).toEqual([
      [
        { stringValue: `10:20:00${fraction}` },
        { stringValue: `2026-01-02 10:20:00${fraction}` },
        { stringValue: `2026-01-02 09:20:00${fraction}` },
      ],
    ])
  })
})

describe('dates and times do not depend on the style of the session', () => {
  const values = [
    "date '2024-02-29'",
    "date '0044-03-15 BC'",
    "timestamp '2024-02-29 23:34:56.5'",
    "timestamptz '2024-02-29 23:34:56.123456Z'",
    "timestamptz '0044-03-15 12:00:00Z BC'",
    "array[null, date '2024-02-03', date '2024-12-31']",
    "array[timestamp '2024-02-03 04:05:06']",
    "'{}'::date[]",
    'null::date',
  ].join(', ')

  test.each(['ISO, DMY', 'SQL, DMY', 'SQL, MDY', 'Postgres, DMY', 'Postgres, MDY', 'German'])(
    'such as %s, nor on its time zone',
    async (style) => {
      const { records } = await caller.execute(`select ${values}`)
      for (const zone of ['UTC', 'Asia/Kolkata', 'America/St_Johns', 'Etc/GMT-3']) {
        const transactionId = await caller.begin()
        await caller.execute(`set local datestyle = '${style}'`, { transactionId })
        await caller.execute(`set local timezone = '${zone}'`, { transactionId })
        const styled = await caller.execute(`select ${values}`, { transactionId })
        expect(styled.records, zone).toEqual(records)
        // The text that SQL itself makes is in the style of the session.
        const text = await caller.value("select date '2024-02-29'::text", { transactionId })
        expect(text.stringValue === '2024-02-29').toBe(style.startsWith('ISO'))
        await caller.rollback(transactionId)
      }
    },
  )

  test('and infinity is what it is in any', async () => {
    const transactionId = await caller.begin()
    await caller.execute("set local datestyle = 'German'", { transactionId })
    const call = caller.execute("select date 'infinity'", { transactionId })
    expect(await refusal(call)).toMatchObject(internalFailure)
    await caller.rollback(transactionId)
  })
})

describe('timestamptz', () => {
  test.each([
    ['Europe/Berlin', '2026-07-01 00:30:00.25+02', '2026-06-30 22:30:00.250'],
    ['Asia/Kolkata', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00'],
    ['America/St_Johns', '2026-12-31 23:59:59.999999+00', '2026-12-31 23:59:59.999999'],
    ['America/New_York', '1850-01-01 00:00:00+00', '1850-01-01 00:00:00'],
    ['Europe/Berlin', '0001-01-01 00:00:00+00', '0001-01-01 00:00:00'],
    ['Europe/Berlin', '9999-12-31 23:30:00+00', '9999-12-31 23:30:00'],
    ['America/New_York', '0044-03-15 12:00:00+00 BC', '-0043-03-15 12:00:00'],
    ['Europe/Berlin', '9999-12-31 23:30:00-03', '+10000-01-01 02:30:00'],
  ])('is UTC without a zone in a session of %s', async (zone, written, read) => {
    const transactionId = await caller.begin()
    await caller.execute(`set local timezone = '${zone}'`, { transactionId })
    expect(await caller.value(`select timestamptz '${written}'`, { transactionId })).toEqual({
      stringValue: read,
    })
    await caller.rollback(transactionId)
  })

  test.each([
    "timestamptz 'infinity'",
    "timestamptz '-infinity'",
    "timestamp 'infinity'",
    "date 'infinity'",
  ])('%s breaks the call down', async (sql) => {
    expect(await refusal(caller.execute(`select ${sql}`))).toMatchObject(internalFailure)
  })

  test('infinity is a breakdown without a message, which the SDK tries three times', async () => {
    const impatient = new Caller(aurora, caller.base.database, 3)
    aurora.calls.clear()
    await refusal(impatient.execute("select timestamptz 'infinity'"))
    expect(aurora.calls.all.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(new Set(aurora.calls.all.map(({ invocationId }) => invocationId)).size).toBe(1)
  })
})

describe('resultSetOptions', () => {
  test('long integers as strings', async () => {
    const { records } = await caller.execute('select 9007199254740993, 7::int2, array[1, 2]', {
      resultSetOptions: { longReturnType: 'STRING' },
    })
    expect(records).toEqual([
      [
        { stringValue: '9007199254740993' },
        { stringValue: '7' },
        { arrayValue: { stringValues: ['1', '2'] } },
      ],
    ])
  })

  test('decimals as numbers', async () => {
    const { records } = await caller.execute(
      "select 7::numeric, 1.50, 'NaN'::numeric, 1e20::numeric",
      {
        resultSetOptions: { decimalReturnType: 'DOUBLE_OR_LONG' },
      },
    )
    expect(records).toEqual([
      [{ longValue: 7 }, { doubleValue: 1.5 }, { doubleValue: Number.NaN }, { doubleValue: 1e20 }],
    ])
  })

  test('another word is refused', async () => {
    const call = caller.execute('select 1', {
      resultSetOptions: { longReturnType: 'INT' as 'LONG' },
    })
    expect(await refusal(call)).toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('enum value set: [LONG, STRING]'),
    })
  })
})

test('column metadata tells names, types, lengths and array elements', async () => {
  const { columnMetadata } = await caller.execute(
    `select 1 as a, 'x'::varchar(10) as "B c", 1.5::numeric(6,2) as n, array['a'] as list, 'sad'::mood as m`,
    { includeResultMetadata: true },
  )
  expect(columnMetadata).toMatchObject([
    { name: 'a', label: 'a', typeName: 'int4', type: 4, isSigned: true, nullable: 2 },
    { name: 'B c', label: 'B c', typeName: 'varchar', type: 12, precision: 10, isSigned: false },
    { typeName: 'numeric', type: 2, precision: 6, scale: 2 },
    { typeName: '_text', type: 2003, arrayBaseColumnType: 12 },
    { typeName: 'mood', type: 1111, isCaseSensitive: true, isCurrency: false },
  ])
})

describe('formatRecordsAs JSON', () => {
  test('answers one string of objects and neither records nor metadata', async () => {
    const answer = await caller.execute(
      `select 1 as id, 'é"' as "t x", null as n, 1.50 as d, true as b, '\\x01'::bytea as y, array[1, null] as l, '{"a": 1}'::jsonb as j`,
      { formatRecordsAs: 'JSON', includeResultMetadata: true },
    )
    expect(answer.records).toBeUndefined()
    expect(answer.columnMetadata).toBeUndefined()
    expect(JSON.parse(answer.formattedRecords ?? '')).toEqual([
      { id: 1, 't x': 'é"', n: null, d: '1.50', b: true, y: 'AQ==', l: [1, null], j: '{"a":1}' },
    ])
  })

  test('is ignored for a statement without rows', async () => {
    const answer = await caller.execute('create table formatted (a int)', {
      formatRecordsAs: 'JSON',
    })
    expect(answer.formattedRecords).toBeUndefined()
    expect(answer.generatedFields).toEqual([])
  })
})

test('an SDK client with default settings reads a result', async () => {
  const client = new RDSDataClient({
    region: aurora.region,
    endpoint: aurora.endpoint,
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  })
  const { records } = await client.send(
    new ExecuteStatementCommand({ ...caller.base, sql: 'select 1' }),
  )
  expect(records).toEqual([[{ longValue: 1 }]])
})
