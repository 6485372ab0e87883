import { sql as kyselySql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { sql } from '../../lambda/index.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { operations } from './operations-fixture.ts'

const open = operations()

interface Tables {
  teams: { id: number; name: string }
  players: { id: number; name: string; team_id: number | null }
}

const SETUP = [
  'create table teams (id integer primary key, name text)',
  'create table players (id integer primary key, name text, team_id integer)',
  "insert into teams values (1, 'a'), (2, 'b')",
]

type Db = ReturnType<typeof bindOf>
const bindOf = (op: Operations) => op.getBind<Tables>()

/** What is left when the code of a revision has run. */
async function leftOf(work: (db: Db, op: Operations) => unknown): Promise<string[]> {
  const { op, session } = await open(...SETUP)
  await session.begin()
  await op.calls.during(async () => await work(bindOf(op), op))
  expect(op.notAwaited()).toEqual([])
  return op.calls.unsent.left()
}

const BUILDER = 'add .execute(), or pass it to op.execute or op.query'
const TEMPLATE = 'pass it to op.execute or op.query, or add .execute(op.getBind())'

describe('a statement that a revision makes and does not run', () => {
  test.each<[string, (db: Db, op: Operations) => unknown, string[]]>([
    [
      'an insert',
      (db) => void db.insertInto('teams').values({ id: 3, name: 'c' }),
      [
        `running op.getBind()….values (insert into "teams" ("id", "name") values ( 3, 'c')): ${BUILDER}`,
      ],
    ],
    [
      'an update that is awaited without being run',
      // oxlint-disable-next-line typescript/await-thenable
      async (db) => void (await db.updateTable('teams').set({ name: 'c' }).where('id', '=', 1)),
      [`running op.getBind()….where (update "teams" set "name" = 'c' where "id" = 1): ${BUILDER}`],
    ],
    [
      'a builder that the revision returns',
      (db) => db.deleteFrom('teams').where('id', '=', 1),
      [`running op.getBind()….where (delete from "teams" where "id" = 1): ${BUILDER}`],
    ],
    [
      'a select',
      (db) => void db.selectFrom('teams').selectAll(),
      [`running op.getBind()….selectAll (select * from "teams"): ${BUILDER}`],
    ],
    [
      'a merge',
      (db) =>
        void db
          .mergeInto('teams')
          .using('players', 'players.team_id', 'teams.id')
          .whenMatched()
          .thenDelete(),
      [
        `running op.getBind()….thenDelete (merge into "teams" using "players" on "players"."team_id" = "teams"."id" when ma…): ${BUILDER}`,
      ],
    ],
    [
      'a table',
      (db) => void db.schema.createTable('later').addColumn('id', 'integer', (c) => c.primaryKey()),
      [
        `running op.getBind()….addColumn (create table "later" ("id" integer primary key)): ${BUILDER}`,
      ],
    ],
    [
      'one in another schema',
      (db) => void db.withSchema('public').deleteFrom('teams'),
      [`running op.getBind()….deleteFrom (delete from "public"."teams"): ${BUILDER}`],
    ],
    [
      'what is no statement yet',
      (db) => void db.insertInto('teams'),
      [expect.stringMatching(/^running op\.getBind\(\)….insertInto/) as unknown as string],
    ],
    [
      'one of several, of which the others run',
      async (db) => {
        for (const id of [1, 2, 3]) {
          const update = db.updateTable('teams').set({ name: 'x' }).where('id', '=', id)
          if (id !== 2) await update.execute()
        }
      },
      [`running op.getBind()….where (update "teams" set "name" = 'x' where "id" = 2): ${BUILDER}`],
    ],
    [
      'one in a transaction',
      (db) =>
        db.transaction().execute(async (trx) => {
          await trx.deleteFrom('players').execute()
          trx.deleteFrom('teams')
        }),
      [`running op.getBind()….deleteFrom (delete from "teams"): ${BUILDER}`],
    ],
    [
      'one in a transaction within another',
      async (db) => {
        const trx = await db.startTransaction().execute()
        const inner = await trx.savepoint('inner').execute()
        inner.deleteFrom('teams')
        await trx.commit().execute()
      },
      [`running op.getBind()….deleteFrom (delete from "teams"): ${BUILDER}`],
    ],
    [
      'one in a connection',
      (db) => db.connection().execute(async (one) => void one.deleteFrom('teams')),
      [`running op.getBind()….deleteFrom (delete from "teams"): ${BUILDER}`],
    ],
    [
      'the end of a transaction',
      async (db) => {
        const trx = await db.startTransaction().execute()
        await trx.deleteFrom('teams').execute()
        trx.rollback()
      },
      [`running op.getBind()….rollback: ${BUILDER}`],
    ],
    [
      'one in $call',
      (db) =>
        db
          .selectFrom('teams')
          .selectAll()
          .$call((query) => {
            query.where('id', '=', 1)
            return query
          })
          .execute(),
      [`running op.getBind()….where (select * from "teams" where "id" = 1): ${BUILDER}`],
    ],
    [
      'one in a with',
      (db) =>
        db
          .with('gone', (query) => {
            query.deleteFrom('players')
            return query.deleteFrom('teams').returning('id')
          })
          .selectFrom('gone')
          .selectAll()
          .execute(),
      [`running op.getBind()….deleteFrom: ${BUILDER}`],
    ],
    [
      'a template',
      () => void sql`update teams set name = ${'c'} where id = ${1}`,
      [`running sql\`update teams set name = … where id = …\`: ${TEMPLATE}`],
    ],
    [
      'a template of several lines with a comment',
      () =>
        void sql`
          -- the old ones
          delete from teams`,
      [`running sql\`-- the old ones delete from teams\`: ${TEMPLATE}`],
    ],
    [
      'a text',
      () => void sql.raw('drop table teams'),
      [`running sql\`drop table teams\`: ${TEMPLATE}`],
    ],
  ])('is named: %s', async (_, work, left) => {
    expect(await leftOf(work)).toEqual(left)
  })

  test.each<[string, (db: Db, op: Operations) => unknown]>([
    ['is run', (db) => db.selectFrom('teams').selectAll().execute()],
    ['is run for one row', (db) => db.selectFrom('teams').selectAll().executeTakeFirst()],
    ['is passed to op.execute', (db, op) => op.execute(db.deleteFrom('teams'))],
    ['is passed to op.query', (db, op) => op.query(db.selectFrom('teams').selectAll())],
    ['is compiled', (db) => void db.deleteFrom('teams').compile()],
    ['is run as a compiled one', (db) => db.executeQuery(db.deleteFrom('teams').compile())],
    [
      'is the beginning of others',
      async (db) => {
        const teams = db.selectFrom('teams').selectAll()
        await teams.where('id', '=', 1).execute()
        await teams.where('id', '=', 2).execute()
      },
    ],
    [
      'is a condition',
      (db) => {
        const ids = db.selectFrom('players').select('team_id')
        return db.deleteFrom('teams').where('id', 'in', ids).execute()
      },
    ],
    [
      'is an expression in a callback',
      (db) => {
        const players = db.selectFrom('players').selectAll()
        return db
          .deleteFrom('teams')
          .where((eb) => eb.not(eb.exists(players)))
          .execute()
      },
    ],
    [
      'is a table expression',
      (db) => {
        const some = db.selectFrom('teams').selectAll().as('some')
        return db.selectFrom(some).selectAll().execute()
      },
    ],
    [
      'is a with',
      (db) => {
        const some = db.selectFrom('teams').selectAll()
        return db
          .with('some', () => some)
          .selectFrom('some')
          .selectAll()
          .execute()
      },
    ],
    [
      'is made in a with',
      (db) =>
        db
          .with('gone', (query) => query.deleteFrom('teams').returning('id'))
          .selectFrom('gone')
          .selectAll()
          .execute(),
    ],
    [
      'is the source of an insert',
      (db) =>
        db
          .insertInto('players')
          .columns(['id', 'name'])
          .expression(db.selectFrom('teams').select(['id', 'name']))
          .execute(),
    ],
    [
      'is a half of a union',
      (db) =>
        db
          .selectFrom('teams')
          .select('name')
          .union(db.selectFrom('players').select('name'))
          .execute(),
    ],
    [
      'is a view',
      (db) => db.schema.createView('names').as(db.selectFrom('teams').select('name')).execute(),
    ],
    [
      'is a part of a template',
      (db, op) => op.query(sql`select exists (${db.selectFrom('teams').selectAll()}) as found`),
    ],
    [
      'goes through $if and $call',
      (db) =>
        db
          .selectFrom('teams')
          .selectAll()
          .$if(true, (query) => query.where('id', '=', 1))
          .$if(false, (query) => query.where('id', '=', 2))
          .$call((query) => query.orderBy('id'))
          .$castTo<{ id: number }>()
          .execute(),
    ],
    [
      'is run in a transaction that the revision ends itself',
      async (db) => {
        const trx = await db.startTransaction().execute()
        await trx.deleteFrom('teams').execute()
        await trx.commit().execute()
      },
    ],
    ['is a template that is run', (db) => sql`delete from teams`.execute(db)],
    ['is a template that is passed to op.execute', (_, op) => op.execute(sql`delete from teams`)],
    [
      'is a template in a template',
      (_, op) => op.query(sql`select exists (${sql`select from teams`}) as found`),
    ],
    [
      'is a template with an alias',
      (db) => db.selectFrom(sql<{ id: number }>`(select 1 as id)`.as('one')).selectAll().execute(),
    ],
    [
      'is no statement but a part of one',
      () => [
        sql`now()`,
        sql`id > ${1}`,
        sql.ref('id'),
        sql.join([1]),
        sql`do nothing`,
        sql`update`,
      ],
    ],
    ['is made with Kysely’s own sql', () => void kyselySql`delete from teams`],
    [
      'is a part of a table',
      async (_, op) => {
        await op.createTable('later', (t) =>
          t.addColumn('at', 'text', (c) => c.defaultTo(sql`now()`)),
        )
        await op.createIndex('i', 'later', [sql`lower(at)`], { where: sql`at <> ''` })
      },
    ],
    ['is an empty builder', (_, op) => void op.getBind()],
  ])('is not one that %s', async (_, work) => {
    expect(await leftOf(work)).toEqual([])
  })

  test('is one whose execution is not awaited, if it is a template', async () => {
    const { op, session } = await open(...SETUP)
    await session.begin()
    op.calls.during(() => void sql`delete from teams`.execute(op.getBind()))
    await session.settled()
    expect(op.calls.unsent.left()).toEqual([])
    expect(op.notAwaited()).toEqual(['sql`…`.execute (delete from teams)'])
  })

  test('is kept from no other code: a template outside of a revision is Kysely’s own', () => {
    const template = sql`delete from teams`
    expect(Object.keys(template)).toEqual([])
  })
})
