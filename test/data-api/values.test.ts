import { ExecuteStatementCommand, type Field, RDSDataClient } from '@aws-sdk/client-rds-data'
import fc from 'fast-check'
import { type Client, types } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { decodeRows, RESULT_OPTIONS, type Row } from '../../lambda/data-api/values.ts'
import { CommandError } from '../../lambda/errors.ts'
import { literal, pgArray } from '../../lambda/sql/literals.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'

let aurora: LocalAurora
let database: string
let client: RDSDataClient
let direct: Client

beforeAll(async () => {
  aurora = await testAurora()
  database = await newDatabase(aurora)
  client = new RDSDataClient({
    endpoint: aurora.endpoint,
    region: aurora.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  direct = await connect(aurora, database)
  await direct.query("create type mood as enum ('ok', 'so so')")
})

afterAll(async () => {
  client.destroy()
  await direct.end()
  await aurora.stop()
})

async function throughDataApi(sql: string): Promise<Row[]> {
  const command = new ExecuteStatementCommand({
    resourceArn: aurora.clusterArn,
    secretArn: aurora.secretArn,
    database,
    sql,
    includeResultMetadata: true,
    resultSetOptions: RESULT_OPTIONS,
  })
  return decodeRows(await client.send(command))
}

/** The types that stay text: date, timestamp, time and their arrays. */
const TEXT_TYPES = new Set([1082, 1114, 1083])
const TEXT_ARRAYS = new Set([1182, 1115, 1183])

async function throughPg(sql: string): Promise<Row[]> {
  const getTypeParser = (oid: number, format?: 'text' | 'binary') => {
    if (TEXT_TYPES.has(oid)) return String
    return types.getTypeParser(TEXT_ARRAYS.has(oid) ? 1009 : oid, format as 'text')
  }
  const { rows } = await direct.query<Row>({ text: sql, types: { getTypeParser } as never })
  return rows
}

const VALUES: Record<string, readonly string[]> = {
  int2: ['0', '-32768', '32767'],
  int4: ['0', '-2147483648', '2147483647'],
  int8: ['0', '-9223372036854775808', '9223372036854775807', '9007199254740993'],
  numeric: ['0', '0.00', '-1.50', '12345678901234567890.123456789', '1e-20', 'NaN', 'Infinity'],
  'numeric(10, 4)': ['1', '-0.0001', '123456.789'],
  float4: ['0', '-0', '0.1', '1e-45', '3.4028235e38', '16777216', '1.00000012', 'NaN', '-Infinity'],
  float8: ['0', '-0', '0.1', '5e-324', '1.7976931348623157e308', '1e21', 'NaN', 'Infinity'],
  bool: ['t', 'f'],
  text: ['', ' ', 'NULL', '{a,b}', 'two\nlines', 'é 😀', `"it's"\\`, 'a:b'],
  varchar: ['', 'x'],
  'char(4)': ['a', 'abcd'],
  name: ['pg_class'],
  uuid: ['5a9b2fd5-6c0c-4c5c-9b3c-3d9b6f3a2a11'],
  date: ['2024-02-29', '0001-01-01', '10000-01-01', '0044-03-15 BC', '0001-12-31 BC'],
  time: ['00:00', '12:34:56.7', '12:34:56.123456', '23:59:59.100', '10:20:30'],
  timestamp: [
    ...['2024-02-29 12:34:56', '2024-02-29 12:34:56.7', '2024-02-29 12:34:56.123456'],
    ...['1900-01-01 00:00:00.000001', '10000-01-01 10:00:00', '0044-03-15 12:00:00.12 BC'],
  ],
  json: ['{"b": 1, "a": [null, "x", 1.50]}', 'null', '"a"', '9007199254740992', '[]'],
}
const ONLY_SINGLE: Record<string, readonly string[]> = {
  timestamptz: [
    ...['2024-02-29 12:34:56+02', '2024-02-29 12:34:56.789Z', '2024-02-29 12:34:56.123999Z'],
    ...['1969-12-31 23:59:59.999999Z', '0044-03-15 12:00 BC', '10000-01-01', '0050-01-01'],
  ],
  jsonb: ['{"b": 1, "a": [null, "x", 1.50]}', 'null', '1.5e300', '{"__proto__": 1}'],
  bytea: ['', '\\x00ff', '\\xdeadbeef', 'text'],
  inet: ['10.0.0.1', '10.0.0.1/8', '::1'],
  cidr: ['10.0.0.0/8'],
  mood: ['ok', 'so so'],
  int4range: ['[1,5)'],
  numrange: ['[1.5,)'],
}

const listOf = (type: string, values: readonly string[]) =>
  `select v from (values (0, null::${type}), ${values
    .map((value, index) => `(${index + 1},${literal(value)}::${type})`)
    .join(', ')}) as list (i, v) order by i`

describe('decodeRows', () => {
  test.each(Object.entries({ ...VALUES, ...ONLY_SINGLE }))(
    'gives for %s what node-postgres gives',
    async (type, values) => {
      const sql = listOf(type, values)
      expect(await throughDataApi(sql)).toEqual(await throughPg(sql))
    },
  )

  test.each(Object.entries(VALUES).filter(([type]) => !/^(name|numeric)/.test(type)))(
    'gives for %s[] what node-postgres gives',
    async (type, values) => {
      const array = `select${literal([null, ...values])}::${type}[] as v union all select '{}' union all select null`
      expect(await throughDataApi(array)).toEqual(await throughPg(array))
    },
  )

  it('gives for any numbers what node-postgres gives', async () => {
    const sample = <T>(arbitrary: fc.Arbitrary<T>) => literal(pgArray(fc.sample(arbitrary, 3_000)))
    const sql = `select ${[
      `unnest(${sample(fc.float())}::float4[]) as float4`,
      `unnest(${sample(fc.double())}::float8[]) as float8`,
      `unnest(${sample(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))}::int8[]) as int8`,
    ].join(', ')}`
    // Longer than a statement may be, so that it has to be a view.
    await direct.query(`create view many as ${sql}`)
    await direct.query('grant select on many to public')
    expect(await throughDataApi('select * from many')).toEqual(
      await throughPg('select * from many'),
    )
  })

  it('gives a float4 that came widened to a double with as few digits as node-postgres', async () => {
    const floats = fc.sample(
      fc.oneof(fc.float({ min: -0, noNaN: true }), fc.integer().map(Math.fround)),
      20_000,
    )
    const records = floats.map((float) => [{ doubleValue: float }])
    const rows = decodeRows({ records, columnMetadata: [{ name: 'v', typeName: 'float4' }] })
    const expected = await throughPg(`select unnest(${literal(floats)}::float4[]) as v`)
    expect(rows.map(({ v }) => Math.fround(v as number))).toEqual(floats)
    expect(rows.map(({ v }) => String(v).length)).toEqual(expected.map(({ v }) => String(v).length))
  })

  test.each([
    ['9007199254740993', '9007199254740993'],
    ['{"a": [{"b": -9223372036854775807}]}', '-9223372036854775807'],
    ['[12345678901234567890.5]', '1.2345678901234567e19'],
    ['{"id": 123456789012345678901234567890}', '1.2345678901234568e29'],
  ])(
    'refuses the JSON %s, of which a JavaScript number would lose digits',
    async (value, shown) => {
      for (const type of ['json', 'jsonb']) {
        await expect(throughDataApi(`select '${value}'::${type} as "v"`)).rejects.toThrow(
          `the column "v" holds the JSON number ${shown}, which has more digits than a JavaScript number: select it as text, with ::text (an array with ::text[])`,
        )
        const [row] = await throughDataApi(`select ('${value}'::${type})::text as "v"`)
        expect(JSON.stringify(row)).toContain(value.replace(/"/g, '\\"'))
      }
      await expect(throughDataApi(`select array['${value}'::json] as "v"`)).rejects.toThrow(
        `the column "v" holds the JSON number ${shown}`,
      )
    },
  )

  it('gives the numbers of a numeric[] as node-postgres does, and refuses those that would lose digits', async () => {
    const sql = "select '{1.50,0.00,-100,0.1,12345.6789,NaN,Infinity,null}'::numeric[] as v"
    expect(await throughDataApi(sql)).toEqual(await throughPg(sql))
    for (const value of ['12345678901234567890', '0.1234567890123456789', `1${'0'.repeat(400)}1`]) {
      await expect(throughDataApi(`select '{${value}}'::numeric[] as "v"`)).rejects.toThrow(
        `the column "v" holds the numeric ${value}, which has more digits than a JavaScript number: select it as text, with ::text (an array with ::text[])`,
      )
    }
  })

  it('gives arrays that node-postgres does not know as arrays', async () => {
    expect(await throughDataApi("select '{a,null}'::name[] as v")).toEqual([{ v: ['a', null] }])
    expect(await throughDataApi('select \'{ok,"so so",null}\'::mood[]::text[] as v')).toEqual([
      { v: ['ok', 'so so', null] },
    ])
  })

  it('gives the values of a domain as those of its base type', async () => {
    await direct.query('create domain percentage as int4; grant usage on type percentage to public')
    expect(await throughDataApi('select 5::percentage as v')).toEqual([{ v: 5 }])
  })

  it('keeps every row of a result, and takes the last of two columns of the same name', async () => {
    const sql = 'select i as a, i + 1 as a, null as b from generate_series(1, 3) i'
    expect(await throughDataApi(sql)).toEqual(await throughPg(sql))
    expect(await throughDataApi('select 1 as a where false')).toEqual([])
  })

  it('takes no column name for the prototype of a row', async () => {
    const [row] = await throughDataApi('select 1 as "__proto__"')
    expect(Object.keys(row ?? {})).toEqual(['__proto__'])
  })

  const decode = (typeName: string, field: unknown) =>
    decodeRows({
      records: [[field as Field]],
      columnMetadata: [{ name: 'v', typeName }],
    })[0]?.v

  test.each<[string, unknown, unknown]>([
    ['int8', { longValue: 5 }, '5'],
    ['int8', { stringValue: '9007199254740993' }, '9007199254740993'],
    ['int4', { longValue: 5 }, 5],
    ['INT4', { stringValue: '5' }, 5],
    ['_int8', { arrayValue: { longValues: [1, null] } }, ['1', null]],
    [
      '_int4',
      { arrayValue: { arrayValues: [{ longValues: [1] }, { longValues: [2] }] } },
      [[1], [2]],
    ],
    ['_mood', { arrayValue: { stringValues: ['ok', null] } }, ['ok', null]],
    [
      '_timestamptz',
      { arrayValue: { stringValues: ['2024-01-01 00:00:00'] } },
      [new Date(Date.UTC(2024, 0, 1))],
    ],
    ['_bytea', { arrayValue: { stringValues: ['\\x00ff'] } }, [Buffer.from([0, 255])]],
    ['_jsonb', { arrayValue: { stringValues: ['{"a":1}'] } }, [{ a: 1 }]],
    ['float4', { doubleValue: Math.fround(0.1) }, 0.1],
    ['float4', { doubleValue: 0.1 }, 0.1],
    ['float4', { doubleValue: 122407056 }, 122407056],
    ['numeric', { longValue: 5 }, '5'],
    ['timestamptz', { stringValue: 'infinity' }, Number.POSITIVE_INFINITY],
    [
      'timestamptz',
      { stringValue: '2024-01-01T00:00:00.5Z' },
      new Date(Date.UTC(2024, 0, 1, 0, 0, 0, 500)),
    ],
    ['timestamptz', { stringValue: '0044-03-15 12:00:00 BC' }, new Date('-000043-03-15T12:00:00Z')],
    ['vector', { stringValue: '[1,2]' }, '[1,2]'],
    ['', { stringValue: 'a' }, 'a'],
    ['unknown', { longValue: 5 }, 5],
    ['unknown', { blobValue: new Uint8Array([1]) }, Buffer.from([1])],
    ['unknown', { booleanValue: false }, false],
    ['int4', { isNull: true }, null],
  ])('reads a %s sent as %o as %o', (typeName, field, expected) => {
    expect(decode(typeName, field)).toEqual(expected)
  })

  test.each<[string, unknown, string]>([
    [
      'int8',
      { longValue: 2 ** 53 },
      'the column "v" holds an int8 near 9007199254740992, which lost digits on its way: select it as text, with ::text',
    ],
    ['_int8', { arrayValue: { longValues: [1, -(2 ** 60)] } }, 'an array with ::text[]'],
    [
      'timestamptz',
      { stringValue: 'tomorrow' },
      'holds the timestamptz tomorrow, which is no JavaScript Date',
    ],
    ['timestamptz', { stringValue: '294276-12-31 00:00:00' }, 'which is no JavaScript Date'],
  ])('refuses a %s sent as %o', (typeName, field, message) => {
    expect(() => decode(typeName, field)).toThrow(CommandError)
    expect(() => decode(typeName, field)).toThrow(message)
  })

  it('reads a timestamptz as UTC, whatever the time zone of the machine is', () => {
    vi.stubEnv('TZ', 'Asia/Kolkata')
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(new Date(0).getHours()).toBe(5)
    const expected = new Date('2024-02-29T23:34:56Z')
    expect(decode('timestamptz', { stringValue: '2024-02-29 23:34:56' })).toEqual(expected)
  })

  it('asks for the column names when they are missing', () => {
    expect(() => decodeRows({ records: [[{ isNull: true }]] })).toThrow(
      'send includeResultMetadata',
    )
    expect(decodeRows({})).toEqual([])
  })
})
