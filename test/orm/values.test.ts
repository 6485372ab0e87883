import { describe, expect, test } from 'vitest'
import { CommandError } from '../../lambda/errors.ts'
import { defineEntity, orm, p, raw } from '../../lambda/orm/orm.ts'
import { revisions } from './orm-fixture.ts'

const revision = revisions()

const instant = new Date('2024-02-29T12:34:56.789Z')

/** What it is, its property and column, and values with the text that PostgreSQL has of them. */
type Case = readonly [string, object, string, readonly (readonly [unknown, string])[]]

const TYPES: readonly Case[] = [
  [
    'integer',
    p.integer(),
    'int',
    [
      [-7, '-7'],
      [0, '0'],
    ],
  ],
  ['smallint', p.smallint(), 'smallint', [[-7, '-7']]],
  ['bigint', p.bigint(), 'bigint', [[-9_007_199_254_740_993n, '-9007199254740993']]],
  ['bigint as string', p.bigint('string'), 'bigint', [['9007199254740993', '9007199254740993']]],
  ['decimal', p.decimal(), 'numeric', [['-12345678901234567890.10', '-12345678901234567890.10']]],
  [
    'double',
    p.double(),
    'float8',
    [
      [-0.1, '-0.1'],
      [1e300, '1e+300'],
    ],
  ],
  ['float', p.float(), 'real', [[1.1, '1.1']]],
  [
    'boolean',
    p.boolean(),
    'boolean',
    [
      [true, 'true'],
      [false, 'false'],
    ],
  ],
  [
    'text',
    p.text(),
    'text',
    [
      ['', ''],
      ["it's ? :a \\ 'b'", "it's ? :a \\ 'b'"],
    ],
  ],
  ['string', p.string(), 'varchar(9)', [[' 1 ', ' 1 ']]],
  [
    'uuid',
    p.uuid(),
    'uuid',
    [['7d444840-9dc0-11d1-b245-5ffdce74fad2', '7d444840-9dc0-11d1-b245-5ffdce74fad2']],
  ],
  ['date', p.date(), 'date', [['2024-02-29', '2024-02-29']]],
  ['time', p.time(), 'time', [['10:11:12', '10:11:12']]],
  ['datetime', p.datetime(), 'timestamptz', [[instant, '2024-02-29 12:34:56.789+00']]],
  [
    'datetime without zone',
    p.datetime().columnType('timestamp'),
    'timestamp',
    [[instant, '2024-02-29 12:34:56.789']],
  ],
  ['blob', p.blob(), 'bytea', [[Buffer.from([0, 255, 39]), '\\x00ff27']]],
  ['uint8array', p.uint8array(), 'bytea', [[new Uint8Array([0, 255, 92]), '\\x00ff5c']]],
  ['enum', p.enum(['sad', 'happy']).nativeEnumName('mood'), 'mood', [['happy', 'happy']]],
  [
    'json',
    p.json(),
    'jsonb',
    [
      [{ a: { b: [1, -1, null] } }, '{"a": {"b": [1, -1, null]}}'],
      [[], '[]'],
      [[1, 'x'], '[1, "x"]'],
      ['{"not": "parsed"}', '"{\\"not\\": \\"parsed\\"}"'],
      [-1, '-1'],
      [false, 'false'],
      [{ 'k?:\\"': "'?:\\" }, `{"k?:\\\\\\"": "'?:\\\\"}`],
    ],
  ],
  [
    'json in a json column',
    p.json().columnType('json'),
    'json',
    [[{ b: 1, a: 2 }, '{"b":1,"a":2}']],
  ],
  [
    'array',
    p.array(),
    'text[]',
    [
      [[], '{}'],
      [['a', 'NULL', 'null', ''], '{a,"NULL","null",""}'],
      [['x,y', '{"'], '{"x,y","{\\""}'],
      [[' ', '\\', "'"], `{" ","\\\\",'}`],
    ],
  ],
  ['array of numbers', p.array<number>().columnType('int[]'), 'int[]', [[[1, -2], '{1,-2}']]],
]

/** An entity with one property, in a table with one column. */
const thing = (property: object) =>
  defineEntity({
    name: 'Thing',
    tableName: 'things',
    properties: {
      id: p.integer().primary(),
      value: (property as ReturnType<typeof p.json<unknown>>).nullable(),
    },
  })

describe('a value written by the entity manager', () => {
  test.each(TYPES)('is the same in PostgreSQL and when it is read back: %s', async (...one) => {
    const [, property, column, values] = one
    const { op, session, pg, statements } = await revision(
      `create type mood as enum ('sad', 'happy')`,
      `create table things (id serial primary key, value ${column})`,
    )
    const Thing = thing(property)
    const em = orm(op, [Thing])

    const inserted = values.map(([value]) => em.create(Thing, { value }))
    const updated = [...values, ...values].map(() => em.create(Thing, { value: null }))
    await em.flush()
    updated.forEach((entity, index) => {
      entity.value = values[index % values.length]?.[0]
    })
    await em.flush()
    em.clear()
    const read = await em.find(Thing, {}, { orderBy: { id: 'asc' } })
    await em.flush()

    const expected = [...values, ...values, ...values]
    expect(inserted).toHaveLength(values.length)
    expect(read.map(({ value }) => value)).toEqual(expected.map(([value]) => value))
    // A value that was only read is not written again.
    expect(statements).toHaveLength(3)
    await session.commit()
    await pg.query(`set timezone = 'UTC'`)
    const { rows } = await pg.query('select value::text from things order by id')
    expect(rows.map(({ value }) => value)).toEqual(expected.map(([, text]) => text))
  })

  test('is a list where it is a bare array in a fragment', async () => {
    const { op, statements } = await revision(
      'create table things (id serial primary key, value text)',
    )
    const Thing = thing(p.text())

    await orm(op, [Thing]).find(Thing, { [raw('id in (?)', [[1, -2]])]: [] })

    expect(statements).toEqual([
      'select "t0"."id", "t0"."value" from "things" as "t0" where id in ( 1, (-2))',
    ])
  })

  test('is refused before anything is sent where it has no one meaning', async () => {
    const { op, session, statements } = await revision(
      'create table things (id serial primary key, value text)',
    )
    const Thing = thing(p.text())
    const em = orm(op, [Thing])

    em.create(Thing, { value: 'a NUL: \0' })
    const refused = em.flush()

    await expect(refused).rejects.toThrow(CommandError)
    await expect(refused).rejects.toThrow('a string has a NUL character')
    expect(statements).toEqual([])
    expect(session.failure).toBeUndefined()
  })
})
