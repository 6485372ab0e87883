import { describe, expect, test } from 'vitest'
import { json, pgArray } from '../../../lambda/sql/literals.ts'
import { operations } from '../operations-fixture.ts'

const open = operations()

describe('bulkInsert of values', () => {
  const cases: [type: string, given: unknown, stored: string | null][] = [
    ['integer', -7, '-7'],
    ['integer', '12', '12'],
    ['bigint', 2n ** 63n - 1n, '9223372036854775807'],
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    [
      'numeric',
      '12345678901234567890.12345678901234567890',
      '12345678901234567890.12345678901234567890',
    ],
    ['numeric', '1.500', '1.500'],
    ['numeric', 1e21, '1000000000000000000000'],
    ['numeric', Number.NaN, 'NaN'],
    ['numeric', Number.POSITIVE_INFINITY, 'Infinity'],
    ['numeric(6, 2)', 1.005, '1.01'],
    ['float8', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['float8', 0.1, '0.1'],
    ['float8', 5e-324, '5e-324'],
    ['float8', 1.7976931348623157e308, '1.7976931348623157e+308'],
    ['float4', Number.NaN, 'NaN'],
    ['boolean', true, 'true'],
    ['boolean', 'f', 'false'],
    ['text', null, null],
    ['text', 'null', 'null'],
    ['text', '', ''],
    ['text', 12.5, '12.5'],
    ['text', true, 'true'],
    ['text', { a: 1 }, '{"a":1}'],
    ['varchar(3)', 'äöü', 'äöü'],
    ['uuid', '5F0C3B0E-1d1c-4b4e-9d0a-0d7c3a1c9b01', '5f0c3b0e-1d1c-4b4e-9d0a-0d7c3a1c9b01'],
    ['date', '2014-06-25', '2014-06-25'],
    ['date', 'infinity', 'infinity'],
    ['timestamptz', new Date('2014-06-25T09:00:06.784Z'), '2014-06-25 09:00:06.784+00'],
    ['timestamptz', new Date(-62198755200000), '0002-01-01 00:00:00+00 BC'],
    ['timestamp', new Date('2014-06-25T09:00:06.784Z'), '2014-06-25 09:00:06.784'],
    ['interval', '1 day 02:00', '1 day 02:00:00'],
    ['bytea', new Uint8Array([0, 92, 255]), '\\x005cff'],
    ['bytea', Buffer.from('äö').subarray(1, 3), '\\xa4c3'],
    ['inet', '10.0.0.1/8', '10.0.0.1/8'],
    ['int4range', '[1,5)', '[1,5)'],
    ['mood', "it's", "it's"],
    ['point_2d', { x: 1, y: 'two' }, '(1,two)'],
    ['integer[]', [1, null, 3], '{1,NULL,3}'],
    ['integer[]', [], '{}'],
    ['integer[]', pgArray([]), '{}'],
    ['integer[]', '{4,5}', '{4,5}'],
    [
      'integer[]',
      [
        [1, 2],
        [3, 4],
      ],
      '{{1,2},{3,4}}',
    ],
    ['text[]', ['a"b', 'NULL', '{x}', null, '\\'], '{"a\\"b","NULL","{x}",NULL,"\\\\"}'],
    ['float8[]', [1.5, Number.NaN], '{1.5,NaN}'],
    ['bytea[]', [new Uint8Array([1])], '{"\\\\x01"}'],
    ['timestamptz[]', [new Date(0)], '{"1970-01-01 00:00:00+00"}'],
    ['jsonb[]', [json(1), { a: 1 }], '{1,"{\\"a\\": 1}"}'],
    [
      'jsonb',
      { b: [1, 'x', null], a: { ':c': '\\' } },
      '{"a": {":c": "\\\\"}, "b": [1, "x", null]}',
    ],
    ['json', { b: 1, a: 2, 10: 3 }, '{"10":3,"b":1,"a":2}'],
    ['json', { big: 12345678901234567890n }, '{"big":12345678901234567890}'],
    ['jsonb', [], '[]'],
    ['jsonb', json([]), '[]'],
    ['jsonb', 'text', '"text"'],
    ['jsonb', json('text'), '"text"'],
    ['jsonb', 7, '7'],
    ['jsonb', null, null],
    ['jsonb', json(null), 'null'],
    ['json', json(null), 'null'],
    ['json', { at: new Date(0), gone: undefined }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ]
  const MOOD = "create type mood as enum ('glad', 'it''s')"
  const POINT = 'create type point_2d as (x integer, y text)'

  test('stores each in a column of its type', async () => {
    const { op, session, pg } = await open(MOOD, POINT)
    await session.begin()
    const columns = cases.map(([type], i) => `c${i} ${type}`)
    await op.execute(`create table t (${columns.join(', ')})`)
    await op.bulkInsert('t', [Object.fromEntries(cases.map(([, given], i) => [`c${i}`, given]))])
    await session.commit()
    await pg.query("set timezone to 'UTC'")
    const { rows } = await pg.query(
      `select ${cases.map((_, i) => `c${i}::text`).join(', ')} from t`,
    )
    const stored = Object.values(rows[0] as Record<string, string | null>)
    expect(cases.map(([type, given], i) => [type, given, stored[i]])).toEqual(cases)
  })

  test('stores each alike when the rows take several calls', async () => {
    const { op, session, pg, sent } = await open(MOOD, POINT)
    await session.begin()
    for (const [i, [type, given]] of cases.entries()) {
      await op.execute(`create table t${i} (id integer, c ${type})`)
      const rows = [1, 2].map((id) => ({ id, c: given }))
      await op.bulkInsert(`t${i}`, rows, { chunkBytes: 1 })
    }
    await session.commit()
    await pg.query("set timezone to 'UTC'")
    const stored: unknown[] = []
    for (const [i, [type, given]] of cases.entries()) {
      const { rows } = await pg.query(`select id, c::text from t${i} order by id`)
      expect(rows.map(({ id }) => id)).toEqual([1, 2])
      expect(rows[1].c).toBe(rows[0].c)
      stored.push([type, given, rows[0].c])
    }
    expect(stored).toEqual(cases)
    const inserts = sent().filter((sql) => sql.startsWith('insert'))
    expect(inserts).toHaveLength(2 * cases.length)
    const asObjects = cases.filter((_, i) => inserts[2 * i]?.includes('json_populate_recordset'))
    // Those that JSON.stringify does not write, and the types that a cast from text does not give.
    const types = Object.entries(Object.groupBy(asObjects, ([type]) => type))
    expect(types.map(([type, of = []]) => `${of.length} ${type}`)).toEqual([
      '1 bigint',
      '2 numeric',
      '1 float8',
      '1 float4',
      '1 timestamptz',
      '2 bytea',
      '1 point_2d',
      '5 integer[]',
      '1 text[]',
      '1 float8[]',
      '1 bytea[]',
      '1 timestamptz[]',
      '1 jsonb[]',
      '3 json',
      '3 jsonb',
    ])
  })

  test('keeps the JSON null, the SQL NULL and values apart, row by row', async () => {
    const { op, look } = await open(
      'create table t (id integer generated always as identity, j jsonb)',
    )
    await op.bulkInsert('t', [{ j: 1 }, { j: json(null) }, { j: null }, { j: json(null) }])
    await op.bulkInsert('t', [{ j: json(null) }, { j: json(null) }])
    expect(await look("select coalesce(j::text, 'NULL') from t order by id")).toEqual([
      ...['1', 'null', 'NULL', 'null'],
      ...['null', 'null'],
    ])
  })

  test('gives back what query read', async () => {
    const { op } = await open(
      'create table a (i integer, b bigint, n numeric, t timestamptz, d date, j jsonb, x bytea, l text[])',
      `insert into a values (1, 9007199254740993, 1.50, '2014-06-25 09:00:06.784+02', '2014-06-25', '{"a":"b"}', '\\x00ff', '{a,null}'), (null, null, null, null, null, null, null, null), (2, null, null, null, null, '"text"', null, '{}')`,
      'create table b (like a)',
    )
    await op.bulkInsert('b', await op.query('select * from a'))
    expect(await op.query('select * from a except all select * from b')).toEqual([])
    expect(await op.query('select * from b except all select * from a')).toEqual([])
  })
})
