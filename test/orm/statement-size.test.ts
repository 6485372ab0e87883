import { describe, expect, test } from 'vitest'
import { defineEntity, orm, p } from '../../lambda/orm/orm.ts'
import { Player, Tag, Team, tables } from './league.ts'
import { ROOM, range, revisions } from './orm-fixture.ts'

const revision = revisions()

/** Texts of many lengths, the same in each run. */
const textOf = (index: number) => 'word? '.repeat((index * 7919) % 40)

describe('the size of a statement', () => {
  test('lets 1,000 rows of three long texts travel in as few INSERTs as hold them', async () => {
    const { op, session, pg, statements, aurora, database } = await revision(...tables)
    const em = orm(op, [Player])

    const players = range(1000).map((index) =>
      em.create(Player, { name: `n${index}`, story: textOf(index), notes: textOf(index + 1) }),
    )
    await em.flush()

    const characters = statements.reduce((sum, { length }) => sum + length, 0)
    expect(statements.length).toBe(Math.ceil(characters / ROOM))
    // With room for what the session adds to measure the answer: a larger one would end the transaction.
    for (const { sql } of aurora.calls.forDatabase(database).slice(-statements.length)) {
      expect(sql).toMatch(/^with "aurora_rows"/)
    }
    await session.commit()
    const { rows } = await pg.query('select id, name, story, notes from players order by id')
    // Each object has the key of its own row.
    expect(rows).toEqual(players.map(({ id, name, story, notes }) => ({ id, name, story, notes })))
  })

  test('lets 1,000 changes of three long texts travel in as few UPDATEs as hold them', async () => {
    const { op, session, pg, statements } = await revision(
      ...tables,
      `insert into players (name) select '' from generate_series(1, 1000)`,
    )
    const em = orm(op, [Player])

    for (const player of await em.find(Player, {})) {
      em.assign(player, {
        name: `n${player.id}`,
        story: textOf(player.id),
        notes: textOf(player.id + 1),
      })
    }
    await em.flush()

    const updates = statements.slice(1)
    const characters = updates.reduce((sum, { length }) => sum + length, 0)
    expect(updates.length).toBe(Math.ceil(characters / ROOM))
    expect(Math.max(...updates.map(({ length }) => length))).toBeLessThanOrEqual(ROOM)
    await session.commit()
    const { rows } = await pg.query('select id, name, story, notes from players order by id')
    expect(rows).toEqual(
      range(1000).map((index) => ({
        id: index + 1,
        name: `n${index + 1}`,
        story: textOf(index + 1),
        notes: textOf(index + 2),
      })),
    )
  })

  test('fills the statements of 20,000 updates to the brim', async () => {
    const { op, session, pg, statements } = await revision(
      ...tables,
      `insert into teams (name) select i::text from generate_series(1, 10) i`,
      `insert into players (name) select 'p' || i from generate_series(1, 20000) i`,
    )
    const em = orm(op, [Player, Team])

    for (const player of await em.find(Player, {})) {
      player.team = em.getReference(Team, (player.id % 10) + 1)
    }
    const before = statements.length
    await em.flush()

    const updates = statements.slice(before)
    const fullest = updates.slice(0, -1).map(({ length }) => length / ROOM)
    expect(Math.min(...fullest)).toBeGreaterThan(0.98)
    expect(updates).toHaveLength(12)
    await session.commit()
    const { rows } = await pg.query(
      'select count(*)::int as right from players where team_id = id % 10 + 1',
    )
    expect(rows).toEqual([{ right: 20_000 }])
  })

  test('gives 20,000 new rows their keys', async () => {
    const { op, session, pg } = await revision(...tables)
    const em = orm(op, [Tag])

    const tags = range(20_000).map((index) => em.create(Tag, { label: `label ${index}` }))
    await em.flush()
    await session.commit()

    const { rows } = await pg.query('select id, label from tags order by id')
    expect(tags.map(({ id, label }) => ({ id, label }))).toEqual(rows)
  })

  test('gives rows their keys also where others came with one', async () => {
    const { op, session, pg, statements } = await revision(...tables)
    const em = orm(op, [Tag])

    const label = 'x'.repeat(200)
    const tags = range(1000).map((index) =>
      em.create(Tag, index % 300 > 1 ? { id: 10_000 + index, label } : { label }),
    )
    await em.flush()
    await session.commit()

    expect(statements.length).toBe(5)
    const { rows } = await pg.query('select id from tags order by id')
    expect(tags.map(({ id }) => id).sort((a, b) => a - b)).toEqual(rows.map(({ id }) => id))
    expect(tags.map(({ id }) => id).filter((id) => id > 10_000)).toEqual(
      range(1000)
        .filter((index) => index % 300 > 1)
        .map((index) => 10_000 + index),
    )
  })

  test('keeps embedded arrays as they are, however they are divided', async () => {
    const Stay = defineEntity({
      name: 'Stay',
      embeddable: true,
      properties: { from: p.text(), until: p.text().name('to') },
    })
    const Person = defineEntity({
      name: 'Person',
      tableName: 'people',
      properties: { id: p.integer().primary(), stays: () => p.embedded(Stay).array() },
    })
    const { op, session, pg } = await revision('create table people (id int, stays jsonb)')
    const em = orm(op, [Person, Stay])
    const people = range(500).map((id) => em.create(Person, { id, stays: [] }))
    await em.flush()

    for (const person of people) person.stays = [{ from: `a${person.id}`, until: 'x'.repeat(200) }]
    await em.flush()
    await session.commit()

    const { rows } = await pg.query(
      `select count(*)::int as right from people where stays = jsonb_build_array(jsonb_build_object('from', 'a' || id, 'to', repeat('x', 200)))`,
    )
    expect(rows).toEqual([{ right: 500 }])
  })

  test('is refused with the way out where one row alone is too long', async () => {
    const { op, statements } = await revision(...tables)
    const em = orm(op, [Tag])

    em.create(Tag, { label: 'short' })
    em.create(Tag, { label: 'x'.repeat(70_000) })

    await expect(em.flush()).rejects.toThrow(
      /^a statement has 70\d{3} characters and the Data API takes at most 65536/,
    )
    expect(statements).toEqual([`insert into "tags" ("label") values ( 'short') returning "id"`])
  })
})
