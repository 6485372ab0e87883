import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineEntity, orm, p, raw } from '../../lambda/orm/orm.ts'
import { hostileString } from '../sql/hostile-values.ts'
import { revisions } from './orm-fixture.ts'

const revision = revisions()

const instant = new Date('2024-02-29T12:34:56.789Z')

describe('any string', () => {
  const Hostile = defineEntity({
    name: 'Hostile',
    tableName: 'hostile',
    properties: {
      id: p.integer().primary(),
      text: p.text(),
      data: p.json<unknown>(),
      list: p.array(),
    },
  })
  const table = 'create table hostile (id serial primary key, text text, data jsonb, list text[])'
  const strings = fc.sample(hostileString, { numRuns: 200, seed: 169 })

  test('arrives unchanged through INSERT and UPDATE, as text, JSON and array element', async () => {
    const { op, session, pg } = await revision(table)
    const em = orm(op, [Hostile])

    const entities = strings.map((text) =>
      em.create(Hostile, { text, data: { [text]: text }, list: [text, text] }),
    )
    await em.flush()
    entities.forEach((entity, index) => {
      const text = strings.at(-index) ?? ''
      em.assign(entity, { text, data: [text, { [text]: [text] }], list: [text] })
    })
    await em.flush()
    await session.commit()

    const { rows } = await pg.query('select text, data, list from hostile order by id')
    expect(rows).toEqual(
      strings.map((_, index) => {
        const text = strings.at(-index) ?? ''
        return { text, data: [text, { [text]: [text] }], list: [text] }
      }),
    )
  })

  test('is found by a condition on it, and no other row is', async () => {
    const { op } = await revision(table)
    const em = orm(op, [Hostile])
    const different = [...new Set(strings)].slice(0, 40)
    for (const text of different)
      em.create(Hostile, { text, data: { in: { [text]: text } }, list: [text] })
    await em.flush()
    em.clear()

    for (const text of different) {
      const byText = await em.find(Hostile, { text })
      const byPath = await em.find(Hostile, { data: { in: { [text]: text } } })
      const byElement = await em.find(Hostile, { list: { $contains: [text] } })
      expect([byText, byPath, byElement].map((found) => found.map((one) => one.text))).toEqual([
        [text],
        [text],
        [text],
      ])
    }
  })

  test('never takes the place of another value where a part of a query is written first', async () => {
    const { op, statements } = await revision(
      table,
      `insert into hostile (text, data, list) values ('mine', '{}', '{}'), ('theirs', '{}', '{}')`,
    )
    const em = orm(op, [Hostile])

    const found = await em
      .createQueryBuilder(Hostile, 'h')
      .select([raw('? as answer', ['or ? or ?? or :name']), 'h.text'])
      .where({ text: 'mine' })
      .orderBy({ [raw('text = ?', ['??'])]: 'asc' })
      .execute()

    expect(found).toEqual([{ answer: 'or ? or ?? or :name', text: 'mine' }])
    expect(statements).toEqual([
      `select  E'or \\x3f or \\x3f\\x3f or \\x3aname' as answer, "h"."text" from "hostile" as "h" where "h"."text" =  'mine' order by text =  E'\\x3f\\x3f' asc`,
    ])
  })

  test('is a named value of a fragment, where casts stay casts', async () => {
    const { op, statements } = await revision('select 1')

    const answer = await orm(op, [Hostile]).execute('select :id::uuid as id, :text as text', {
      id: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
      text: 'a :id ? b',
    })

    expect(answer).toEqual([{ id: '7d444840-9dc0-11d1-b245-5ffdce74fad2', text: 'a :id ? b' }])
    expect(statements).toHaveLength(1)
  })
})

describe('an embedded object', () => {
  const Address = defineEntity({
    name: 'Address',
    embeddable: true,
    properties: { city: p.text(), since: p.datetime().nullable() },
  })
  const Person = defineEntity({
    name: 'Person',
    tableName: 'people',
    properties: {
      id: p.integer().primary(),
      home: () => p.embedded(Address),
      work: () => p.embedded(Address).object(),
      past: () => p.embedded(Address).array(),
    },
  })
  const table = `create table people (id serial primary key, home_city text, home_since timestamptz,
    work jsonb, past jsonb not null default '[]')`

  test('is written as columns, as JSON and as a JSON array', async () => {
    const { op, session, pg } = await revision(table)
    const em = orm(op, [Person, Address])

    for (const suffix of ['?', "'"]) {
      em.create(Person, {
        home: { city: `home ${suffix}`, since: instant },
        work: { city: `work ${suffix}`, since: instant },
        past: [{ city: `past ${suffix}` }, { city: 'b', since: null }],
      })
    }
    await em.flush()
    em.clear()
    const people = await em.find(Person, {}, { orderBy: { id: 'asc' } })
    for (const person of people) person.past = [...person.past, { city: 'new ?', since: null }]
    await em.flush()
    await session.commit()

    expect(people[0]?.home).toMatchObject({ city: 'home ?', since: instant })
    expect(people[1]?.work).toMatchObject({ city: "work '", since: instant })
    const { rows } = await pg.query('select work, past from people order by id')
    expect(rows).toEqual(
      ['?', "'"].map((suffix) => ({
        work: { city: `work ${suffix}`, since: '2024-02-29T12:34:56.789Z' },
        past: [
          { city: `past ${suffix}` },
          { city: 'b', since: null },
          { city: 'new ?', since: null },
        ],
      })),
    )
  })

  test('is found by what is in it', async () => {
    const { op } = await revision(table)
    const em = orm(op, [Person, Address])
    em.create(Person, { home: { city: 'a' }, work: { city: 'b?' }, past: [{ city: 'c' }] })
    await em.flush()
    em.clear()

    expect(await em.count(Person, { home: { city: 'a' } })).toBe(1)
    expect(await em.count(Person, { work: { city: 'b?' } })).toBe(1)
    expect(await em.count(Person, { past: { city: 'c' } })).toBe(1)
    expect(await em.count(Person, { past: { city: '?' } })).toBe(0)
  })
})
