import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import { Session } from '../../lambda/data-api/session.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'

let aurora: LocalAurora
let database: string
let session: Session
beforeAll(async () => {
  aurora = await testAurora()
  database = await newDatabase(aurora)
  Object.assign(process.env, aurora.environment(database))
})
afterAll(() => aurora.stop())
beforeEach(async () => {
  const { clusterArn, secretArn } = aurora
  session = new Session(new RdsDataApi({ clusterArn, secretArn, database }))
  await session.begin()
  await session.execute('create table wide (id integer primary key, body text)')
  aurora.calls.clear()
  return () => session.rollback()
})

const statements = () =>
  aurora.calls.forDatabase(database).map((call) => call.sql ?? call.operation)
const fill = (rows: number, bytes: number) =>
  session.execute(
    `insert into wide select n, repeat('x', ${bytes}) from generate_series(1, ${rows}) n`,
  )

describe('rows of a statement', () => {
  test('come in one call when they are small, in the order of the statement', async () => {
    await fill(1_000, 10)
    aurora.calls.clear()
    const rows = await session.query('select id from wide order by id desc')
    expect(rows).toHaveLength(1_000)
    expect(rows.slice(0, 2)).toEqual([{ id: 1_000 }, { id: 999 }])
    expect(statements()).toHaveLength(1)
  })

  test('are none when there are none', async () => {
    expect(await session.query('select id from wide')).toEqual([])
  })

  test.each([
    [
      'values',
      'values (1, null), (2, 3)',
      [
        { column1: 1, column2: null },
        { column1: 2, column2: 3 },
      ],
    ],
    [
      'a with query',
      "with w as (select 7 as seven) select seven, 'x' as x from w",
      [{ seven: 7, x: 'x' }],
    ],
    ['table', 'table wide', []],
    ['a comment at the end', 'select 1 as one -- the end', [{ one: 1 }]],
    ['a semicolon', 'select 1 as one;', [{ one: 1 }]],
    ['show', 'show standard_conforming_strings', [{ standard_conforming_strings: 'on' }]],
    [
      'returning',
      "insert into wide values (5, 'five') returning id, body",
      [{ id: 5, body: 'five' }],
    ],
    [
      'a statement that writes in its with',
      "with w as (insert into wide values (6, 'six') returning id) select id from w",
      [{ id: 6 }],
    ],
  ])('are those of %s', async (_name, sql, rows) => {
    expect(await session.query(sql)).toEqual(rows)
    expect(statements()).toHaveLength(1)
  })

  test('over 1 MiB are read through a cursor, and the transaction lives', async () => {
    await fill(5_000, 1_000)
    aurora.calls.clear()
    const rows = await session.query('select id, body from wide order by id')
    expect(rows).toHaveLength(5_000)
    expect(rows.map((row) => row.id)).toEqual(Array.from({ length: 5_000 }, (_, i) => i + 1))
    expect(rows.at(-1)?.body).toBe('x'.repeat(1_000))
    const sent = statements()
    expect(sent[1]).toBe(
      'declare "aurora_cursor" no scroll cursor for\nselect id, body from wide order by id',
    )
    expect(
      sent.slice(2, -1).every((sql) => /^fetch forward \d+ from "aurora_cursor"$/.test(sql)),
    ).toBe(true)
    expect(sent.at(-1)).toBe('close "aurora_cursor"')
    expect(sent).toHaveLength(9)
    expect(await session.query('select count(*)::int as n from wide')).toEqual([{ n: 5_000 }])
  })

  test.each([
    [
      'many columns',
      'select id, null as b, null as c, null as d, null as e, null as f, null as g from wide',
    ],
    ['quotes and backslashes', `select id, repeat('\\"', 40) as b from wide`],
    ['bytes', `select id, decode(repeat('ff', 60), 'hex') as b from wide`],
    [
      'small rows beside a large one',
      "select id, case id when 9 then repeat('y', 300000) else '' end as b from wide",
    ],
  ])('of %s near the limit never end the transaction', async (_name, sql) => {
    await fill(9_000, 1)
    expect(await session.query(sql)).toHaveLength(9_000)
    expect(session.failure).toBeUndefined()
    expect(await session.query('select 1 as one')).toEqual([{ one: 1 }])
  })

  test('of a large returning fail before the commit, and the fix is named', async () => {
    await fill(5_000, 1_000)
    await expect(session.query('update wide set id = -id returning *')).rejects.toThrow(
      /^a statement answers 5000 rows of about 5\d{6} bytes and the Data API at most 1 MiB: return fewer columns, or change the rows in parts \(it begins: update wide set id = -id returning \*\)$/,
    )
    await expect(session.commit()).rejects.toThrow('a statement answers 5000 rows')
  })

  test('with one row over 1 MiB fail, and the fix is named', async () => {
    await fill(1, 1_100_000)
    await expect(session.query('select body from wide')).rejects.toThrow(
      /^a row of a result takes about 11\d{5} bytes .* select part of the value, as in substr/,
    )
  })

  test('of a statement that returns none are refused before it is sent', async () => {
    await expect(session.query("insert into wide values (1, 'x')")).rejects.toThrow(
      "op.query needs a statement that returns rows: add 'returning …', or run it with op.execute (it begins: insert into wide values (1, 'x'))",
    )
    expect(statements()).toEqual([])
  })

  test('with two columns of one name keep the last, as node-postgres does', async () => {
    expect(await session.query('select 1 as a, 2 as a')).toEqual([{ a: 2 }])
  })
})

describe('the position of an error', () => {
  test('counts in the statement as it was written', async () => {
    const error = await session
      .query('select id, nosuch from wide')
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: '42703', position: 12, sql: 'select id, nosuch from wide' })
  })
})
