import fc from 'fast-check'
import { type Client, types } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import { Session } from '../../lambda/session/session.ts'
import { Statement } from '../../lambda/sql/statement.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'

let aurora: LocalAurora
let session: Session
let client: Client

beforeAll(async () => {
  aurora = await testAurora()
  const database = await newDatabase(aurora)
  Object.assign(process.env, aurora.environment(database))
  const { clusterArn, secretArn } = aurora
  client = await connect(aurora, database)
  await client.query(`create extension hstore; create extension citext; create extension ltree;
    create type mood as enum ('sad', 'so "so"', 'ok'); create type pair as (a integer, b text);
    create domain short as varchar(5) check (value <> ''); create domain shorter as short;
    create domain counts as integer[]; create type span as range (subtype = float8);
    create schema s; grant usage on schema s to public; create type s.json as enum ('a'); create type s.constructor as enum ('b')`)
  // The role of the session, which may see what that may.
  await client.query(
    `do $$ begin execute format('set role %I', (select pg_get_userbyid(datdba) from pg_database where datname = current_database())); end $$`,
  )
  session = new Session(new RdsDataApi({ clusterArn, secretArn, database }))
})
afterAll(() => aurora.stop())
beforeEach(async () => {
  await session.begin()
  return () => session.rollback()
})

/** Node-postgres, with the differences that `decodeRows` names. */
const PARSERS = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    // date, timestamp, and arrays of them.
    if ([1082, 1114].includes(oid)) return String
    if ([1182, 1115].includes(oid)) return types.getTypeParser(1009 as number, 'text')
    return types.getTypeParser(oid, format)
  },
}

async function compare(sql: string): Promise<void> {
  const { rows } = await client.query({ text: sql, types: PARSERS as never })
  expect(await session.query(new Statement(sql))).toEqual(rows)
}

const VALUES: readonly string[] = [
  ...[
    'true',
    'false',
    '1::int2',
    '(-2147483648)::int4',
    '9223372036854775807::int8',
    '4294967295::oid',
  ],
  ...["'NaN'::float4", '0.1::float4', '1e-45::float4', '3.4e38::float4', '16777217::float4'],
  ...["'-Infinity'::float8", '0.1::float8 + 0.2::float8', '5e-324::float8', "'-0'::float8"],
  ...[
    '1.50::numeric',
    '12345678901234567890.123456789::numeric',
    "'NaN'::numeric",
    "'Infinity'::numeric",
  ],
  ...[
    "''::text",
    "E'a\\tb\\r\\n\"c\\\\ (,)'::text",
    "'é€😀'::text",
    "'abc'::char(5)",
    "'abc'::varchar",
    "'abc'::name",
  ],
  ...[
    '\'r\'::"char"',
    '\'\'::"char"',
    "'pg_class'::regclass",
    "'now()'::regprocedure",
    "'integer'::regtype",
  ],
  ...[
    "'\\x00ff5c22'::bytea",
    "''::bytea",
    "'1.50'::money",
    '\'<a b="1"/>\'::xml',
    "b'101'",
    "b'101'::varbit",
  ],
  ...[
    "'2024-02-29'::date",
    "'0044-03-15 BC'::date",
    "'infinity'::date",
    "'10:00:00.5'::time",
    "'10:00+01'::timetz",
  ],
  ...[
    "'2024-02-29 10:00:00.123456'::timestamp",
    "'-infinity'::timestamp",
    "'0044-03-15 BC'::timestamp",
  ],
  ...[
    "'2024-02-29 10:00:00.123456+05:30'::timestamptz",
    "'infinity'::timestamptz",
    "'10000-01-01 00:00+00'::timestamptz",
  ],
  ...[
    '\'{"b": 1, "a": [1.0, null, "x\\"y"]}\'::json',
    '\'{"b": 1, "a": []}\'::jsonb',
    "'null'::json",
    '\'"x"\'::jsonb',
  ],
  ...[
    "'$.a[*]'::jsonpath",
    "'10.0.0.1'::inet",
    "'10.0.0.0/8'::cidr",
    "'08:00:2b:01:02:03'::macaddr",
  ],
  ...[
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
    "'[1,5)'::int4range",
    '\'["2024-01-01 00:00:00",)\'::tsrange',
  ],
  ...["'{[1,3),[5,7)}'::int4multirange", "'empty'::daterange", "'(1.5,2]'::span"],
  ...["'(1,1),(0,0)'::box", "'{1,2,3}'::line", "'((0,0),(1,1))'::path", "'((0,0),(1,1))'::polygon"],
  ...[
    "'a:1 b:2'::tsvector",
    "'a & b'::tsquery",
    "'1 2'::int2vector",
    "'1 2'::oidvector",
    "'0/16'::pg_lsn",
    "'7'::xid8",
  ],
  ...[
    "row(1, 'a b', null)",
    "row(1, 'q\"')::pair",
    '\'so "so"\'::mood',
    "'abc'::shorter",
    "'{1,2}'::counts",
  ],
  ...[
    '\'a=>"1", b=>NULL\'::hstore',
    "'MiXed'::citext",
    "'Top.a'::ltree",
    "'a'::s.json",
    "'b'::s.constructor",
  ],
  ...['null::integer', 'null::interval[] is null', "pg_notify('a', 'b')", 'null', "'x'"],
  ...[
    "'{t,f,NULL}'::bool[]",
    "'{1,2}'::int2[]",
    "'{{1,2},{3,NULL}}'::int4[]",
    "'[0:1]={1,2}'::int4[]",
    "'{}'::int4[]",
  ],
  ...[
    "'{9223372036854775807}'::int8[]",
    "'{1,2}'::oid[]",
    "'{0.1,NaN}'::float4[]",
    "'{0.1,Infinity}'::float8[]",
    "'{1.50,2}'::numeric[]",
  ],
  ...[
    `array['', 'NULL', null, '{}', '"', '\\', 'a,b', ' ']`,
    "'{a}'::char(2)[]",
    "'{a}'::varchar[]",
  ],
  ...[
    "array['\\x00ff'::bytea]",
    'array[\'{"a": 1}\'::json, null]',
    "array['[1]'::jsonb]",
    "'{1.50}'::money[]",
  ],
  ...[
    "'{2024-02-29}'::date[]",
    "'{10:00}'::time[]",
    "'{10:00+01}'::timetz[]",
    "'{2024-02-29 10:00}'::timestamp[]",
    "'{2024-02-29 10:00+01}'::timestamptz[]",
  ],
  ...[
    "'{10.0.0.1}'::inet[]",
    "'{10.0.0.0/8}'::cidr[]",
    "'{08:00:2b:01:02:03}'::macaddr[]",
    "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid[]",
    '\'{"[1,2)"}\'::numrange[]',
    "'{(1,1),(0,0);(2,2),(1,1)}'::box[]",
  ],
]

describe('a value', () => {
  test.each(VALUES)('is what node-postgres gives: %s', (value) =>
    compare(`select ${value} as value from generate_series(1, 2)`),
  )

  test.each([
    ["'{a,NULL}'::name[]", ['a', null]],
    ["array['sad', 'so \"so\"']::mood[]", ['sad', 'so "so"']],
    [`array[row(1, 'a"')::pair]`, ['(1,"a""")']],
    ["array['abc']::shorter[]", ['abc']],
    ["array['{1}'::counts]", ['{1}']],
    [`array['<a b="1"/>'::xml]`, ['<a b="1"/>']],
    ['\'{a}\'::"char"[]', ['a']],
    ["'{pg_class}'::regclass[]", ['pg_class']],
  ])('is an array where node-postgres knows no arrays of the type: %s', async (value, expected) => {
    expect(await session.query(new Statement(`select ${value} as value`))).toEqual([
      { value: expected },
    ])
  })

  test.each([
    ["interval '1 day'", 'interval', ''],
    ["array[interval '1 day']", 'interval', '[]'],
    ["'(1,2)'::point", 'point', ''],
    ["'<(1,2),3>'::circle[]", 'circle', '[]'],
  ])('is refused where node-postgres has an object of its own: %s', async (value, type, array) => {
    await session.execute(new Statement('savepoint s'))
    const sql = value.replace("'<(1,2),3>'::circle[]", "array['<(1,2),3>'::circle]")
    for (const end of ['', ' where false']) {
      await expect(
        session.query(new Statement(`select 1 as a, ${sql} as "it's"${end}`)),
      ).rejects.toThrow(
        `the column "it's" is of type ${type}${array}, for which JavaScript has no value: select it as text, with ::text${array}`,
      )
      await session.execute(new Statement('rollback to savepoint s'))
    }
    await compare(`select (${sql})::text${array} as value`)
  })

  test.each([
    'pg_type',
    'pg_class',
    'pg_attribute',
    'pg_proc',
    'pg_constraint',
    'pg_index',
    'pg_stats',
    'pg_roles',
    'pg_operator',
    'information_schema.columns',
  ])('of %s is what node-postgres gives', async (catalog) => {
    const sql = `select * from ${catalog} limit 50`
    const { rows } = await client.query({ text: sql, types: PARSERS as never })
    const names = /^\{(?!\{)(?:[^"\\]*)\}$/s
    // Arrays of a type whose arrays node-postgres does not know.
    const asArrays = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row as object).map(([name, value]) => [
          name,
          typeof value === 'string' && names.test(value) && ARRAYS.has(name)
            ? value.slice(1, -1).split(',')
            : value,
        ]),
      ),
    )
    expect(await session.query(new Statement(sql))).toEqual(asArrays)
  })
})

const ARRAYS = new Set(['proargmodes', 'relacl', 'proacl', 'typacl', 'attacl'])

/** The parts that a result is read in begin and end at multiples of these. */
const LIMITS = [660_000, 900_000, 2 * 660_000, 3 * 660_000]

const COLUMNS: readonly string[] = [
  'i',
  'i::int8 * 1000000007',
  'null::text',
  "''",
  'i % 3 = 0',
  "timestamptz '2024-01-01 00:00+00' + i * interval '1 s'",
  'array[i, null, -i]',
  `array[i::text, 'a,b', null, '"\\']`,
  "json_build_object('n', i, 's', 'é\"\\')",
  "decode(md5(i::text), 'hex')",
  '(i / 7.0)::numeric(10, 5)',
  "row(i, 'a b')",
]

describe('a result around a limit', () => {
  test('is what node-postgres gives', async () => {
    const character = fc.constantFrom('x', 'é', '€', '😀', '"', '\\', ',', '(', '\n', 'a€"')
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...LIMITS),
        fc.integer({ min: -40, max: 40 }),
        fc.constantFrom(1, 2, 7, 400, 5_000),
        character,
        fc.subarray([...COLUMNS], { minLength: 0, maxLength: 5 }),
        async (limit, more, rows, letter, columns) => {
          const others = columns.map((column, n) => `${column} as c${n}`)
          const bytes = Buffer.byteLength(letter)
          const list = (width: string) => [...others, `${width} as filler`].join(', ')
          const size = await client.query<{ bytes: number }>(
            `select coalesce(sum(octet_length(r::text)), 0)::int as bytes from (select ${list("''")} from generate_series(1, ${rows}) i) r`,
          )
          const room = Math.max(0, limit + more - (size.rows[0]?.bytes ?? 0))
          const each = Math.floor(room / rows / bytes)
          const last = Math.floor((room - each * bytes * (rows - 1)) / bytes)
          await compare(
            `select ${list(`repeat('${letter.replace('\n', "' || chr(10) || '")}', case i when ${rows} then ${last} else ${each} end)`)} from generate_series(1, ${rows}) i`,
          )
        },
      ),
      { numRuns: 40 },
    )
  }, 120_000)
})
