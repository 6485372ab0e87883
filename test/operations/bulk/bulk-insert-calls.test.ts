import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostileString } from '../../sql/hostile-values.ts'
import { operations } from '../operations-fixture.ts'

const open = operations()

const TYPES = (table: string) =>
  `select attname::pg_catalog.text as "column", pg_catalog.format('%I.%I', nspname, typname) as "type", nspname operator(pg_catalog.=) 'pg_catalog' and typname operator(pg_catalog.=) any ('{json,jsonb}'::pg_catalog.name[]) as "json" from pg_catalog.pg_attribute join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) atttypid join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) typnamespace where attrelid operator(pg_catalog.=) pg_catalog.to_regclass('${table}') and attnum operator(pg_catalog.>) 0 and not attisdropped and t.typtype operator(pg_catalog.=) any ('{b,e,r,m}'::pg_catalog."char"[]) and t.typcategory operator(pg_catalog.<>) 'A' and (atttypmod operator(pg_catalog.=) -1 or (nspname operator(pg_catalog.=) 'pg_catalog' and typname operator(pg_catalog.<>) 'interval')) and not exists (select from pg_catalog.pg_cast where castsource operator(pg_catalog.=) 'pg_catalog.text'::pg_catalog.regtype and casttarget operator(pg_catalog.=) atttypid and castmethod operator(pg_catalog.<>) 'i' and (castmethod operator(pg_catalog.<>) 'b' or not exists (select from pg_catalog.pg_proc where oid operator(pg_catalog.=) t.typinput and prosrc operator(pg_catalog.=) any ('{textin,varcharin,bpcharin}') and prolang operator(pg_catalog.=) 12)))`

const COLUMN = (n: number) =>
  `pg_catalog.unnest(pg_catalog.string_to_array(:rows_${n}, pg_catalog.chr(127), :rows_none))`

/** One row a call. */
const EACH = { chunkBytes: 1 }

describe('bulkInsert of rows that take several calls', () => {
  test('asks for the types once, and sends one text a column with a separator before each value', async () => {
    const { op, calls, look } = await open(
      'create table "T" (id integer, "a ""b" text, price numeric(6, 2), "at" timestamptz, info jsonb)',
    )
    const rows = [
      { id: 1, 'a "b': 'x:y', price: 1.005, at: new Date(0), info: { a: ['"'] } },
      { id: 2, 'a "b': '', price: null, at: null, info: 'text' },
      { id: 3, 'a "b': 'N', price: '7', at: 'infinity', info: null },
    ]
    await op.bulkInsert('T', rows, { chunkBytes: 100 })
    const statement = `insert into "T" ("id", "a ""b", "price", "at", "info") select "id"::pg_catalog.int4, "a ""b"::pg_catalog.text, "price"::pg_catalog."numeric", "at"::pg_catalog.timestamptz, "info"::pg_catalog.jsonb from rows from (${[1, 2, 3, 4, 5].map(COLUMN).join(', ')}) as "aurora_given" ("id", "a ""b", "price", "at", "info") offset 1`
    const texts = (none: string, ...values: string[]) => [
      { name: 'rows_none', value: { stringValue: none } },
      ...values.map((stringValue, i) => ({ name: `rows_${i + 1}`, value: { stringValue } })),
    ]
    expect(calls().map(({ sql, parameters }) => [sql, parameters])).toEqual([
      [TYPES('"T"'), undefined],
      [
        statement,
        texts(
          'N',
          'N\x7f1\x7f2',
          'N\x7fx:y\x7f',
          'N\x7f1.005\x7fN',
          'N\x7f1970-01-01T00:00:00.000Z\x7fN',
          'N\x7f{"a":["\\""]}\x7f"text"',
        ),
      ],
      [statement, texts('', '\x7f3', '\x7fN', '\x7f7', '\x7finfinity', '\x7f')],
    ])
    expect(
      await look(
        `select format('%s|%s|%s|%s|%s', id, "a ""b", coalesce(price::text, 'NULL'), coalesce(extract(epoch from "at")::text, 'NULL'), coalesce(info::text, 'NULL')) from "T" order by id`,
      ),
    ).toEqual([
      '1|x:y|1.01|0.000000|{"a": ["\\""]}',
      '2||NULL|NULL|"text"',
      '3|N|7.00|Infinity|NULL',
    ])
  })

  test('inserts what one call would insert, whatever the values', async () => {
    const { op, session } = await open(
      'create table one (id integer, t text, v varchar(40), j jsonb, r json, n numeric)',
      'create table many (like one)',
    )
    await session.begin()
    const value = fc.oneof(
      hostileString,
      fc.constantFrom(null, '', 'N', 'NN', 'NNN', 'null', '\x7f', 'a\x7fN', '{}', '\\', '\x7f\x7f'),
    )
    const row = fc.record({
      t: fc.oneof(value, fc.constantFrom(1.5, true), fc.dictionary(hostileString, value)),
      v: fc.oneof(value, fc.constantFrom(-1, false)),
      j: fc.oneof(value, fc.jsonValue()),
      r: fc.oneof(value, fc.jsonValue()),
      n: fc.oneof(
        fc.constant(null),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
      ),
    })
    const both = fc.tuple(
      fc.array(row, { minLength: 2, maxLength: 8 }),
      fc.integer({ min: 1, max: 400 }),
    )
    await fc.assert(
      fc.asyncProperty(both, async ([given, chunkBytes]) => {
        const rows = given.map((each, id) => ({ id, ...each, v: short(each.v) }))
        await op.execute('truncate one, many')
        await op.bulkInsert('one', rows)
        await op.bulkInsert('many', rows, { chunkBytes })
        const text = 'select id, t, v, j::text, r::text, n::text from'
        const found = await op.query(`${text} many order by id`)
        expect(found).toEqual(await op.query(`${text} one order by id`))
        expect(found).toHaveLength(rows.length)
      }),
      { numRuns: 60 },
    )
  })

  test.each<[what: string, table: string, row: object]>([
    ['an array', 'create table t (id integer, c text[])', { c: ['a', null] }],
    ['a domain, which cuts nothing', 'create table t (id integer, c short)', { c: 'ab' }],
    ['a type with a cast of its own', 'create table t (id integer, c mood)', { c: 'glad' }],
    [
      'a modifier that says how text is read',
      'create table t (id integer, c interval year)',
      { c: '5' },
    ],
    ['a separator in a value', 'create table t (id integer, c text)', { c: 'a\x7fb' }],
    ['a bigint', 'create table t (id integer, c numeric)', { c: 10n ** 20n }],
  ])('takes them as objects for %s', async (_what, table, row) => {
    const { op, sent, look } = await open(
      'create domain short as varchar(2)',
      "create type mood as enum ('glad', 'sad')",
      "create function to_mood(text) returns mood language sql as 'select ''sad''::mood'",
      'create cast (text as mood) with function to_mood(text)',
      table,
    )
    await op.bulkInsert(
      't',
      [
        { id: 1, ...row },
        { id: 2, ...row },
      ],
      EACH,
    )
    const insert =
      'insert into "t" ("id", "c") select "id", "c" from pg_catalog.json_populate_recordset(row((null::"t").*)::"t", :rows::pg_catalog.json)'
    expect(sent()).toEqual([TYPES('"t"'), insert, insert])
    expect(await look('select count(distinct c::text)::int from t')).toEqual([1])
    expect(await look("select c::text from t where c::text not in ('sad')")).toHaveLength(2)
  })

  test('takes them as objects where the statement would be long', async () => {
    const names = Array.from({ length: 101 }, (_, i) => `c${i}`)
    const { op, sent, look } = await open(
      `create table t (${names.map((name) => `${name} integer`).join(', ')})`,
    )
    const row = Object.fromEntries(names.map((name, i) => [name, i]))
    await op.bulkInsert('t', [row, row], EACH)
    expect(sent().filter((sql) => sql.includes('json_populate_recordset'))).toHaveLength(2)
    const { c0: _, ...narrower } = row
    await op.bulkInsert('t', [narrower, narrower], EACH)
    expect(sent().filter((sql) => sql.includes('string_to_array'))).toHaveLength(2)
    expect(await look('select sum(c100)::int from t')).toEqual([400])
  })

  test.each<[type: string, value: unknown, message: string]>([
    ['varchar(2)', 'abc', 'value too long for type character varying(2)'],
    ['char(2)', 'abc', 'value too long for type character(2)'],
    ['bit(2)', '101', 'bit string length 3 does not match type bit(2)'],
    ['numeric(3, 1)', 123.4, 'numeric field overflow'],
    ['smallint', 40_000, 'rows[1].c: value "40000" is out of range for type smallint'],
    ['integer', 'x', 'rows[1].c: invalid input syntax for type integer: "x"'],
    ['jsonb', undefined, 'rows[1].c: the value is undefined'],
  ])('refuses for %s what one call would refuse: %j', async (type, value, message) => {
    const { op } = await open(`create table t (id integer, c ${type})`)
    const failed = op.bulkInsert(
      't',
      [
        { id: 1, c: null },
        { id: 2, c: value },
      ],
      EACH,
    )
    await expect(failed).rejects.toThrow(message)
    await expect(failed).rejects.toThrow(/rows\[1\]/)
  })

  test('names the rows of the call that PostgreSQL refuses, and sends no other after it', async () => {
    const { op, session, sent, look } = await open('create table t (id integer primary key)')
    await session.begin()
    const rows = [1, 2, 2, 3].map((id) => ({ id }))
    await expect(op.bulkInsert('t', rows, EACH)).rejects.toThrow(
      "op.bulkInsert into 't', rows[2]: duplicate key value",
    )
    expect(sent().filter((sql) => sql.startsWith('insert'))).toHaveLength(3)
    await session.rollback()
    expect(await look('select id from t')).toEqual([])
  })

  test.each([
    ['nowhere', [{ a: 1 }, { a: 2 }], 'rows[0]: relation "nowhere" does not exist'],
    ['t', [{ a: 1 }, { a: 2 }], 'rows[0].a: column "a" of relation "t" does not exist'],
  ])('says what is not there: %s', async (table, rows, message) => {
    const { op } = await open('create table t (id integer)')
    await expect(op.bulkInsert(table, rows, EACH)).rejects.toThrow(
      `op.bulkInsert into '${table}', ${message}`,
    )
  })

  test('lets no statement of a later call in between', async () => {
    const { op, session, look } = await open(
      'create table parent (id integer primary key)',
      'create table child (parent_id integer references parent)',
    )
    await session.begin()
    const ids = Array.from({ length: 20 }, (_, id) => id)
    await Promise.all([
      op.bulkInsert(
        'parent',
        ids.map((id) => ({ id })),
        EACH,
      ),
      op.bulkInsert(
        'child',
        ids.map((id) => ({ parent_id: id })),
      ),
      op.bulkInsert(
        'child',
        ids.map((id) => ({ parent_id: id })),
        EACH,
      ),
    ])
    await session.commit()
    expect(await look('select count(*)::int from child')).toEqual([40])
  })

  test('counts each statement, and each row, once', async () => {
    const { op, session } = await open('create table t (id integer)')
    await session.begin()
    const rows = Array.from({ length: 10 }, (_, id) => ({ id }))
    await op.bulkInsert('t', rows, { chunkBytes: 10 })
    expect(session.count).toMatchObject({ statements: 3, rows: 10 })
  })

  test('gives an always generated identity the values it is told', async () => {
    const { op, look, sent } = await open(
      'create table t (id integer generated always as identity, n integer default 7)',
    )
    const rows = [{ id: 5 }, { id: 6 }]
    await op.bulkInsert('t', rows, { ...EACH, overridingSystemValue: true })
    expect(sent()[1]).toBe(
      `insert into "t" ("id") overriding system value select "id"::pg_catalog.int4 from rows from (${COLUMN(1)}) as "aurora_given" ("id") offset 1`,
    )
    expect(await look('select id || n::text from t order by id')).toEqual(['57', '67'])
  })
})

/** What a `varchar(40)` holds. */
function short<T>(value: T): T | string {
  return typeof value === 'string' ? [...value].slice(0, 20).join('') : value
}
