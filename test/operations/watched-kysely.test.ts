import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import { describe, expect, test, vi } from 'vitest'
import { operations } from './operations-fixture.ts'

const open = operations()

interface Tables {
  teams: { id: number; name: string }
  players: { id: number; name: string; team_id: number | null }
  'stats.goals': { player_id: number }
}

const SETUP = [
  'create table teams (id integer primary key, name text)',
  'create table players (id integer primary key, name text, team_id integer references teams)',
  'create schema stats',
  'create table stats.goals (player_id integer)',
  "insert into teams values (1, 'a'), (2, 'b')",
  "insert into players values (1, 'p', 1), (2, 'q', 1), (3, 'r', 2)",
]

describe('getBind', () => {
  test('names a call that nobody awaited, and its failure is not an unhandled rejection', async () => {
    const { op, session } = await open(...SETUP)
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const db = op.getBind<Tables>()
    void db.updateTable('teams').set({ name: 'c' }).where('id', '=', 1).execute()
    void db.insertInto('players').values({ id: 1, name: 'x', team_id: 1 }).executeTakeFirst()
    // Kysely takes a while before it sends anything.
    await vi.waitFor(() => expect(session.failure).toBeDefined())
    await sleep(20)
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    expect(session.failure?.message).toContain('players_pkey')
    expect(op.notAwaited()).toEqual([
      `op.getBind()….execute (update "teams" set "name" = 'c' where "id" = 1)`,
      `op.getBind()….executeTakeFirst (insert into "players" ("id", "name", "team_id") values ( 1, 'x', 1))`,
    ])
  })

  test('is Kysely in every other way', async () => {
    const { op, session } = await open(...SETUP)
    await session.begin()
    const db = op.getBind<Tables>()
    expect(db).toBeInstanceOf(Kysely)

    const big = db
      .selectFrom('players')
      .select('team_id')
      .groupBy('team_id')
      .having(db.fn.countAll(), '>', 1)
    expect(await db.selectFrom('teams').select('name').where('id', 'in', big).execute()).toEqual([
      { name: 'a' },
    ])
    const nested = await db
      .with('t', (q) => q.selectFrom('teams').selectAll())
      .selectFrom('t')
      .innerJoin('players as p', 'p.team_id', 't.id')
      .select((eb) => ['t.name', eb.fn.count<string>('p.id').as('n')])
      .select((eb) =>
        jsonArrayFrom(
          eb
            .selectFrom('players')
            .select('players.name')
            .whereRef('team_id', '=', 't.id')
            .orderBy('id'),
        ).as('all'),
      )
      .groupBy(['t.id', 't.name'])
      .orderBy('t.id')
      .execute()
    expect(nested).toEqual([
      { name: 'a', n: '2', all: [{ name: 'p' }, { name: 'q' }] },
      { name: 'b', n: '1', all: [{ name: 'r' }] },
    ])
    const sub = db.selectFrom('players').select('name').limit(1).as('sub')
    expect(await db.selectFrom(sub).selectAll().executeTakeFirst()).toEqual({ name: 'p' })
    expect(
      await db.selectFrom('teams').select(db.fn.max('id').as('max')).executeTakeFirstOrThrow(),
    ).toEqual({ max: 2 })
    expect(
      await db
        .selectFrom('teams')
        .select(db.dynamic.ref<'name'>('name'))
        .orderBy('id')
        .executeTakeFirst(),
    ).toEqual({ name: 'a' })
    await expect(
      db.selectFrom('teams').selectAll().where('id', '=', 9).executeTakeFirstOrThrow(),
    ).rejects.toThrow('no result')
    expect(
      await db
        .withSchema('stats')
        .insertInto('goals' as never)
        .values({ player_id: 1 } as never)
        .returningAll()
        .execute(),
    ).toEqual([{ player_id: 1 }])
    expect((await sql<{ n: number }>`select ${7}::integer as n`.execute(db)).rows).toEqual([
      { n: 7 },
    ])
    await db.schema.alterTable('teams').addColumn('city', 'text').execute()
    await db.schema
      .createTable('later')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .execute()
    const compiled = db.deleteFrom('teams').where('id', '=', 7).compile()
    expect((await db.executeQuery(compiled)).numAffectedRows).toBe(0n)

    const failed = db.transaction().execute(async (inner) => {
      await inner.updateTable('teams').set({ name: 'gone' }).execute()
      throw new Error('back to the savepoint')
    })
    await expect(failed).rejects.toThrow('back to the savepoint')
    expect(
      await db
        .selectFrom('teams')
        .select('name')
        .$call((q) => q.orderBy('id'))
        .execute(),
    ).toEqual([{ name: 'a' }, { name: 'b' }])
    expect(op.notAwaited()).toEqual([])
  })
})
