import { describe, expect, test } from 'vitest'
import { type Entity, type EntityManager, orm } from '../../lambda/orm/orm.ts'
import { Player, rows, Tag, Team, tables } from './league.ts'
import { revisions } from './orm-fixture.ts'

const revision = revisions()

const SETUP = [...tables, ...rows]

/** What is left when the code of a revision has run; finding that sends nothing. */
async function leftOf(
  work: (em: EntityManager, orms: (entities: readonly Entity[]) => EntityManager) => unknown,
): Promise<string[]> {
  const { op, calls } = await revision(...SETUP)
  const made = (entities: readonly Entity[]) => orm(op, entities)
  await op.calls.during(async () => await work(made([Team, Player, Tag]), made))
  expect(op.notAwaited()).toEqual([])
  const sent = calls().length
  const left = op.calls.unsent.left()
  expect(calls()).toHaveLength(sent)
  return left
}

const withoutFlush = (changes: string) =>
  `flushing what it changed in an entity manager: ${changes}: add 'await em.flush()', or em.clear() to drop it`

describe('changes of a session that are not flushed', () => {
  test.each<[string, (em: EntityManager) => unknown, string]>([
    [
      'a changed entity',
      async (em) => {
        const team = await em.findOneOrFail(Team, 1)
        team.name = 'South End'
      },
      'Team 1 (name)',
    ],
    [
      'several properties of several entities',
      async (em) => {
        for (const player of await em.find(Player, {})) em.assign(player, { score: 0, story: '' })
      },
      'Player 1 (score, story), Player 2 (score, story), Player 3 (score, story)',
    ],
    [
      'several of one kind',
      (em) => {
        for (const id of [1, 2, 3]) em.create(Tag, { id, label: 'x' })
      },
      'new Tag',
    ],
    ['a created entity', (em) => void em.create(Team, { name: 'Town' }), 'new Team'],
    [
      'a persisted entity',
      (em) => void em.persist(em.create(Tag, { label: 'x' }, { persist: false })),
      'new Tag',
    ],
    [
      'an entity that lacks a value',
      (em) => void em.create(Team, {} as { name: string }),
      'new Team',
    ],
    [
      'a removed entity',
      async (em) => em.remove(await em.findOneOrFail(Player, 3)),
      'Player 3 (removed)',
    ],
    [
      'a removed reference',
      (em) => void em.remove(em.getReference(Player, 2)),
      'Player 2 (removed)',
    ],
    [
      'an entity that another one refers to',
      async (em) => {
        const player = await em.findOneOrFail(Player, 1)
        player.team = em.create(Team, { name: 'Town' }, { persist: false })
      },
      'new Team, Player 1 (team)',
    ],
    [
      'a collection',
      async (em) => {
        const team = await em.findOneOrFail(Team, 2, { populate: ['tags'] })
        team.tags.add(em.getReference(Tag, 1))
      },
      'Team 2 (tags)',
    ],
    [
      'a change after the flush',
      async (em) => {
        const team = await em.findOneOrFail(Team, 1)
        team.name = 'South End'
        await em.flush()
        team.name = 'West End'
      },
      'Team 1 (name)',
    ],
    [
      'a fork of the revision',
      async (em) => {
        const fork = em.fork()
        const team = await fork.findOneOrFail(Team, 1)
        team.name = 'South End'
        await em.flush()
      },
      'Team 1 (name)',
    ],
    [
      'a fork before many others',
      async (em) => {
        const first = em.fork()
        const team = await first.findOneOrFail(Team, 1)
        for (let i = 0; i < 30; i += 1) await em.fork().find(Tag, {})
        team.name = 'South End'
      },
      'Team 1 (name)',
    ],
    [
      'one of many forks',
      async (em) => {
        for (let i = 0; i < 30; i += 1) {
          const fork = em.fork()
          const team = await fork.findOneOrFail(Team, 1)
          team.name = `Team ${i}`
          if (i !== 12) await fork.flush()
        }
      },
      'Team 1 (name)',
    ],
    [
      'a change beside a transaction',
      async (em) => {
        const [first, second] = await em.find(Team, {})
        await em.transactional(async (inner) => {
          const team = await inner.findOneOrFail(Team, 1)
          team.name = 'South End'
        })
        expect(first?.name).toBe('South End')
        if (second) second.name = 'Lakeside'
      },
      'Team 2 (name)',
    ],
  ])('are named: %s', async (_, work, changes) => {
    expect(await leftOf((em) => work(em))).toEqual([withoutFlush(changes)])
  })

  test('are named for each session of the revision', async () => {
    const left = await leftOf(async (em, orms) => {
      em.create(Team, { name: 'Town' })
      const player = await orms([Team, Player, Tag]).findOneOrFail(Player, 1)
      player.name = 'Anna'
    })
    expect(left).toEqual([withoutFlush('new Team, Player 1 (name)')])
  })

  test('are named up to five, and counted', async () => {
    const left = await leftOf(async (em) => {
      const [team] = await em.find(Team, {})
      for (let n = 0; n < 7; n += 1) em.create(Player, { id: 10 + n, name: `p${n}`, team })
      for (const player of await em.find(Player, {})) player.score = 7
    })
    const five = [10, 11, 12, 13, 14].map((id) => `Player ${id} (score)`)
    expect(left).toEqual([withoutFlush(`${five.join(', ')} and 5 more`)])
  })

  test.each<[string, (em: EntityManager) => unknown]>([
    ['only read', async (em) => void (await em.find(Team, {}, { populate: ['players', 'tags'] }))],
    [
      'flushed',
      async (em) => {
        const [team] = await em.find(Team, {}, { populate: ['players', 'tags'] })
        if (team) team.name = 'South End'
        team?.tags.removeAll()
        em.create(Player, { name: 'Dan', team: team ?? null })
        em.remove(em.getReference(Player, 3))
        await em.flush()
      },
    ],
    [
      'flushed by a query, which MikroORM does by itself',
      async (em) => {
        em.create(Team, { name: 'Town' })
        await em.find(Team, {})
      },
    ],
    [
      'dropped',
      async (em) => {
        em.create(Team, { name: 'Town' })
        em.clear()
      },
    ],
    [
      'made without the session',
      async (em) => {
        await em.insert(Team, { name: 'Town' })
        await em.nativeUpdate(Team, 1, { name: 'x' })
        await em.upsert(Team, { name: 'Town' })
        em.create(Team, { name: 'nowhere' }, { persist: false })
      },
    ],
    [
      'set to what they were',
      async (em) => {
        const team = await em.findOneOrFail(Team, 1)
        team.name = `${team.name}`
      },
    ],
    [
      'flushed at the end of a transaction',
      (em) =>
        em.transactional(async (inner) => {
          inner.create(Team, { name: 'Town' })
          await inner.transactional((most) => void most.create(Team, { name: 'City' }))
        }),
    ],
    [
      'rolled back with a transaction',
      async (em) => {
        const team = await em.findOneOrFail(Team, 1)
        const failed = em.transactional(async (inner) => {
          team.name = 'South End'
          inner.create(Team, { name: 'Town' })
          await inner.flush()
          throw new Error('no')
        })
        await expect(failed).rejects.toThrow('no')
      },
    ],
    [
      'rolled back by the revision',
      async (em) => {
        await em.begin()
        em.create(Team, { name: 'Town' })
        await em.rollback()
      },
    ],
    [
      'those of another session with its own objects',
      async (em) => {
        await em.find(Team, {})
        const team = await em.fork().findOneOrFail(Team, 1)
        expect(team.name).toBe('North End')
      },
    ],
  ])('are none where they are %s', async (_, work) => {
    expect(await leftOf((em) => work(em))).toEqual([])
  })

  test.each<[string, (em: EntityManager, team: { name: string }) => unknown, string[]]>([
    ['are not named when their flush failed and was undone', () => undefined, []],
    [
      'are named after that when they are others',
      (em) => void em.create(Tag, { label: 'x' }),
      ['new Tag'],
    ],
    [
      'are named again once a flush went well',
      async (em, team) => {
        team.name = 'Town'
        await em.flush()
        team.name = 'City'
      },
      ['Team 1 (name)'],
    ],
  ])('%s', async (_, goOn, expected) => {
    const { op } = await revision(...SETUP)
    await op.calls.during(async () => {
      const em = orm(op, [Team, Player, Tag])
      const team = await em.findOneOrFail(Team, 1)
      await op.execute("alter table teams add constraint short check (name <> 'too long')")
      await op.execute('savepoint before')
      team.name = 'too long'
      await expect(em.flush()).rejects.toThrow('short')
      await op.execute('rollback to savepoint before')
      await goOn(em, team)
    })
    const left = expected.length === 0 ? [] : [withoutFlush(expected.join())]
    expect(op.calls.unsent.left()).toEqual(left)
  })

  test('are named again once the session goes on after a rollback', async () => {
    const left = await leftOf(async (em) => {
      const team = await em.findOneOrFail(Team, 1)
      await em.transactional(() => Promise.reject(new Error('no'))).catch(() => {})
      await em.flush()
      team.name = 'South End'
    })
    expect(left).toEqual([withoutFlush('Team 1 (name)')])
  })
})

describe('a query builder of a session that is not run', () => {
  test.each<[string, (em: EntityManager) => unknown, string]>([
    [
      'an insert',
      (em) => void em.createQueryBuilder(Team).insert({ name: 'Town' }),
      'insert into "teams" ("name") values ( \'Town\') returning "id"',
    ],
    [
      'an update that is awaited',
      // oxlint-disable-next-line typescript/await-thenable
      async (em) => void (await em.qb(Team).update({ name: 'x' }).where({ id: 1 })),
      'update "teams" set "name" = \'x\' where "id" = 1',
    ],
    [
      'a copy of one that is run',
      async (em) => {
        const query = em.qb(Team).delete({ id: 7 })
        query.clone().andWhere({ name: 'x' })
        await query.execute()
      },
      'delete from "teams" where "id" = 7 and "name" = \'x\'',
    ],
  ])('is named: %s', async (_, work, sql) => {
    expect(await leftOf((em) => work(em))).toEqual([
      `running em.createQueryBuilder()… (${sql}): add .execute()`,
    ])
  })

  test.each<[string, (em: EntityManager) => unknown]>([
    ['is run', (em) => em.qb(Team).update({ name: 'x' }).where({ id: 1 }).execute()],
    ['is read', (em) => em.qb(Team).select('*').getResultList()],
    ['is counted', (em) => em.qb(Team).getCount()],
    ['is read for one row', (em) => em.qb(Team).where({ id: 1 }).getSingleResult()],
    ['is read and counted', (em) => em.qb(Team).select('*').limit(1).getResultAndCount()],
    [
      'is a condition of another one',
      (em) =>
        em
          .qb(Team)
          .select('*')
          .where({ id: { $in: em.qb(Player).select('team') } })
          .getResultList(),
    ],
    ['is shown', (em) => em.qb(Team).select('*').getFormattedQuery()],
    ['is passed to em.execute', (em) => em.execute(em.qb(Team).select('*').toRaw())],
  ])('is not one that %s', async (_, work) => {
    expect(await leftOf((em) => work(em))).toEqual([])
  })

  test('is one whose run is not awaited, if it is not', async () => {
    const { op, session } = await revision(...SETUP)
    const em = orm(op, [Team])
    void em.qb(Team).delete({ id: 7 }).execute()
    await session.settled()
    expect(op.calls.unsent.left()).toEqual([])
    expect(op.notAwaited()).toEqual(['em.createQueryBuilder()….execute'])
  })

  test('is Kysely’s, of the same revision', async () => {
    expect(
      await leftOf((em) => {
        const db = em.getKysely() as unknown as { deleteFrom(table: string): unknown }
        db.deleteFrom('teams')
      }),
    ).toEqual([
      'running op.getBind()….deleteFrom (delete from "teams"): add .execute(), or pass it to op.execute or op.query',
    ])
  })
})
