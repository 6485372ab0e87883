import { describe, expect, test } from 'vitest'
import { json, sql } from '../../lambda/index.ts'
import { operations } from '../operations/operations-fixture.ts'

const open = operations()

const LONG = `it's :long \\ `.repeat(8_000)

describe('a value that would make a statement longer than 65,536 characters', () => {
  test('travels beside it, and the short ones stay in the text', async () => {
    const { op, calls, look } = await open('create table note (id integer, body text, at date)')
    await op.execute(sql`insert into note values (${7}, ${LONG}, ${'2014-06-25'})`)
    const [call] = calls()
    expect(call?.sql).toBe("insert into note values ( 7, :aurora_value1,  '2014-06-25')")
    expect(call?.parameters).toEqual([{ name: 'aurora_value1', value: { stringValue: LONG } }])
    expect(await look('select body from note')).toEqual([LONG])
  })

  test('may stand beside array slices, whose bounds are no parameters', async () => {
    const { op, calls, look } = await open('create table note (body text, parts integer[])')
    const slices = sql`(a)[lo:hi] || a[2:lo] || a[:lo] || a[hi:] || a[v1:3] || '{7}'::int[]`
    const from = sql`from (values (array[1, 2, 3], 1, 2, 2)) as v (a, lo, hi, v1)`
    await op.execute(sql`insert into note select ${LONG}, ${slices} ${from}`)
    const [call] = calls()
    expect(call?.sql).toContain(
      "(a)[lo: hi] || a[2: lo] || a[: lo] || a[hi:] || a[v1: 3] || '{7}'::int[]",
    )
    expect(await look('select parts::text from note')).toEqual(['{1,2,1,2,3,2,3,7}'])
    const read = await op.query(
      sql`select (array[1, 2, 3])[1:n] as s from (values (2)) v (n) where ${LONG} <> ''`,
    )
    expect(read).toEqual([{ s: [1, 2] }])
  })

  test('has a parameter that is called like nothing in the statement', async () => {
    const { op, calls } = await open()
    const found = await op.query(
      sql`select (array[1, 2, 3])[1:v1] as s, (array[1, 2, 3])[aurora_value1:aurora_value1] as t from (values (2, 3)) v (v1, aurora_value1) where ${LONG} <> ''`,
    )
    expect(found).toEqual([{ s: [1, 2], t: [3] }])
    expect(calls()[0]?.parameters).toMatchObject([{ name: 'aurora_value_21' }])
  })

  test('works through the query builder, where it is read back as well', async () => {
    const { op } = await open('create table note (id integer, body text)')
    const db = op.getBind<{ note: { id: number; body: string } }>()
    await db.insertInto('note').values({ id: 1, body: LONG }).execute()
    const found = await db.selectFrom('note').selectAll().where('body', '=', LONG).execute()
    expect(found).toEqual([{ id: 1, body: LONG }])
  })

  test.each(['json', 'jsonb'])('is JSON for a column of type %s', async (type) => {
    const { op, look } = await open(`create table note (body ${type})`)
    await op.execute(sql`insert into note values (${json({ long: LONG })})`)
    expect(await look("select body->>'long' from note")).toEqual([LONG])
  })

  test('may be bytes', async () => {
    const { op, look } = await open('create table note (body bytea)')
    const bytes = new Uint8Array(70_000).map((_, i) => i % 256)
    await op.execute(sql`insert into note values (${bytes})`)
    const [body] = await look('select body from note')
    expect(Buffer.compare(body as Buffer, bytes)).toBe(0)
  })

  test('needs its type where the place would have given it, and the error says so', async () => {
    const { op } = await open('create table note (body xml)')
    const xml = `<a>${'x'.repeat(70_000)}</a>`
    await expect(op.execute(sql`insert into note values (${xml})`)).rejects.toThrow(
      /column "body" is of type xml but expression is of type text \(SQLSTATE 42804\).*name the type after it/,
    )
    const { op: again } = await open('create table note (body xml)')
    await again.execute(sql`insert into note values (${xml}::xml)`)
  })
})

describe('a statement that is too long without any long value', () => {
  test('is refused before it is sent, and the fix is named', async () => {
    const { op, sent } = await open()
    await expect(op.execute(`select '${'x'.repeat(70_000)}'`)).rejects.toThrow(
      /^op\.execute: a statement has 70009 characters and the Data API takes at most 65536: pass rows to op\.bulkInsert/,
    )
    expect(sent()).toEqual([])
  })
})
