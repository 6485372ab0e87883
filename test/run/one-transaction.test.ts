import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { downgrade, upgrade } from '../../lambda/commands.ts'
import { dumpCatalog } from '../catalog-dump.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import {
  BATCHING,
  callNames,
  revision,
  type TestContext,
  tableRevision,
  testContext,
} from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterEach(() => aurora.faults.clear())
afterAll(() => aurora.stop())

const ROWS = revision(
  'c',
  'b',
  async (op) => {
    await op.bulkInsert('t_a', [{ id: 1 }, { id: 2 }])
    expect(await op.query('select count(*)::int as n from t_a')).toEqual([{ n: 2 }])
    await op.execute('update t_a set id = id + 10')
  },
  (op) => op.execute('delete from t_a'),
)
const LINE = [tableRevision('a', null), tableRevision('b', 'a'), ROWS]

type Revisions = Parameters<typeof testContext>[2]

function inOne(database: string, revisions: Revisions, more: Partial<TestContext> = {}) {
  return { ...testContext(aurora, database, revisions), transaction: 'run', ...more } as const
}

async function historyOf(database: string) {
  const client = await connect(aurora, database)
  const { rows } = await client.query(
    'select revision, direction, outcome, seq::int, statements, rows::int, from_rows, to_rows from alembic_version_history order by started_at, seq',
  )
  return rows
}

describe('with transaction "run" all revisions of a run', () => {
  test('are one transaction, and each has its history row and its figures', async () => {
    const database = await newDatabase(aurora)
    const report = await upgrade(inOne(database, LINE))
    expect(report).toMatchObject({ status: 'succeeded', from: [], to: ['c'], pending: [] })
    expect(report.steps).toMatchObject([
      { revision: 'a', statements: 1, rows: 0 },
      { revision: 'b', statements: 1, rows: 0 },
      { revision: 'c', statements: 3, rows: 4 },
    ])
    expect(await historyOf(database)).toMatchObject([
      { revision: 'a', outcome: 'done', seq: 1, statements: 1, rows: 0, to_rows: ['a'] },
      { revision: 'b', outcome: 'done', seq: 2, statements: 1, rows: 0, to_rows: ['b'] },
      { revision: 'c', outcome: 'done', seq: 3, statements: 3, rows: 4, to_rows: ['c'] },
    ])
    const names = callNames(aurora.calls.forDatabase(database), 2)
    expect(names.slice(names.indexOf('BeginTransaction'))).toEqual([
      'BeginTransaction',
      'Fence',
      'create table',
      'Move',
      'Fence',
      'create table',
      'Move',
      'Fence',
      'insert into',
      'select count(*)::int',
      'update t_a',
      'Move',
      'CommitTransaction',
    ])
    if (BATCHING) expect(aurora.calls.forDatabase(database)).toHaveLength(3 + 5)
  })

  test('leave what each in a transaction of its own would', async () => {
    const [one, each] = [await newDatabase(aurora), await newDatabase(aurora)]
    await upgrade(inOne(one, LINE))
    await upgrade(testContext(aurora, each, LINE))
    expect(await historyOf(one)).toEqual(await historyOf(each))
    const dumps = await Promise.all(
      [one, each].map(async (database) => dumpCatalog(await connect(aurora, database))),
    )
    expect(dumps[0]).toEqual(dumps[1])
    expect(await downgrade(inOne(one, LINE), 'base')).toMatchObject({
      status: 'succeeded',
      steps: [{ revision: 'c' }, { revision: 'b' }, { revision: 'a' }],
      to: [],
    })
    const client = await connect(aurora, one)
    expect((await client.query("select to_regclass('t_a') as a")).rows).toEqual([{ a: null }])
  })

  test.runIf(BATCHING)('are at most ten calls, be they a hundred', async () => {
    const database = await newDatabase(aurora)
    const ids = Array.from({ length: 100 }, (_, i) => `r${i}`)
    const hundred = ids.map((id, i) => tableRevision(id, ids[i - 1] ?? null))
    const report = await upgrade(inOne(database, hundred))
    expect(report.steps).toHaveLength(100)
    expect(aurora.calls.forDatabase(database).length).toBeLessThanOrEqual(10)
    expect(await historyOf(database)).toHaveLength(100)
  })

  test('leave nothing when one fails, and the report names it', async () => {
    const database = await newDatabase(aurora)
    const broken = revision('d', 'c', (op) => op.execute('insert into t_a values (11)'))
    const last = tableRevision('e', 'd')
    const report = await upgrade(inOne(database, [...LINE, broken, last]))
    expect(report).toMatchObject({
      status: 'failed',
      from: [],
      to: [],
      steps: [],
      pending: ['a', 'b', 'c', 'd', 'e'],
      error: { revision: 'd', sqlState: '23505', statement: 'insert into t_a values (11)' },
    })
    expect(report.error?.message).toBe(
      'upgrade of d (doc of d) failed: duplicate key value violates unique constraint "t_a_pkey" (SQLSTATE 23505); statement: insert into t_a values (11); nothing of this run is committed',
    )
    expect(await historyOf(database)).toMatchObject([
      { revision: 'd', outcome: 'failed', seq: null, from_rows: ['c'], to_rows: ['d'] },
    ])
    const client = await connect(aurora, database)
    expect((await client.query("select to_regclass('t_a') as a")).rows).toEqual([{ a: null }])
  })

  test('are rolled back when an autocommit block is met', async () => {
    const database = await newDatabase(aurora)
    const block = revision('b', 'a', (op) => op.autocommitBlock(() => op.execute('vacuum t_a')))
    const report = await upgrade(inOne(database, [tableRevision('a', null), block]))
    expect(report).toMatchObject({ status: 'failed', steps: [], to: [] })
    expect(report.error?.message).toContain(
      "op.autocommitBlock commits its statements by themselves, and with transaction 'run' all revisions are one transaction: run up to this revision first, with transaction 'revision'",
    )
    expect(await historyOf(database)).toMatchObject([{ revision: 'b', outcome: 'failed' }])
  })

  test('are found out when the answer to the commit is lost', { timeout: 60_000 }, async () => {
    const database = await newDatabase(aurora)
    aurora.faults.add({ database, operation: 'CommitTransaction', kind: 'cut-after' })
    expect(await upgrade(inOne(database, LINE))).toMatchObject({ status: 'succeeded', to: ['c'] })
    const other = await newDatabase(aurora)
    const fault = { database: other, operation: 'CommitTransaction', kind: 'cut-before' } as const
    aurora.faults.add({ ...fault, times: 5 })
    expect(await upgrade(inOne(other, LINE))).toMatchObject({
      status: 'failed',
      to: [],
      error: { revision: 'c' },
    })
    aurora.faults.add(fault)
    expect(await upgrade(inOne(other, LINE))).toMatchObject({ status: 'succeeded', from: [] })
  })

  test('take place once, whoever of five runs does them', async () => {
    const database = await newDatabase(aurora)
    const reports = await Promise.all(
      Array.from({ length: 5 }, () => upgrade(inOne(database, LINE, { pollMs: 50 }))),
    )
    expect(reports.map(({ status, to }) => `${status} ${to}`)).toEqual(Array(5).fill('succeeded c'))
    expect(reports.flatMap(({ steps }) => steps)).toHaveLength(3)
    expect((await historyOf(database)).map(({ outcome }) => outcome)).toEqual(Array(3).fill('done'))
  })

  test('are done one by one where the environment or the request says "revision"', async () => {
    const database = await newDatabase(aurora)
    await upgrade(inOne(database, LINE, { transaction: 'revision' }))
    const names = callNames(aurora.calls.forDatabase(database))
    expect(names.filter((name) => name === 'CommitTransaction')).toHaveLength(3)
  })
})
