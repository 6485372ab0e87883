import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { json } from '../../../lambda/sql/literals.ts'
import { operations } from '../operations-fixture.ts'

const open = operations()

/** `place` counts the rows in the order in which they are inserted. */
const TEAMS =
  "create table teams (place integer generated always as identity, id integer default 7, name text, founded integer default 1900, info jsonb default '{}')"
const ALL =
  "select format('%s|%s|%s|%s', id, name, founded, coalesce(info::text, 'NULL')) from teams order by place"

/** How a statement gives its rows: `values` where the columns change, or `select`. */
const formsOf = (statements: readonly string[]) =>
  statements.map(
    (sql) => /insert into \S+ \(.*?\) (?:overriding system value )?(\w+)/.exec(sql)?.[1],
  )

describe('bulkInsert of rows with different columns', () => {
  test('inserts them in the order given, with defaults for what a row leaves out', async () => {
    const { op, calls, look } = await open(TEAMS)
    await op.bulkInsert('public.teams', [
      { name: 'a' },
      { founded: 1, name: 'b' },
      { name: 'c', info: json(null) },
      { info: { x: ["'"] }, id: 70 },
      { name: null, founded: null, info: null },
    ])
    const [call, ...others] = calls()
    expect(others).toEqual([])
    expect(call?.sql).toBe(
      'with "g" as materialized (select pg_catalog.array_agg(row("r".*)::"public"."teams") as r from pg_catalog.json_populate_recordset(row((null::"public"."teams").*)::"public"."teams", :rows::pg_catalog.json) as "r") ' +
        'insert into "public"."teams" ("name", "founded", "info", "id") values ' +
        '((select (r[1])."name" from "g"), default, default, default), ' +
        '((select (r[2])."name" from "g"), (select (r[2])."founded" from "g"), default, default), ' +
        `((select (r[3])."name" from "g"), default, 'null', default), ` +
        '(default, default, (select (r[4])."info" from "g"), (select (r[4])."id" from "g")), ' +
        '((select (r[5])."name" from "g"), (select (r[5])."founded" from "g"), (select (r[5])."info" from "g"), default)',
    )
    expect(call?.parameters).toEqual([
      {
        name: 'rows',
        value: {
          stringValue:
            '[{"name":"a"},{"name":"b","founded":1},{"name":"c","info":null},{"info":{"x":["\'"]},"id":70},{"name":null,"founded":null,"info":null}]',
        },
      },
    ])
    expect(await look(ALL)).toEqual([
      ...['7|a|1900|{}', '7|b|1|{}', '7|c|1900|null', '70||1900|{"x": ["\'"]}', '7|||NULL'],
    ])
  })

  test('so that a row may refer to one before it', async () => {
    const { op, look } = await open(
      'create table node (id integer primary key, parent integer references node, name text)',
    )
    await op.bulkInsert(
      'node',
      [
        { id: 1, parent: null },
        { id: 2, parent: 1, name: 'b' },
        { id: 3, parent: 2 },
      ],
      { chunkBytes: 30 },
    )
    expect(await look('select count(*)::int from node')).toEqual([3])
  })

  test('divides them into as many calls as the text of a statement needs, and returns them in order', async () => {
    const { op, sent, look } = await open(TEAMS)
    const rows = Array.from({ length: 2_000 }, (_, i) =>
      i % 3 === 0 ? { name: `n${i}` } : { founded: 10_000 + i, name: `n${i}` },
    )
    const returned = await op.bulkInsert<{ place: number; name: string }>('teams', rows, {
      returning: ['place', 'name'],
    })
    expect(returned.map(({ name }) => name)).toEqual(rows.map(({ name }) => name))
    expect(returned.map(({ place }) => place)).toEqual(rows.map((_, i) => i + 1))
    expect(sent().length).toBeLessThan(5)
    expect(await look('select count(*)::int from teams where founded = 1900')).toEqual([667])
  })

  test('gives a long run of rows with the same columns a statement of its own', async () => {
    const { op, session, sent, look } = await open(TEAMS)
    await session.begin()
    const run = (length: number, row: object) => Array.from({ length }, () => row)
    const rows = [
      ...run(50, { name: 'a' }),
      ...run(49, { id: 1 }),
      ...run(60, { founded: 2 }),
      ...[{ name: 'b' }, { id: 3 }],
      ...run(70, { id: 4, name: 'c' }),
    ]
    await op.bulkInsert('teams', rows)
    await session.commit()
    expect(formsOf(sent())).toEqual([
      undefined,
      'select',
      'select',
      'select',
      'values',
      'select',
      undefined,
    ])
    expect(await look(ALL)).toEqual(
      rows.map((row) => {
        const { id, name, founded } = { id: 7, name: '', founded: 1900, ...row }
        return `${id}|${name}|${founded}|{}`
      }),
    )
  })

  test('sends the long run as texts where it takes several calls', async () => {
    const { op, sent, look } = await open(TEAMS)
    const rows = [
      ...[{ id: 1 }, { name: 'x' }],
      ...Array.from({ length: 100 }, (_, i) => ({ name: `n${i}`, founded: i })),
    ]
    await op.bulkInsert('teams', rows, { chunkBytes: 1_000 })
    const statements = sent()
    expect(statements.filter((sql) => sql.includes('string_to_array')).length).toBeGreaterThan(1)
    expect(formsOf(statements).slice(0, 3)).toEqual([undefined, 'values', 'select'])
    expect(await look('select name from teams order by place')).toEqual(
      rows.map((row) => ('name' in row ? row.name : null)),
    )
  })

  test('takes a statement for each where a statement cannot name all columns', async () => {
    const names = Array.from({ length: 1_500 }, (_, i) => `column_number_${i}`)
    const { op, sent, look } = await open(
      `create table wide (place integer generated always as identity, ${names.map((name) => `${name} integer default 1`).join(', ')})`,
    )
    const row = Object.fromEntries(names.slice(0, 700).map((name) => [name, 2]))
    const other = Object.fromEntries(names.slice(700, 1_400).map((name) => [name, 3]))
    await op.bulkInsert('wide', [row, other, row])
    expect(formsOf(sent())).toEqual(['select', 'select', 'select'])
    expect(await look('select column_number_0 from wide order by place')).toEqual([2, 1, 2])
  })

  test('takes tables and columns of any name, also those of its own', async () => {
    const { op, look } = await open(
      'create table g (r integer default 1, "g" integer default 2, constructor integer default 3, "a ""b" integer default 4)',
    )
    await op.bulkInsert('g', [{ r: 10 }, { g: 20 }, { constructor: 30 }, { 'a "b': 40 }])
    expect(
      await look(`select format('%s %s %s %s', r, g, constructor, "a ""b") from g order by 1`),
    ).toEqual([...['1 2 3 40', '1 2 30 4', '1 20 3 4', '10 2 3 4']])
  })

  test('names the row of what PostgreSQL refuses', async () => {
    const { op } = await open(TEAMS)
    const rows = [{ name: 'a' }, { founded: '19x' }, { id: 1 }]
    await expect(op.bulkInsert('teams', rows)).rejects.toThrow(
      `op.bulkInsert into 'teams', rows[1].founded: invalid input syntax for type integer: "19x"`,
    )
  })

  test('keeps values, defaults and order, whatever the rows and the size of a call', async () => {
    const { op, session } = await open(TEAMS)
    await session.begin()
    const part = fc.record(
      {
        id: fc.integer({ min: 0, max: 99 }),
        name: fc.constantFrom('', 'x', null),
        founded: fc.constant(5),
      },
      { requiredKeys: [] },
    )
    const runs = fc.array(fc.tuple(part, fc.constantFrom(1, 1, 1, 2, 50, 60)), {
      minLength: 1,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(runs, fc.integer({ min: 500, max: 5_000 }), async (given, chunkBytes) => {
        const rows = given.flatMap(([row, length]) =>
          Array.from({ length }, () => (Object.keys(row).length > 0 ? row : { id: 0 })),
        )
        await op.execute('truncate teams')
        const returned = await op.bulkInsert('teams', rows, {
          returning: ['id', 'name', 'founded'],
          chunkBytes,
        })
        const expected = rows.map((row) => ({ id: 7, name: null, founded: 1900, ...row }))
        expect(returned).toEqual(expected)
        await op.execute('truncate teams')
        await op.bulkInsert('teams', rows, { chunkBytes })
        expect(await op.query('select id, name, founded from teams order by place')).toEqual(
          expected,
        )
      }),
      { numRuns: 12 },
    )
  })
})
