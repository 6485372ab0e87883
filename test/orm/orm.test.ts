import { describe, expect, test } from 'vitest'
import { defineEntity, orm, p, raw } from '../../lambda/orm/orm.ts'
import { Player, rows, Tag, Team, tables } from './league.ts'
import { revisions } from './orm-fixture.ts'

const revision = revisions()

describe('orm()', () => {
  test('inserts, updates, deletes and upserts without objects', async () => {
    const { op, session, pg } = await revision(...tables, ...rows)
    const em = orm(op, [Team, Tag])

    expect(await em.insert(Tag, { label: 'third' })).toBe(3)
    await em.insertMany(Tag, [{ label: 'fourth' }, { label: 'fifth' }])
    expect(
      await em.nativeUpdate(Tag, { label: 'third' }, { label: raw<string>('upper(label)') }),
    ).toBe(1)
    expect(await em.nativeDelete(Tag, { label: { $in: ['fourth', 'fifth'] } })).toBe(2)
    const team = await em.upsert(Team, { name: 'Riverside' })
    const teams = await em.upsertMany(Team, [{ name: 'North End' }, { name: 'Town' }])
    await session.commit()

    expect(team.id).toBe(2)
    expect(teams.map(({ name }) => name)).toEqual(['North End', 'Town'])
    const { rows: names } = await pg.query('select name from teams order by id')
    expect(names).toEqual([{ name: 'North End' }, { name: 'Riverside' }, { name: 'Town' }])
    const { rows: labels } = await pg.query('select label from tags order by id')
    expect(labels).toEqual([{ label: 'old' }, { label: 'new' }, { label: 'THIRD' }])
  })

  test('builds queries of its own', async () => {
    const { op, statements } = await revision(...tables, ...rows)
    const em = orm(op, [Player])

    const totals = await em
      .createQueryBuilder(Player, 'p')
      .select(['p.team', raw('sum(p.score) as total')])
      .groupBy('p.team')
      .having({ [raw('sum(p.score)')]: { $gt: -1 } })
      .orderBy({ team: 'asc' })
      .execute()

    expect(totals).toEqual([
      { team: 1, total: '8' },
      { team: 2, total: '8' },
    ])
    expect(statements).toHaveLength(1)
  })

  test('shares the transaction with op, whose Kysely it uses', async () => {
    const { op } = await revision(...tables)
    const em = orm(op, [Team])

    await op.bulkInsert('teams', [{ name: 'Town' }])

    expect(await em.count(Team)).toBe(1)
    expect(em.getKysely()).toBe(op.getBind())
  })

  test('takes two entities of one name, as two revisions in one process have them', async () => {
    const { op, statements } = await revision(
      'create table team_b (code text primary key, city text)',
    )
    const Other = defineEntity({
      name: 'Team',
      tableName: 'team_b',
      properties: { code: p.text().primary(), city: p.text() },
    })
    await op.execute('create table teams (id serial primary key, name text not null unique)')
    const first = orm(op, [Team])
    const second = orm(op, [Other])

    first.create(Team, { name: 'Town' })
    second.create(Other, { code: 'T', city: 'Town' })
    await first.flush()
    await second.flush()

    expect(statements.slice(1)).toEqual([
      `insert into "teams" ("name") values ( 'Town') returning "id"`,
      `insert into "team_b" ("code", "city") values ( 'T',  'Town')`,
    ])
  })

  test('may be called again with the same entities while the first one is in use', async () => {
    const { op, session, pg } = await revision(...tables, ...rows)
    const first = orm(op, [Player, Team])
    const [ann] = await first.find(Player, {}, { populate: ['team'] })
    const second = orm(op, [Team])
    const [north] = await second.find(Team, {}, { populate: ['players'] })

    if (ann?.team) ann.team.name = 'North'
    for (const player of north?.players ?? []) player.score = 0
    first.create(Player, { name: 'Dan', team: ann?.team ?? null })
    await second.flush()
    await first.flush()
    await session.commit()

    const { rows: teams } = await pg.query(
      'select t.name, array_agg(p.score order by p.id) as scores from teams t join players p on t.id = team_id group by t.id order by t.id',
    )
    expect(teams).toEqual([
      { name: 'North', scores: [0, 0, null] },
      { name: 'Riverside', scores: [8] },
    ])
  })

  test('takes entities that are classes with methods', async () => {
    const { op } = await revision(...tables, ...rows)
    const TagSchema = defineEntity({
      name: 'Label',
      tableName: 'tags',
      properties: { id: p.integer().primary(), label: p.text() },
    })
    class Label extends TagSchema.class {
      shout(): string {
        return `${this.label.toUpperCase()}!`
      }
    }
    TagSchema.setClass(Label)

    const labels = await orm(op, [Label]).find(Label, {})

    expect(labels.map((label) => label.shout())).toEqual(['OLD!', 'NEW!'])
  })

  test('does the same whatever MIKRO_ORM_ variables the environment has', async () => {
    const environment = {
      MIKRO_ORM_SCHEMA: 'elsewhere',
      MIKRO_ORM_DEBUG: 'true',
      MIKRO_ORM_BATCH_SIZE: '1',
      MIKRO_ORM_CLIENT_URL: 'nonsense',
      MIKRO_ORM_IMPLICIT_TRANSACTIONS: 'true',
      MIKRO_ORM_USE_BATCH_INSERTS: 'false',
    }
    Object.assign(process.env, environment)
    try {
      const { op, statements } = await revision(...tables)
      const em = orm(op, [Tag])
      em.create(Tag, { label: 'one' })
      em.create(Tag, { label: 'two' })
      await em.flush()

      expect(statements).toEqual([
        `insert into "tags" ("label") values ( 'one'), ( 'two') returning "id"`,
      ])
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name]
    }
  })
})
