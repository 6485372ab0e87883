import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { StatementError } from '../../../lambda/data-api/errors.ts'
import { type OpenOperations, operations } from '../operations-fixture.ts'

const open = operations()

const EXTENSIONS = ['citext', 'cube', 'hstore', 'intarray', 'isn', 'ltree', 'seg']
const SETUP = EXTENSIONS.map((name) => `create extension ${name}`)

const INTERVALS = [
  '5',
  '-7',
  '1.5',
  '3.4567',
  '1:02',
  '1 2:03',
  '1-2',
  '1 day 02:03:04.5',
  'P1Y2M3D',
]
const FIELDS = [
  ...['year', 'month', 'day', 'hour', 'minute', 'second', 'second(2)', 'year to month'],
  ...['day to hour', 'day to minute', 'day to second', 'day to second(1)', 'hour to minute'],
  ...['hour to second', 'minute to second', '(0)', '(3)'],
]
const DATES = ['2024-02-29', 'infinity', '0044-03-15 BC', 'Feb 29, 2024', 'epoch']
const TIMES = ['23:59:59.9999996', '12:34:56.55', '1:2', '24:00']
const MOMENTS = ['2024-02-29 12:34:56.55', '2024-12-31 23:59:59.9999996', '-infinity', '19990108']
const NUMBERS = ['0', '-1', '12.25', '12.35', '99.95', '1e2', ' 7 ', 'NaN', 'x', '']
const RANGES = ['empty', '(,)', '[1,5)', '[5,1]']
const TEXTS = ['', ' ', 'a', 'ab', 'ab   ', 'abc', 'é😀', 'NULL', "it's \\", '{}', '"a"']
const BITS = ['', '1', '101', '1010', 'b101', 'x5', 'X1F', '2']

/** The types of PostgreSQL and of its contrib modules that a column may have, with values, some of which are refused. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  aclitem: ['postgres=r/postgres', 'x'],
  bit: BITS,
  'bit(3)': BITS,
  'bit varying': BITS,
  'bit varying(3)': BITS,
  bool: ['t', 'yes', 'off', '1', 'x'],
  box: ['(1,2),(3,4)', '((3,4),(1,2))'],
  bpchar: TEXTS,
  'character(1)': TEXTS,
  'character(2)': TEXTS,
  bytea: ['\\x00ff', 'a\\\\b', '\\101', '\\x0', ''],
  '"char"': ['a', 'ab', '', '\\101'],
  cid: ['1'],
  cidr: ['10.0.0.0/8', '10.0.0.1/8', '::/0'],
  circle: ['<(1,2),3>'],
  citext: TEXTS,
  cube: ['(1,2),(3,4)', '1,2', 'x'],
  date: DATES,
  datemultirange: ['{[2024-01-01,2024-02-01)}', '{}'],
  daterange: ['[2024-01-01,2024-01-31]', 'empty'],
  ean13: ['978-0-11-000533-4', '978-0-11-000533-5'],
  float4: [...NUMBERS, '1e-45', '3.5e38', '0.1'],
  float8: [...NUMBERS, '5e-324', '1e309', '0.1'],
  hstore: ['a=>1, "b c"=>NULL', '', 'a'],
  inet: ['10.0.0.1/8', '::1', 'x'],
  int2: [...NUMBERS, '32768', '0x1F', '1_000'],
  int4: [...NUMBERS, '2147483648', '0b1', '1_000'],
  int4multirange: ['{[1,5),[7,8]}', '{}'],
  int4range: RANGES,
  int8: [...NUMBERS, '9223372036854775807'],
  int8multirange: ['{[1,5),[7,8]}', '{}'],
  int8range: RANGES,
  interval: INTERVALS,
  ...Object.fromEntries(
    FIELDS.map((fields) => [`interval ${fields}`.replace(' (', '('), INTERVALS]),
  ),
  isbn: ['0-11-000533-3', '9780110005334'],
  isbn13: ['978-0-11-000533-4'],
  ismn: ['M-060-11561-5'],
  ismn13: ['979-0-060-11561-5'],
  issn: ['1436-4522'],
  issn13: ['977-1436-452-00-8'],
  jsonpath: ['$.a[*] ? (@ > 1)', 'x y'],
  line: ['{1,2,3}'],
  lquery: ['a.*.b', 'a..b'],
  lseg: ['[(1,2),(3,4)]'],
  ltree: ['a.b_c', '', 'a..b'],
  ltxtquery: ['a & b*'],
  macaddr: ['08:00:2b:01:02:03', '08002b:010203'],
  macaddr8: ['08:00:2b:01:02:03:04:05', '08:00:2b:01:02:03'],
  money: ['-1234.56', '$1,000.005', '(7)', 'x'],
  name: [...TEXTS, 'n'.repeat(70)],
  numeric: [...NUMBERS, '1e-20', 'Infinity', '0x1F'],
  'numeric(3,1)': [...NUMBERS, 'Infinity'],
  'numeric(3)': NUMBERS,
  'numeric(2,4)': ['0.00125', '0.01'],
  'numeric(3,-2)': ['12345', '149'],
  nummultirange: ['{[1.5,2)}'],
  numrange: RANGES,
  oid: ['7', '-1', 'x'],
  path: ['[(1,2),(3,4)]', '((1,2),(3,4))'],
  pg_lsn: ['16/B374D848'],
  pg_snapshot: ['10:20:10,14,15'],
  point: ['(1,2)', '1,2', 'x'],
  polygon: ['((1,2),(3,4),(5,6))'],
  query_int: ['1&(2|3)'],
  refcursor: TEXTS,
  regclass: ['pg_class', 'pg_catalog.pg_type', '7', 'nowhere'],
  regcollation: ['"C"'],
  regconfig: ['english', 'x'],
  regdictionary: ['simple'],
  regnamespace: ['public'],
  regoper: ['pg_catalog.||/'],
  regoperator: ['+(int4,int4)'],
  regproc: ['pg_catalog.now', 'now'],
  regprocedure: ['abs(int4)'],
  regrole: ['postgres'],
  regtype: ['int4', 'timestamp with time zone', 'interval year'],
  seg: ['1.0 .. 2.50', '~5.0', '> 3'],
  text: TEXTS,
  tid: ['(1,2)'],
  time: TIMES,
  'time(0)': TIMES,
  'time(2)': TIMES,
  timestamp: MOMENTS,
  'timestamp(0)': MOMENTS,
  'timestamp(1)': MOMENTS,
  timestamptz: [...MOMENTS, '2024-02-29 12:34:56.55+02'],
  'timestamptz(0)': MOMENTS,
  timetz: ['12:34:56.55+02', '23:59:59.9999996-08'],
  'timetz(1)': ['12:34:56.55+02', '23:59:59.9999996-08'],
  tsmultirange: ['{[2024-01-01,2024-02-01)}'],
  tsquery: ["'fat' & rat:ab*", '!a <2> b'],
  tsrange: ['[2024-01-01,2024-02-01)'],
  tstzmultirange: ['{[2024-01-01,2024-02-01)}'],
  tstzrange: ['[2024-01-01,2024-02-01)'],
  tsvector: ["a:1A fat:2,3 'b c'", ''],
  txid_snapshot: ['10:20:10,14,15'],
  upc: ['220356483481'],
  uuid: ['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}', 'x'],
  varchar: TEXTS,
  'varchar(2)': TEXTS,
  xid: ['7'],
  xid8: ['7'],
  xml: ['<a b="1">&amp;</a>', 'a<b/>', '<a>', ''],
}

/** JSON has no text of its own: a string is a JSON string in `op.bulkInsert`. The others are never columns. */
const NOT_HERE = [
  ...['json', 'jsonb'],
  ...['gbtreekey16', 'gbtreekey2', 'gbtreekey32', 'gbtreekey4', 'gbtreekey8', 'gbtreekey_var'],
  ...['ghstore', 'gtrgm', 'gtsvector', 'intbig_gkey', 'ltree_gist', 'pg_brin_bloom_summary'],
  ...[
    'pg_brin_minmax_multi_summary',
    'pg_dependencies',
    'pg_mcv_list',
    'pg_ndistinct',
    'pg_node_tree',
  ],
]

/** A type of another module whose modifier says how text is read: the first value of its typmod is the fields of an interval. */
const SPAN = [
  'create type span',
  "create function span_in(cstring, oid, integer) returns span language internal immutable strict as 'interval_in'",
  "create function span_out(span) returns cstring language internal immutable strict as 'interval_out'",
  "create function span_typmod_in(cstring[]) returns integer language internal immutable strict as 'intervaltypmodin'",
  'create type span (input = span_in, output = span_out, typmod_in = span_typmod_in, like = interval)',
]

/** A type whose text is read in a way that a cast from text is not. */
const CODE = [
  'create type code',
  "create function code_in(cstring) returns code language internal immutable strict as 'byteain'",
  "create function code_out(code) returns cstring language internal immutable strict as 'byteaout'",
  'create type code (input = code_in, output = code_out, like = bytea)',
  'create cast (text as code) without function',
]

const YEARS = [
  'create domain years as interval year',
  'create type age as (n integer, y interval year)',
]

/** What becomes of a value: the text of the row, or the SQLSTATE. */
async function outcome({ pg }: OpenOperations, write: () => Promise<unknown>): Promise<string> {
  await pg.query('truncate t')
  try {
    await write()
  } catch (error) {
    return `refused ${error instanceof StatementError ? error.code : error}`
  }
  const { rows } = await pg.query<{ c: string }>('select distinct c::text as c from t')
  return rows.map(({ c }) => c).join(' and ')
}

describe('a value of text', () => {
  test('is tried here for every type that a column may have', async () => {
    const { look, pg } = await open(...SETUP)
    const known = await look(
      `select typname from pg_type where typtype in ('b', 'r', 'm') and typcategory <> 'A' and typisdefined and typname <> all ('{${NOT_HERE}}') order by typname`,
    )
    const tried = await pg.query<{ typname: string }>(
      'select distinct typname from unnest($1::text[]) c join pg_type t on t.oid = to_regtype(c) order by typname',
      [Object.keys(TYPES)],
    )
    expect(tried.rows.map(({ typname }) => typname)).toEqual(known)
  })

  test.each<[type: string, c: unknown, stored: string]>([
    ['span(4)', '5', '5 years'],
    ['code', '\\x41', '\\x41'],
    ['years', '5', '5 years'],
    ['age', '(1,5)', '(1,"5 years")'],
    ['age', { n: 1, y: '5' }, '(1,"5 years")'],
    ['interval year[]', ['5', null], '{"5 years",NULL}'],
    ['interval year', 5, '5 years'],
  ])(
    'of other modules, and within other types, becomes the same by one call and several: %s',
    async (type, c, stored) => {
      const opened = await open(...YEARS)
      const { op, pg } = opened
      for (const statement of [...SPAN, ...CODE]) await pg.query(statement)
      await pg.query(`create table t (id integer, c ${type}); grant all on t to public`)
      const rows = [
        { id: 1, c },
        { id: 2, c },
      ]
      expect(await outcome(opened, () => op.bulkInsert('t', rows))).toBe(stored)
      expect(await outcome(opened, () => op.bulkInsert('t', rows, { chunkBytes: 1 }))).toBe(stored)
    },
  )

  test.each(Object.entries(TYPES))(
    'becomes the same by a statement, a call and several calls: %s',
    async (type, values) => {
      const opened = await open(...SETUP)
      const { op, pg } = opened
      await pg.query(`create table t (id integer, c ${type}); grant all on t to public`)
      for (const c of values) {
        const one = { id: 1, c }
        const two = { id: 2, c }
        const written = [
          await outcome(opened, () => op.execute(sql`insert into t values (1, ${c})`)),
          await outcome(opened, () => op.bulkInsert('t', [one])),
          await outcome(opened, () => op.bulkInsert('t', [one, two], { chunkBytes: 1 })),
          await outcome(opened, async () => {
            await op.execute('insert into t values (1)')
            await op.bulkUpdate('t', [one], { key: ['id'] })
          }),
        ]
        expect({ c, written }).toEqual({ c, written: written.map(() => written[0]) })
      }
    },
  )
})
