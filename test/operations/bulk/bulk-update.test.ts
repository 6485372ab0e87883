import { describe, expect, expectTypeOf, test } from 'vitest'
import { keyOperatorsStatement } from '../../../lambda/operations/bulk/key-operators.ts'
import { json } from '../../../lambda/sql/literals.ts'
import { operations } from '../operations-fixture.ts'

const open = operations()

const PLAYERS = [
  'create table players (id integer primary key, name text, team_id integer, info jsonb)',
  "insert into players select n, 'p' || n, n % 2, '{}' from generate_series(1, 6) n",
]
const ALL = "select format('%s %s %s %s', id, name, team_id, info) from players order by id"

describe('bulkUpdate', () => {
  test('sends all rows as one JSON parameter of one statement, and answers how many were changed', async () => {
    const { op, calls, look } = await open(...PLAYERS)
    const count = await op.bulkUpdate(
      'public.players',
      [
        { id: 1, name: "it's :x", info: { a: [1] } },
        { info: null, name: null, id: '2' },
      ],
      { key: ['id'] },
    )
    expectTypeOf(count).toBeNumber()
    expect(count).toBe(2)
    const [read, call, ...others] = calls()
    expect(read?.sql).toBe(keyOperatorsStatement('"public"."players"', ['id']))
    expect(others).toEqual([])
    expect(call?.parameters).toEqual([
      {
        name: 'rows',
        value: {
          stringValue:
            '[{"id":1,"name":"it\'s :x","info":{"a":[1]}},{"info":null,"name":null,"id":"2"}]',
        },
      },
    ])
    expect(call?.sql).toBe(
      'with "aurora_given" as materialized (select pg_catalog.row_number() over () as "aurora_row", "aurora_given"."id", "aurora_given"."name", "aurora_given"."info" from pg_catalog.json_populate_recordset(row((null::"public"."players").*)::"public"."players", :rows::pg_catalog.json) as "aurora_given") ' +
        'update "public"."players" as "aurora_target" set "name" = "aurora_given"."name", "info" = "aurora_given"."info" from "aurora_given" where "aurora_target"."id" operator(pg_catalog.=) "aurora_given"."id" and ' +
        `(select case when pg_catalog.count(*) operator(pg_catalog.=) 0 then true else pg_catalog.concat('aurora-migrations bulkUpdate, rows with the same key, ', pg_catalog.min(array["aurora_last", "aurora_first"]))::pg_catalog.bool end from (select pg_catalog.min("aurora_row") as "aurora_first", pg_catalog.max("aurora_row") as "aurora_last" from "aurora_given" group by "id" having pg_catalog.count(*) operator(pg_catalog.>) 1) as "aurora_keys") and ` +
        `(select case when pg_catalog.count(*) operator(pg_catalog.=) 0 then true else pg_catalog.concat('aurora-migrations bulkUpdate, rows without a match, ', pg_catalog.count(*), ' from ', pg_catalog.min("aurora_row"))::pg_catalog.bool end from "aurora_given" where not exists (select from "public"."players" as "aurora_present" where "aurora_present"."id" operator(pg_catalog.=) "aurora_given"."id"))`,
    )
    expect((await look(ALL)).slice(0, 3)).toEqual(['1 it\'s :x 1 {"a": [1]}', '2  0 ', '3 p3 1 {}'])
  })

  test('leaves the columns as they are that a row leaves out, with one call for the rows of the same columns', async () => {
    const { op, sent, look } = await open(...PLAYERS)
    const rows = [
      { id: 1, name: 'a' },
      { id: 2, team_id: 9 },
      { id: 3, name: 'c' },
      { id: 4, info: json(null) },
      { id: 5, info: 'text', name: 'e' },
    ]
    expect(await op.bulkUpdate('players', rows, { key: ['id'] })).toBe(5)
    const updates = sent().filter((statement) => statement.includes(' update '))
    expect(updates.map((statement) => /set (.*?) from/.exec(statement)?.[1])).toEqual([
      '"name" = "aurora_given"."name"',
      '"team_id" = "aurora_given"."team_id"',
      `"info" = 'null'`,
      '"info" = "aurora_given"."info", "name" = "aurora_given"."name"',
    ])
    expect(await look(ALL)).toEqual([
      '1 a 1 {}',
      '2 p2 9 {}',
      '3 c 1 {}',
      '4 p4 0 null',
      '5 e 1 "text"',
      '6 p6 0 {}',
    ])
  })

  test('sends nothing for no rows', async () => {
    const { op, sent } = await open(...PLAYERS)
    expect(await op.bulkUpdate('players', [], { key: ['id'] })).toBe(0)
    expect(sent()).toEqual([])
  })

  test('finds rows by several columns, and changes all that match', async () => {
    const { op, look } = await open(...PLAYERS)
    expect(
      await op.bulkUpdate('players', [{ team_id: 1, id: 3, name: 'both' }], {
        key: ['team_id', 'id'],
      }),
    ).toBe(1)
    expect(
      await op.bulkUpdate('players', [{ team_id: 0, name: 'even' }], { key: ['team_id'] }),
    ).toBe(3)
    expect(await look('select name from players order by id')).toEqual([
      'p1',
      'even',
      'both',
      'even',
      'p5',
      'even',
    ])
  })

  test('takes names with quotes, spaces, capitals and umlauts, and tables named like its own', async () => {
    const { op, look } = await open(
      'create table "Grö""ße" ("a ""b"" Ü" text, "SELECT" integer)',
      `insert into "Grö""ße" values ('x', 1)`,
    )
    await op.bulkUpdate('Grö"ße', [{ 'a "b" Ü': 'x', SELECT: 7 }], { key: ['a "b" Ü'] })
    expect(await look('select "SELECT" from "Grö""ße"')).toEqual([7])
  })
})

describe('bulkUpdate of rows that match nothing', () => {
  test('fails, names the first and changes nothing', async () => {
    const { op, session, sent, look } = await open(...PLAYERS)
    const rows = [
      { id: 1, name: 'x' },
      { id: 77, name: 'x' },
      { id: 2, name: 'x' },
      { id: 78, name: 'x' },
    ]
    await expect(op.bulkUpdate('players', rows, { key: ['id'] })).rejects.toMatchObject({
      name: 'CommandError',
      kind: 'RowsNotMatched',
      message:
        "op.bulkUpdate of 'players': rows[1] with id = 77 matches no row (and 1 more like it): correct the key, or pass { missing: 'ignore' } to update the others",
      cause: { code: '22P02' },
    })
    expect(sent()).toHaveLength(2)
    expect(await look(ALL)).toContain('1 p1 1 {}')
    // Also when the error is caught, the revision has failed.
    expect(session.failure?.message).toContain('rows[1] with id = 77 matches no row')
  })

  test('fails when none matches, and names the right row of a later chunk', async () => {
    const { op, session } = await open(...PLAYERS, 'create table empty (id integer, name text)')
    await session.begin()
    await expect(op.bulkUpdate('empty', [{ id: 1, name: 'x' }], { key: ['id'] })).rejects.toThrow(
      'rows[0] with id = 1 matches no row: correct',
    )
    await session.rollback()
    await session.begin()
    const rows = [
      { id: 1, name: 'x' },
      { id: 2, team_id: 1 },
      { id: 3, name: 'x' },
      { id: 99, team_id: 1 },
    ]
    await expect(op.bulkUpdate('players', rows, { key: ['id'] })).rejects.toThrow(
      'rows[3] with id = 99 matches no row: correct',
    )
    await session.rollback()
    await session.begin()
    await expect(
      op.bulkUpdate('players', rows.slice(0, 1).concat({ id: 98, name: 'x' }), {
        key: ['id'],
        chunkBytes: 1,
      }),
    ).rejects.toThrow('rows[1] with id = 98 matches no row: correct')
  })

  test('finds one beside a key that matches several', async () => {
    const { op } = await open(...PLAYERS)
    const rows = [
      { team_id: 1, name: 'odd' },
      { team_id: 5, name: 'none' },
    ]
    await expect(op.bulkUpdate('players', rows, { key: ['team_id'] })).rejects.toThrow(
      'rows[1] with team_id = 5 matches no row',
    )
  })

  test('lets them pass when told, and updates the others', async () => {
    const { op, sent, look } = await open(...PLAYERS)
    const rows = [
      { id: 1, name: 'x' },
      { id: 77, name: 'x' },
    ]
    expect(await op.bulkUpdate('players', rows, { key: ['id'], missing: 'ignore' })).toBe(1)
    expect(sent()[1]).not.toContain('aurora_present')
    expect(await look(ALL)).toContain('1 x 1 {}')
  })
})

describe('bulkUpdate of rows that cannot be', () => {
  const cases: [rows: unknown, message: string][] = [
    [7, 'rows is 7: pass an array of plain objects'],
    [[{ name: 'a' }], 'rows[0].id is undefined: pass a value: it is in the key'],
    [
      [
        { id: 1, name: 'a' },
        { id: null, name: 'b' },
      ],
      'rows[1].id is null: pass a value',
    ],
    [[{ id: 1 }], 'rows[0] is { id: 1 }: pass at least one column that is not in the key'],
    [[{ id: 1, name: undefined }], 'rows[0].name: the value is undefined'],
    [[{ id: Symbol('x'), name: 'a' }], 'rows[0].id: the value is a symbol'],
    [[{ id: 1, name: 'a\0' }], 'rows[0].name: a string has a NUL character'],
    [
      [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
        { name: 'c', id: '1' },
      ],
      'rows[0] and rows[2] both have id = "1", and PostgreSQL would apply either: leave one of them out',
    ],
  ]
  test.each(cases)('refuses %j before anything is sent', async (rows, message) => {
    const { op, sent } = await open()
    const failed = await op
      .bulkUpdate('players', rows as object[], { key: ['id'] })
      .catch((error: unknown) => error)
    expect(failed).toMatchObject({ name: 'CommandError' })
    expect((failed as Error).message).toContain(`op.bulkUpdate: ${message}`)
    expect(sent()).toEqual([])
  })

  test.each([
    [undefined, 'the last argument is undefined: pass an object of options: key, missing'],
    [{}, 'key is undefined: pass an array'],
    [{ key: [] }, 'key is []: pass an array with at least one element'],
    [{ key: 'id' }, "key is 'id': pass an array"],
    [{ key: ['id'], missing: 'no' }, "missing is 'no': pass 'error', 'ignore'"],
  ])('refuses the options %j', async (options, message) => {
    const { op } = await open()
    await expect(op.bulkUpdate('t', [{ id: 1, a: 1 }], options as never)).rejects.toThrow(
      `op.bulkUpdate: ${message}`,
    )
  })

  test.each(['aurora_row', 'aurora_given', 'aurora_target', 'aurora_present', 'Aurora_Row'])(
    'takes tables and columns that are named as ours: %s',
    async (name) => {
      const { op, look } = await open(
        `create table "${name}" (id integer, "${name}" text, other text)`,
        `insert into "${name}" values (1, 'a', 'b'), (2, 'c', 'd')`,
      )
      const given = [
        { id: 1, [name]: 'x' },
        { id: 2, [name]: 'y' },
      ]
      expect(await op.bulkUpdate(name, given, { key: ['id'] })).toBe(2)
      await op.bulkUpdate(name, [{ [name]: 'x', other: 'z' }], { key: [name] })
      await op.bulkUpdate(name, [{ id: 2, other: 'z' }], { key: ['id'] })
      expect(await look(`select t::text from "${name}" t order by 1`)).toEqual([
        '(1,x,z)',
        '(2,y,z)',
      ])
      await expect(op.bulkUpdate(name, [{ id: 3, other: 'z' }], { key: ['id'] })).rejects.toThrow(
        `op.bulkUpdate of '${name}': rows[0] with id = 3 matches no row`,
      )
    },
  )

  test('names the row of what PostgreSQL refuses', async () => {
    const { op, session } = await open(...PLAYERS)
    await session.begin()
    const rows = [
      { id: 1, team_id: 1 },
      { id: 2, team_id: 'two' },
    ]
    await expect(op.bulkUpdate('players', rows, { key: ['id'] })).rejects.toThrow(
      'op.bulkUpdate of \'players\', rows[1].team_id: invalid input syntax for type integer: "two"',
    )
    await session.rollback()
    await session.begin()
    await expect(op.bulkUpdate('players', [{ id: 1, nmae: 'x' }], { key: ['id'] })).rejects.toThrow(
      'op.bulkUpdate of \'players\', rows[0]: column aurora_given.nmae does not exist (SQLSTATE 42703); Perhaps you meant to reference the column "aurora_given.name".',
    )
    await session.rollback()
    await session.begin()
    await expect(op.bulkUpdate('players', [{ di: 1, name: 'x' }], { key: ['di'] })).rejects.toThrow(
      "op.bulkUpdate of 'players', rows[0]: column aurora_given.di does not exist",
    )
  })
})

describe('bulkUpdate of many rows', () => {
  test('changes 20,000 rows of a table with an index and without one', async () => {
    const { op, session, sent, look } = await open(
      'create table t (id integer primary key, other integer, n integer)',
      'insert into t select i, i, 0 from generate_series(1, 50000) i',
    )
    await session.begin()
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ id: i + 1, n: i }))
    expect(await op.bulkUpdate('t', rows, { key: ['id'] })).toBe(20_000)
    const others = rows.map(({ id, n }) => ({ other: id + 20_000, n }))
    expect(await op.bulkUpdate('t', others, { key: ['other'] })).toBe(20_000)
    expect(sent().length).toBeLessThan(6)
    await session.commit()
    expect(await look('select count(*)::int from t where n > 0')).toEqual([39_998])
  })
})
