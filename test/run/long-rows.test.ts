import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext } from '../runner-fixture.ts'

/** Stands for the service's 45 s. */
const LIMIT_MS = 400

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora({ limits: { statementTimeoutMs: LIMIT_MS } })
})
afterAll(() => aurora.stop())

type Work = (op: Operations) => Promise<unknown>

/** Inserting into `k` takes longer than the service waits. */
const SLOW: Work = async (op) => {
  await op.execute('create table k (id integer, note text, bytes bytea)')
  await op.execute(
    "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.9); return null; end'",
  )
  await op.execute(
    'create trigger slow after insert on k for each statement execute function slow()',
  )
}

async function run(work: Work) {
  const database = await newDatabase(aurora)
  const revisions = [
    revision('t', null, (op) => SLOW(op) as Promise<void>),
    revision('a', 't', async (op) => void (await work(op))),
  ]
  const context = testContext(aurora, database, revisions)
  const report = await upgrade({ ...context, pollMs: 50 })
  const client = await connect(aurora, database)
  const one = async (sql: string) =>
    (await client.query({ text: sql, rowMode: 'array' })).rows.map(([first]) => first)
  return {
    report,
    lines: context.lines,
    ids: await one('select id from k order by 1'),
    versions: await one('select version_num from alembic_version'),
    outcomes: await one(
      "select outcome from alembic_version_history where revision = 'a' order by started_at",
    ),
  }
}

const LOST =
  'a statement that returns rows took longer than the 45 s of the Data API, and its rows are lost then: write them into a table with op.execute, which may take longer, and read that with op.query, or split the statement by ranges of a key (it begins: '

describe('rows that take longer than the service waits', () => {
  test.each<[string, string, Work]>([
    [
      'a select',
      'select pg_sleep(0.9)::text)',
      (op) => op.query('select pg_sleep(0.9)::text as slept'),
    ],
    [
      'a returning',
      'insert into k values (2) returning id)',
      (op) => op.query('insert into k values (2) returning id'),
    ],
    [
      'a bulk insert with returning',
      'insert into "k" ("id") select "id" from pg_catalog.json_populate_recordset',
      (op) => op.bulkInsert('k', [{ id: 2 }], { returning: ['id'] }),
    ],
  ])(
    'of %s fail the revision at once, which says what to write instead',
    async (_what, begin, work) => {
      const { report, lines, ...left } = await run(async (op) => {
        await op.execute('create table gone (id integer)')
        await work(op)
      })
      expect(report).toMatchObject({ status: 'failed', pending: ['a'] })
      expect(report.error?.message).toContain(`${LOST}${begin.replace(/\)$/, '')}`)
      expect(report.error?.message).toMatch(/\); nothing of it is committed$/)
      expect(lines.filter((line) => line.includes('run again'))).toEqual([])
      expect(left).toEqual({ ids: [], versions: ['t'], outcomes: ['failed'] })
    },
  )
})

describe('a statement without rows that takes longer than the service waits', () => {
  test.each<[string, Work, number[]]>([
    [
      'a bulk insert',
      (op) =>
        op.bulkInsert('k', [
          { id: 1, note: 'x'.repeat(900_000) },
          { id: 2, note: "it's :rows" },
        ]),
      [1, 2],
    ],
    [
      'a bulk insert of several calls',
      (op) =>
        op.bulkInsert(
          'k',
          [1, 2, 3].map((id) => ({ id, note: id === 2 ? null : `it's :${id}` })),
          { chunkBytes: 40 },
        ),
      [1, 2, 3],
    ],
    ['a select that is only executed', (op) => op.execute('select pg_sleep(0.9)'), []],
    [
      'one with long values beside it',
      (op) =>
        op
          .getBind<{ k: { id: number; note: string; bytes: Uint8Array } }>()
          .insertInto('k')
          .values({ id: 3, note: 'é'.repeat(70_000), bytes: new Uint8Array(40_000).fill(255) })
          .execute(),
      [3],
    ],
  ])('is followed to its end: %s', async (_what, work, ids) => {
    const { report, lines, ...left } = await run(work)
    expect(report.error?.message).toBeUndefined()
    expect(report).toMatchObject({ steps: [{}, { rows: ids.length }] })
    expect(left).toEqual({ ids, versions: ['a'], outcomes: ['done'] })
  })

  test('and is too long to be followed fails the revision, which says what to do', async () => {
    const { report, lines, ...left } = await run((op) =>
      op.execute(`insert into k (id, note) values (1, '${"''".repeat(30_000)}')`),
    )
    expect(report.error?.message).toContain(
      'it took longer than the 45 s of the Data API, and only a statement by itself, of fewer characters, can be followed beyond them: split it, by ranges of a key for example; statement: insert into k',
    )
    expect(lines.filter((line) => line.includes('(try 2)'))).toHaveLength(1)
    expect(left).toEqual({ ids: [], versions: ['t'], outcomes: ['failed'] })
  })
})
