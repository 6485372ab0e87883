import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { operations } from './operations-fixture.ts'

const open = operations()

describe('an operation that is not awaited', () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  beforeEach(() => {
    unhandled.length = 0
    process.on('unhandledRejection', note)
  })
  afterEach(() => void process.off('unhandledRejection', note))

  test('is named with its statement, also when it is finished meanwhile', async () => {
    const { op, session, look } = await open()
    void op.createTable('teams', (t) => t.addColumn('id', 'integer'))
    void op.execute('insert into\n  teams values (1)')
    await op.execute('insert into teams values (2)')
    await session.settled()
    expect(await look('select id from teams order by id')).toEqual([1, 2])
    expect(op.notAwaited()).toEqual([
      'op.createTable (create table "teams" ("id" integer))',
      'op.execute (insert into teams values (1))',
    ])
  })

  test('is named in a shortened form', async () => {
    const { op, session } = await open()
    void op.bulkInsert('teams', [{ name: 'North End' }])
    void op.executeScript('select 1; select 2')
    void op.bulkUpdate('teams', [], { key: ['id'] })
    void op.getBind()
    void op.autocommitBlock(async () => {})
    expect(op.notAwaited()).toEqual([
      'op.bulkInsert (insert into "teams" ("name") select "name" from pg_catalog.json_populate_records…)',
      'op.executeScript (select 1)',
      'op.bulkUpdate',
      'op.autocommitBlock',
    ])
    await session.settled()
  })

  test('never ends the process when it fails, and the revision has failed all the same', async () => {
    const { op, session } = await open()
    void op.execute('select nonsense')
    void op.createIndex('i', 't', [])
    await session.settled()
    await sleep(20)
    expect(unhandled).toEqual([])
    expect(session.failure?.message).toContain('nonsense')
    expect(op.notAwaited()).toEqual(['op.execute (select nonsense)', 'op.createIndex'])
  })

  test('is one whose promise was awaited in any way', async () => {
    const { op } = await open()
    const run = (sql: string) => op.execute(sql)
    await run('select 1')
    await Promise.all([run('select 2'), op.query('select 3')])
    await Promise.allSettled([run('select 4')])
    await run('select 5').then(() => {})
    await run('select 6').finally(() => {})
    await run('select nonsense').catch(() => {})
    await (async () => run('select 7'))().catch(() => {})
    const later = run('select 8')
    await sleep(1)
    await expect(later).rejects.toThrow('nonsense')
    expect(op.notAwaited()).toEqual([])
  })

  test('gives an ordinary promise to who goes on from it', async () => {
    const { op } = await open()
    const call = op.query<{ one: number }>('select 1 as one')
    expect(call).toBeInstanceOf(Promise)
    const next = call.then(([row]) => row?.one)
    expect(next.constructor).toBe(Promise)
    expect(await next).toBe(1)
  })

  test('sends its statements before those of the next call', async () => {
    const { op, session, sent } = await open()
    void op.createTable('t', (t) => t.addColumn('id', 'integer'), { comment: 'one' })
    void op.alterColumn('t', 'id', { nullable: false, comment: 'two', rename: 'n' })
    await op.executeScript('insert into t values (1); insert into t values (2)')
    await session.settled()
    expect(sent()).toEqual([
      'create table "t" ("id" integer)',
      `comment on table "t" is 'one'`,
      'alter table "t" alter column "id" set not null',
      `comment on column "t"."id" is 'two'`,
      'alter table "t" rename column "id" to "n"',
      'insert into t values (1)',
      'insert into t values (2)',
    ])
  })

  test('is refused when it comes after the revision is over', async () => {
    const { op, session, sent } = await open()
    session.close('upgrade of 1 is over')
    await expect(op.execute('select 1')).rejects.toThrow('op.execute: upgrade of 1 is over')
    await expect(op.createTable('t', (t) => t.addColumn('a', 'text'))).rejects.toThrow('is over')
    await expect(op.bulkInsert('t', [{ a: 1 }])).rejects.toThrow('is over')
    expect(sent()).toEqual([])
  })

  test('fails with what failed before it, and is not sent', async () => {
    const { op, sent } = await open()
    const first = op.execute('select nonsense')
    const second = op.dropTable('t')
    await expect(first).rejects.toThrow('nonsense')
    await expect(second).rejects.toThrow('nonsense')
    expect(sent()).toEqual(['select nonsense'])
  })
})
