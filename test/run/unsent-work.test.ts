import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { downgrade, downgradeScript, stamp, upgrade, upgradeScript } from '../../lambda/commands.ts'
import { sql } from '../../lambda/index.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { defineEntity, orm, p } from '../../lambda/orm/orm.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, tableRevision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const Thing = defineEntity({
  name: 'Thing',
  tableName: 'things',
  properties: { id: p.integer().primary(), name: p.text() },
})

const SETUP = revision('a', null, async (op) => {
  await op.executeScript(
    "create table things (id integer primary key, name text); insert into things values (1, 'one')",
  )
})

/** Prepares work and does not send it. */
const FORGOTTEN: readonly (readonly [string, (op: Operations) => unknown, string])[] = [
  [
    'a builder without execute',
    (op) => {
      op.getBind<{ things: { name: string } }>().updateTable('things').set({ name: 'two' })
    },
    'running op.getBind()….set (update "things" set "name" = \'two\'): add .execute(), or pass it to op.execute or op.query',
  ],
  [
    'several of them',
    (op) => {
      const db = op.getBind<{ things: { name: string } }>()
      db.deleteFrom('things')
      db.insertInto('things').values({ name: 'x' })
      db.deleteFrom('things')
    },
    'running op.getBind()….deleteFrom (delete from "things"): add .execute(), or pass it to op.execute or op.query (and 2 more of this kind)',
  ],
  [
    'a template that nothing runs',
    () => void sql`update things set name = ${'two'}`,
    'running sql`update things set name = …`: pass it to op.execute or op.query, or add .execute(op.getBind())',
  ],
  [
    'a session without flush',
    async (op) => {
      const thing = await orm(op, [Thing]).findOneOrFail(Thing, 1)
      thing.name = 'two'
    },
    "flushing what it changed in an entity manager: Thing 1 (name): add 'await em.flush()', or em.clear() to drop it",
  ],
]

describe('a revision that returns without sending', () => {
  test.each(FORGOTTEN)('%s fails, and names it', async (_, work, message) => {
    const database = await newDatabase(aurora)
    const forgetful = revision('b', 'a', async (op) => {
      await op.execute('create table t_b (id integer)')
      await work(op)
    })
    const report = await upgrade(testContext(aurora, database, [SETUP, forgetful]))
    expect(report).toMatchObject({ status: 'failed', to: ['a'], pending: ['b'] })
    expect(report.error?.message).toBe(
      `upgrade of b (doc of b) failed: upgrade of b (doc of b) returned without ${message}; nothing of it is committed`,
    )
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      "select outcome, to_regclass('t_b') as t from alembic_version_history where revision = 'b'",
    )
    expect(rows).toEqual([{ outcome: 'failed', t: null }])
  })

  test.each(FORGOTTEN)('%s fails with its own error, if it has one', async (_, work) => {
    const database = await newDatabase(aurora)
    const failing = revision('b', 'a', async (op) => {
      await work(op)
      throw new Error('my own')
    })
    const report = await upgrade(testContext(aurora, database, [SETUP, failing]))
    expect(report.error?.message).toContain('failed: my own;')
  })

  test('in its downgrade fails as well, and so does its script', async () => {
    const forgetful = revision(
      'a',
      null,
      (op) => op.execute('create table t_a (id integer)'),
      async () => void sql`drop table t_a`,
    )
    const database = await newDatabase(aurora)
    const context = testContext(aurora, database, [forgetful])
    await upgrade(context)
    const message = 'downgrade of a (doc of a) returned without running sql`drop table t_a`'
    expect((await downgrade(context, 'base')).error?.message).toContain(message)
    const run = { who: 'a test' }
    const table = { schema: 'public', name: 'alembic_version' }
    const script = await downgradeScript({ ...context, table, run }, 'a:base')
    expect(script.error?.message).toContain(message)
  })
})

describe('a revision that sends no statement', () => {
  const idle = revision(
    'b',
    'a',
    async () => {},
    async () => {},
  )
  const REVISIONS = [
    tableRevision('a', null),
    idle,
    tableRevision('c', 'a'),
    revision(
      'm',
      ['b', 'c'],
      async () => {},
      async () => {},
    ),
  ]
  const line = (direction: string) =>
    `${direction} of b (doc of b) sent no statement, and counts as done: if that is not meant, add what is missing in a new revision`

  test('is a warning in the report and the log, but a merge or a stamp is not', async () => {
    const database = await newDatabase(aurora)
    const context = testContext(aurora, database, REVISIONS)
    const report = await upgrade(context)
    expect(report).toMatchObject({ status: 'succeeded', to: ['m'], warnings: [line('upgrade')] })
    expect(context.lines.filter((each) => each === line('upgrade'))).toHaveLength(1)
    const back = await downgrade(testContext(aurora, database, REVISIONS), 'a')
    expect(back).toMatchObject({ status: 'succeeded', warnings: [line('downgrade')] })
    const stamped = await stamp(testContext(aurora, database, REVISIONS), ['heads'])
    expect(stamped).toMatchObject({ status: 'succeeded', warnings: [] })
  })

  test('is a warning beside a failure after it, and in a script', async () => {
    const database = await newDatabase(aurora)
    const failing = revision('c', 'b', (op) => op.execute('nonsense'))
    const context = testContext(aurora, database, [tableRevision('a', null), idle, failing])
    expect(await upgrade(context)).toMatchObject({ status: 'failed', warnings: [line('upgrade')] })
    const run = { who: 'a test' }
    const table = { schema: 'public', name: 'alembic_version' }
    expect(await upgradeScript({ ...context, table, run }, 'base:b')).toMatchObject({
      status: 'succeeded',
      warnings: [line('upgrade')],
    })
  })

  test('is none when it reads, or runs a block', async () => {
    const database = await newDatabase(aurora)
    const reading = revision('b', 'a', async (op) => void (await op.query('select 1')))
    const block = revision('c', 'b', (op) =>
      op.autocommitBlock(() => op.executeScript('analyze t_a')),
    )
    const report = await upgrade(
      testContext(aurora, database, [tableRevision('a', null), reading, block]),
    )
    expect(report).toMatchObject({ status: 'succeeded', warnings: [] })
  })
})
