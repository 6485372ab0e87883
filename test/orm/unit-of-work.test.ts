import { describe, expect, test } from 'vitest'
import { orm } from '../../lambda/orm/orm.ts'
import { Player, rows, Tag, Team, tables } from './league.ts'
import { revisions } from './orm-fixture.ts'

const revision = revisions()

describe('an entity manager', () => {
  test('reads the columns that the entity declares, and no others', async () => {
    const { op, statements } = await revision(...tables, ...rows)

    const players = await orm(op, [Player]).find(Player, {})

    expect(players.map(({ name }) => name)).toEqual(['Ann', 'Bob', 'Cid'])
    expect(statements).toEqual([
      'select "p0"."id", "p0"."name", "p0"."score", "p0"."story", "p0"."notes", "p0"."team_id" from "players" as "p0"',
    ])
  })

  test('finds by conditions, orders, limits and counts', async () => {
    const { op, calls } = await revision(...tables, ...rows)
    const em = orm(op, [Player])

    const good = await em.find(
      Player,
      { score: { $gt: 3 } },
      { orderBy: { score: 'desc' }, limit: 1 },
    )
    const ann = await em.findOneOrFail(Player, { name: { $like: 'A%' } })
    const none = await em.findOne(Player, { name: 'Dan' })

    expect(good.map(({ name }) => name)).toEqual(['Cid'])
    expect(ann.id).toBe(1)
    expect(none).toBeNull()
    expect(await em.count(Player, { team: 1 })).toBe(2)
    expect(await em.findAndCount(Player, {}, { limit: 1 })).toMatchObject([[{ name: 'Ann' }], 3])
    expect(calls()).toHaveLength(6)
  })

  test('keeps one object a row', async () => {
    const { op, calls } = await revision(...tables, ...rows)
    const em = orm(op, [Player])

    const [first] = await em.find(Player, { name: 'Ann' })
    const again = await em.findOne(Player, 1)
    const others = await orm(op, [Player]).findOne(Player, 1)

    expect(again).toBe(first)
    expect(others).not.toBe(first)
    expect(calls()).toHaveLength(2)
  })

  test('joins what a row refers to and reads collections with one statement each', async () => {
    const { op, statements } = await revision(...tables, ...rows)

    const [cid] = await orm(op, [Player]).find(Player, { name: 'Cid' }, { populate: ['team'] })
    const teams = await orm(op, [Team]).find(Team, {}, { populate: ['players', 'tags'] })

    expect(cid?.team?.name).toBe('Riverside')
    expect(teams.map((team) => team.players.getItems().map(({ name }) => name))).toEqual([
      ['Ann', 'Bob'],
      ['Cid'],
    ])
    expect(teams.map((team) => team.tags.getItems().map(({ label }) => label))).toEqual([
      ['old', 'new'],
      [],
    ])
    expect(statements).toHaveLength(4)
  })

  test('flushes new, changed and removed objects, each table with one statement', async () => {
    const { op, session, pg, statements } = await revision(...tables, ...rows)
    const em = orm(op, [Player, Team])

    const ann = await em.findOneOrFail(Player, { name: 'Ann' })
    const bob = await em.findOneOrFail(Player, { name: 'Bob' })
    const team = em.create(Team, { name: 'Town' })
    em.assign(ann, { name: 'Anna', team })
    em.assign(bob, { score: -5, team })
    em.remove(em.getReference(Player, 3))
    em.persist(em.create(Player, { name: 'Eve', team }))
    await em.flush()

    expect(statements.slice(2)).toEqual([
      `insert into "teams" ("name") values ( 'Town') returning "id"`,
      `insert into "players" ("name", "team_id") values ( 'Eve',  3) returning "id"`,
      `update "players" set "name" = case when ("id" =  1) then  'Anna' else "name" end, "team_id" = case when ("id" =  1) then  3 when ("id" =  2) then  3 else "team_id" end, "score" = case when ("id" =  2) then  (-5) else "score" end where "id" in ( 1,  2)`,
      'delete from "players" where "id" in ( 3)',
    ])
    await session.commit()
    const players = await pg.query('select id, name, score, team_id from players order by id')
    expect(players.rows).toEqual([
      { id: 1, name: 'Anna', score: 3, team_id: 3 },
      { id: 2, name: 'Bob', score: -5, team_id: 3 },
      { id: 4, name: 'Eve', score: null, team_id: 3 },
    ])
  })

  test('flushes nothing when nothing has changed', async () => {
    const { op, calls } = await revision(...tables, ...rows)
    const em = orm(op, [Player])

    for (const player of await em.find(Player, {})) player.name = `${player.name}`
    await em.flush()

    expect(calls()).toHaveLength(1)
  })

  test('writes the rows of a many-to-many relation', async () => {
    const { op, session, pg, calls } = await revision(...tables, ...rows)
    const em = orm(op, [Team])

    const [north, river] = await em.find(Team, {}, { orderBy: { id: 'asc' }, populate: ['tags'] })
    north?.tags.removeAll()
    river?.tags.add(em.getReference(Tag, 2), em.create(Tag, { label: 'loud' }))
    await em.flush()
    await session.commit()

    const { rows: links } = await pg.query('select * from teams_tags order by tag_id')
    expect(links).toEqual([
      { team_id: 2, tag_id: 2 },
      { team_id: 2, tag_id: 3 },
    ])
    expect(calls().slice(0, -1)).toHaveLength(5)
  })
})
