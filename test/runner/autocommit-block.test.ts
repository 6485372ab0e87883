import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { downgrade, stamp, upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { callNames, revision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

type Work = (op: Operations) => Promise<void>

async function run(database: string, work: Work, ...more: Work[]) {
  const revisions = [work, ...more].map((each, i) =>
    revision(`r${i + 1}`, i === 0 ? null : `r${i}`, each, async () => {}),
  )
  return await upgrade(testContext(aurora, database, revisions))
}

const BEFORE: Work = async (op) => {
  await op.execute('create table k (id integer)')
  await op.execute('insert into k values (1), (2)')
}
const BLOCK: Work = (op) =>
  op.autocommitBlock(async () => {
    await op.execute('create index concurrently k_id on k (id)')
  })
const AFTER: Work = (op) => op.execute('insert into k values (3)')
const FAIL: Work = (op) => op.execute('select 1/0')

function together(...parts: Work[]): Work {
  return async (op) => {
    for (const part of parts) await part(op)
  }
}

async function look(database: string) {
  const client = await connect(aurora, database)
  const history = await client.query(
    'select revision, outcome, done, seq::int, statements, lease_until is null as free from alembic_version_history order by started_at',
  )
  const ids = await client.query('select array_agg(id order by id) as ids from k')
  const index = await client.query(
    "select indisvalid from pg_index where indexrelid = to_regclass('k_id')",
  )
  const versions = await client.query('select version_num from alembic_version')
  return {
    history: history.rows,
    ids: ids.rows[0]?.ids,
    indexValid: index.rows[0]?.indisvalid,
    versions: versions.rows.map((row) => row.version_num),
  }
}

describe('an autocommit block', () => {
  test('commits what came before, runs outside a transaction, and goes on in a new one', async () => {
    const database = await newDatabase(aurora)
    expect(await run(database, together(BEFORE, BLOCK, AFTER))).toMatchObject({
      status: 'succeeded',
    })
    expect(await look(database)).toMatchObject({
      history: [{ revision: 'r1', outcome: 'done', seq: 1, statements: 4, free: true }],
      ids: [1, 2, 3],
      indexValid: true,
      versions: ['r1'],
    })
    const calls = aurora.calls.forDatabase(database)
    expect(callNames(calls).slice(3)).toEqual([
      'BeginTransaction',
      'Fence',
      'create table',
      'insert into',
      'update "public"."alembic_version_history"',
      'CommitTransaction',
      'create index',
      'BeginTransaction',
      'Fence',
      'insert into',
      'Move',
      'CommitTransaction',
    ])
    expect(
      calls.find((call) => call.sql?.startsWith('create index'))?.transactionId,
    ).toBeUndefined()
  })

  test('keeps what getBind() gave before it valid', async () => {
    const database = await newDatabase(aurora)
    const report = await run(database, async (op) => {
      const db = op.getBind<{ k: { id: number } }>()
      await BEFORE(op)
      await BLOCK(op)
      await db.insertInto('k').values({ id: 3 }).execute()
    })
    expect(report.status).toBe('succeeded')
    expect((await look(database)).ids).toEqual([1, 2, 3])
  })

  test('whose rest fails is interrupted, and the next run goes on after what was committed', async () => {
    const database = await newDatabase(aurora)
    const report = await run(database, together(BEFORE, BLOCK, AFTER, FAIL))
    expect(report.status).toBe('failed')
    expect(report.error?.message).toContain(
      'its 2 statement(s) before the autocommit block stay committed, and the next run goes on after them',
    )
    expect(await look(database)).toMatchObject({
      history: [{ outcome: 'interrupted', done: 2, seq: 1, free: true }],
      ids: [1, 2],
      versions: [],
    })
    const repeatable: Work = (op) =>
      op.autocommitBlock(async () => {
        await op.execute('create index concurrently if not exists k_id on k (id)')
      })
    expect(await run(database, together(BEFORE, repeatable, AFTER))).toMatchObject({
      status: 'succeeded',
    })
    expect(await look(database)).toMatchObject({
      history: [{ outcome: 'done', seq: 1 }],
      ids: [1, 2, 3],
      indexValid: true,
      versions: ['r1'],
    })
  })

  test('that was interrupted is refused when the statements before it were edited, with both texts', async () => {
    const database = await newDatabase(aurora)
    await run(database, together(BEFORE, BLOCK, FAIL))
    const edited: Work = async (op) => {
      await op.execute('create table k (id integer)')
      await op.execute('insert into k values (1), (4)')
    }
    const report = await run(database, together(edited, BLOCK))
    expect(report.error?.message).toContain(
      "statement 2 was committed by the interrupted run as 'insert into k values (1), (2)' and is now 'insert into k values (1), (4)'",
    )
    expect((await look(database)).ids).toEqual([1, 2])
    const shorter = await run(database, async (op) => op.execute('create table k (id integer)'))
    expect(shorter.error?.message).toContain(
      'the interrupted run committed 2 statements and the revision now has 1',
    )
  })

  test('that was interrupted lets no other step pass, until it is finished or given up by a stamp', async () => {
    const database = await newDatabase(aurora)
    await run(database, async () => {}, together(BEFORE, BLOCK, FAIL))
    const revisions = [
      revision(
        'r1',
        null,
        async () => {},
        async () => {},
      ),
      revision(
        'r2',
        'r1',
        async () => {},
        async () => {},
      ),
    ]
    const refused = await downgrade(testContext(aurora, database, revisions), 'base')
    expect(refused.error?.message).toMatch(
      /^cannot run downgrade of r1: the upgrade of r2 by a test \(begun .*\) was interrupted after 2 statement\(s\) were committed; finish it with 'upgrade r2'/,
    )
    expect(refused.warnings).toEqual([
      "the upgrade of r2 is half done: 2 statement(s) are committed; finish it with 'upgrade r2'",
    ])
    expect(await stamp(testContext(aurora, database, revisions), ['r2'])).toMatchObject({
      status: 'succeeded',
      to: ['r2'],
    })
    expect(await downgrade(testContext(aurora, database, revisions), 'base')).toMatchObject({
      status: 'succeeded',
      to: [],
    })
  })

  test('is refused after rows were read, before anything is committed', async () => {
    const database = await newDatabase(aurora)
    const report = await run(
      database,
      together(BEFORE, async (op) => void (await op.query('select id from k')), BLOCK),
    )
    expect(report.error?.message).toContain(
      'op.autocommitBlock after a statement that returns rows: an interrupted revision could not be repeated',
    )
    const client = await connect(aurora, database)
    expect((await client.query("select to_regclass('k') as k")).rows).toEqual([{ k: null }])
  })

  test.each([
    ['a plain insert', (op: Operations) => op.execute('insert into k values (9)')],
    ['a query', async (op: Operations) => void (await op.query('select 1 as one'))],
  ])('refuses %s inside it, which could not run twice', async (_what, work) => {
    const database = await newDatabase(aurora)
    const report = await run(
      database,
      together(BEFORE, (op) => op.autocommitBlock(() => work(op))),
    )
    expect(report.error?.message).toContain(
      'inside op.autocommitBlock only statements that may run twice are allowed',
    )
    expect((await look(database)).ids).toEqual([1, 2])
  })

  test('takes a statement that its author calls repeatable', async () => {
    const database = await newDatabase(aurora)
    const report = await run(
      database,
      together(BEFORE, (op) =>
        op.autocommitBlock(() =>
          op.execute('update k set id = 7 where id = 2', { repeatable: true }),
        ),
      ),
    )
    expect(report.status).toBe('succeeded')
    expect((await look(database)).ids).toEqual([1, 7])
  })

  test('may come twice in a revision', async () => {
    const database = await newDatabase(aurora)
    const second: Work = (op) => op.autocommitBlock(() => op.execute('vacuum k'))
    expect(await run(database, together(BEFORE, BLOCK, AFTER, second, AFTER))).toMatchObject({
      status: 'succeeded',
    })
    expect((await look(database)).ids).toEqual([1, 2, 3, 3])
  })
})
