import { describe, expect, test } from 'vitest'
import { orm } from '../../lambda/orm/orm.ts'
import { Tag, Team, tables } from './league.ts'
import { ROOM, range, revisions } from './orm-fixture.ts'

const revision = revisions()

describe('what is too long for one statement', () => {
  test('is divided: the removal of 20,000 rows', async () => {
    const { op, session, pg, statements } = await revision(
      ...tables,
      `insert into tags (label) select 'l' from generate_series(1, 20000) i`,
    )
    const em = orm(op, [Tag])

    for (const tag of await em.find(Tag, {})) em.remove(tag)
    const before = statements.length
    await em.flush()
    await session.commit()

    expect(statements.slice(before).filter((sql) => sql.startsWith('delete')).length).toBe(3)
    expect((await pg.query('select id from tags')).rows).toEqual([])
  })

  test('is divided: what is read for the collections of 10,000 objects', async () => {
    const { op, statements } = await revision(
      ...tables,
      `insert into teams (name) select 'team ' || i from generate_series(1, 10000) i`,
      `insert into players (name, team_id) select 'player ' || i, i from generate_series(1, 10000) i`,
      `insert into tags (label) values ('tag')`,
      'insert into teams_tags select id, 1 from teams',
    )
    const em = orm(op, [Team])

    const teams = await em.find(Team, {}, { populate: ['players', 'tags'], orderBy: { id: 'asc' } })

    expect(teams.every(({ id, players }) => players[0]?.name === `player ${id}`)).toBe(true)
    expect(teams.every(({ tags }) => tags[0]?.label === 'tag')).toBe(true)
    expect(teams.every(({ players, tags }) => players.length + tags.length === 2)).toBe(true)
    const selects = statements.filter((sql) => sql.includes(' in ('))
    expect(Math.max(...selects.map(({ length }) => length))).toBeLessThanOrEqual(ROOM)
  })

  test('is divided: the rows of a many-to-many relation', async () => {
    const { op, session, pg } = await revision(
      ...tables,
      `insert into teams (name) values ('all')`,
      `insert into tags (label) select 'l' from generate_series(1, 6000) i`,
    )
    const em = orm(op, [Team])

    const team = await em.findOneOrFail(Team, 1, { populate: ['tags'] })
    team.tags.add(range(6000).map((index) => em.getReference(Tag, index + 1)))
    await em.flush()
    const linked = await em.execute('select count(*)::int as links from teams_tags')
    team.tags.removeAll()
    await em.flush()
    await session.commit()

    expect(linked).toEqual([{ links: 6000 }])
    expect((await pg.query('select * from teams_tags')).rows).toEqual([])
  })

  test('is divided: em.insertMany and em.upsertMany', async () => {
    const { op, session, pg } = await revision(...tables)
    const em = orm(op, [Tag])

    const rows = range(6000).map((index) => ({ id: index + 1, label: `label ${index}` }))
    await em.insertMany(Tag, rows)
    const tags = await em.upsertMany(
      Tag,
      rows.map(({ id }) => ({ id, label: `new ${id}` })),
    )
    await session.commit()

    expect(tags).toHaveLength(6000)
    const { rows: found } = await pg.query(
      `select count(*)::int as right from tags where label = 'new ' || id`,
    )
    expect(found).toEqual([{ right: 6000 }])
  })

  test('keeps the relations of the rows of em.insertMany', async () => {
    const { op, session, pg, statements } = await revision(
      ...tables,
      `insert into tags (label) values ('a'), ('b')`,
    )

    const rows = range(100).map((index) => ({ name: 'x'.repeat(1000 + index), tags: [1, 2] }))
    await orm(op, [Team]).insertMany(Team, rows)
    await session.commit()

    expect(statements.filter((sql) => sql.startsWith('insert into "teams" '))).toHaveLength(2)
    const { rows: links } = await pg.query(
      'select count(*)::int as links, count(distinct team_id)::int as teams from teams_tags',
    )
    expect(links).toEqual([{ links: 200, teams: 100 }])
  })

  test('is refused where what is read has to come in one order', async () => {
    const { op, statements } = await revision(...tables)
    const ids = range(20_000)

    const found = orm(op, [Tag]).find(Tag, { id: { $in: ids } }, { orderBy: { label: 'asc' } })

    await expect(found).rejects.toThrow(/^a statement has \d+ characters/)
    expect(statements).toEqual([])
  })
})
