import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { operations } from '../operations/operations-fixture.ts'

const open = operations()

const SETUP = [
  'create table log (m text)',
  `create function note(m text) returns void language sql as 'insert into log values (m)'`,
  'create type pair as (a integer, b text)',
  `create function note_all(m text, out a pair, out b interval, out c money, out d xml, out e jsonb[], out f "char", out g regclass, out h record, out i text)
     language plpgsql as 'begin insert into log values (m); a := (1, ''x''); b := ''1 day''; h := row(1, 2); i := repeat(''x'', 2000000); end'`,
  `create procedure note_by_call(m text, inout b interval = '1 day') language plpgsql as 'begin insert into log values (m); end'`,
  `create table event (id integer generated always as identity, took interval default '1 day', body text)`,
]

describe('a statement whose rows are not asked for', () => {
  test.each([
    ['of a function that returns nothing', `select note('it')`],
    ['with columns of every type', `select * from note_all('it')`],
    ['of a composite type', `select note_all('it')`],
    ['after a with', `with x as (select 'it' as m) select note(m) from x`],
    [
      'of a with that writes',
      `with x as (insert into log values ('it') returning interval '1 s') table x`,
    ],
    ['of values', `values (1, interval '1 day'); select note('it')`],
    ['over 1 MiB', `select note('it'), repeat('x', 2000000)`],
    ['by call', `call note_by_call('it')`],
    [
      'by fetch',
      `declare c cursor for select note('it'), interval '1 day' from generate_series(1, 3); fetch 1 from c`,
    ],
    ['by explain', `explain (analyze, format xml) select note('it')`],
    ['and a comment at its end', `select note('it') -- done`],
  ])('runs once, whatever they are: %s', async (_what, script) => {
    const { op, session, look } = await open(...SETUP)
    await session.begin()
    await op.executeScript(script)
    await session.commit()
    expect(await look('select m from log')).toEqual(['it'])
  })

  test('runs once outside a transaction, too', async () => {
    const { op, look, sent } = await open(...SETUP)
    await op.execute(`select note('it'), interval '1 day'`)
    expect(sent()).toHaveLength(1)
    expect(await look('select m from log')).toEqual(['it'])
  })

  test('is one call, and counts the rows it changed', async () => {
    const { op, session, sent } = await open(...SETUP)
    await session.begin()
    sent()
    const before = session.count.rows
    await op.execute(
      `insert into event (body) select repeat('x', 100000) from generate_series(1, 20) returning *`,
    )
    await op.execute('with w as (delete from event returning *) select * from w')
    expect(sent()).toHaveLength(2)
    expect(session.count.rows - before).toBe(20)
  })

  test('may have long values beside it', async () => {
    const { op, session, look } = await open(...SETUP)
    await session.begin()
    const body = `${':x '.repeat(30_000)}é`
    await op.execute(
      op.getBind<{ event: { body: string } }>().insertInto('event').values({ body }).returningAll(),
    )
    await op.execute(sql`select note(${body}), ${body}::text`)
    await session.commit()
    expect(await look('select body from event union all select m from log')).toEqual([body, body])
  })

  test('sees rows as they are, one after the other', async () => {
    const { op, look } = await open(...SETUP)
    await op.execute(`select note(i::text) from generate_series(1, 5000) i order by i desc`)
    expect(await look('select m from log limit 2')).toEqual(['5000', '4999'])
    expect(await look('select count(*)::integer from log')).toEqual([5000])
  })
})
