import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import type { RunnerContext } from '../../lambda/run/runner-context.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext } from '../runner-fixture.ts'

/** Stands for the service's 45 s. */
const LIMIT_MS = 600
/** Stands for its 3 minutes; longer than a pause between two looks. */
const IDLE_MS = 2_000

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora({
    limits: { statementTimeoutMs: LIMIT_MS, transactionIdleMs: IDLE_MS },
  })
})
afterAll(() => aurora.stop())

type Work = (op: Operations) => Promise<void>

const TABLE: Work = (op) => op.execute('create table k (id integer)')

const NOTHING: Work = async () => {}

/** Runs one revision after another that makes the table `k` and does what else must be there. */
async function run(
  database: string,
  work: Work,
  more: Partial<RunnerContext> = {},
  setup: Work = NOTHING,
) {
  const first: Work = async (op) => {
    await TABLE(op)
    await setup(op)
  }
  const revisions = [revision('t', null, first), revision('a', 't', work)]
  const context = { ...testContext(aurora, database, revisions), pollMs: 50, ...more }
  return { report: await upgrade(context), lines: context.lines }
}

async function column(database: string, sql: string): Promise<unknown[]> {
  const client = await connect(aurora, database)
  const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
  return rows.map(([first]) => first)
}

describe('a statement of a transaction that takes longer than the service waits', () => {
  test('is run again with the whole revision, and followed to its end', async () => {
    const database = await newDatabase(aurora)
    const { report, lines } = await run(database, async (op) => {
      await op.execute('insert into k values (0)')
      await op.execute('insert into k select g from generate_series(1, 3) g, pg_sleep(1.5)')
      await op.execute('update k set id = id + 1')
    })
    expect(report.error?.message).toBeUndefined()
    expect(report).toMatchObject({
      status: 'succeeded',
      steps: [{}, { statements: 3, rows: 1 + 3 + 4 }],
    })
    expect(await column(database, 'select id from k order by 1')).toEqual([1, 2, 3, 4])
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^a statement took longer than the 45 s of the Data API, or those of one call together, so it is run again \(try 2\)/,
      ),
    )
  })

  test('may stand beside statements that have to be sent as they are', async () => {
    const database = await newDatabase(aurora)
    const { report } = await run(database, async (op) => {
      await op.execute("create type m as enum ('a')")
      await op.execute('insert into k select 1 from pg_sleep(1.5)')
      await op.execute("alter type m add value 'b'")
      await op.execute("do $$ begin create type n as enum ('c'); end $$")
      await op.execute("alter type n add value 'd'")
      await op.execute(
        "with x as (select id, 'b'::m as m, 'd'::n as n from k) select * into u from x",
      )
    })
    expect(report.error?.message).toBeUndefined()
    expect(await column(database, "select format('%s %s %s', id, m, n) from u")).toEqual(['1 b d'])
  })

  test('cannot be a select into, and the error has the form that can', async () => {
    const database = await newDatabase(aurora)
    const { report } = await run(database, (op) =>
      op.execute('select 1 as i into u from pg_sleep(1.5)'),
    )
    expect(report.error?.message).toContain("write it as 'create table … as select …'")
  })

  test('is not taken for done because the one before it was, when its own call never arrived', async () => {
    const database = await newDatabase(aurora)
    const pattern = 'insert into k values \\(2\\)'
    const fault = aurora.faults.add({ database, sqlPattern: pattern, kind: 'cut-before' })
    const { report } = await run(database, async (op) => {
      await op.execute('insert into k select 1 from pg_sleep(1.5)')
      await op.execute('insert into k values (2)')
      await op.execute('insert into k values (3)')
    })
    expect(fault.fired).toBe(1)
    const applied = report.status === 'succeeded' ? [1, 2, 3] : []
    expect(await column(database, 'select id from k order by 1')).toEqual(applied)
  })

  test('tells its own error, not that the transaction is aborted', async () => {
    const database = await newDatabase(aurora)
    const { report } = await run(database, (op) =>
      op.execute(
        `do $$ begin perform pg_sleep(1.5); raise exception 'too late' using errcode = '23514', hint = 'be quick'; end $$`,
      ),
    )
    expect(report).toMatchObject({ status: 'failed', error: { sqlState: '23514' } })
    expect(report.error?.message).toContain('too late (SQLSTATE 23514); be quick')
    expect(
      await column(database, "select outcome from alembic_version_history where revision = 'a'"),
    ).toEqual(['failed'])
  })
})

const DUPLICATES: Work = (op) => op.execute('insert into k values (1), (1)')

describe('a concurrent index', () => {
  const INDEX: Work = (op) =>
    op.autocommitBlock(() =>
      op.createIndex('k_id', 'k', ['id'], { concurrently: true, unique: true }),
    )
  const state = (database: string) =>
    column(database, "select indisvalid from pg_index where indexrelid = to_regclass('k_id')")

  test('that takes longer than the service waits is followed to its end', async () => {
    const database = await newDatabase(aurora)
    await run(database, async () => {
      throw new Error('only the table is wanted')
    })
    const other = await connect(aurora, database)
    await other.query('begin; insert into k values (1)')
    const running = run(database, INDEX)
    await sleep(2_000)
    await other.query('commit')
    const { report, lines } = await running
    expect(report.status).toBe('succeeded')
    expect(await state(database)).toEqual([true])
    expect(lines).toContainEqual(expect.stringMatching(/^still at work after \d+ s, .*: create /))
  })

  test('that failed after the service had stopped waiting is told to be INVALID', async () => {
    const database = await newDatabase(aurora)
    const other = await connect(aurora, database)
    const running = run(database, (op) =>
      op.autocommitBlock(async () => {
        await other.query('insert into k values (1), (1)')
        await other.query('begin; insert into k values (2)')
        await op.createIndex('k_id', 'k', ['id'], { concurrently: true, unique: true })
      }),
    )
    await sleep(2_500)
    await other.query('commit')
    const { report } = await running
    expect(report.status).toBe('failed')
    expect(report.error?.message).toContain(
      'index "k_id" is left INVALID, and built anew by the next run: see that nothing is in its way',
    )
    expect(await state(database)).toEqual([false])
  })

  test('that failed is left INVALID, which the report says, and is built anew by the next run', async () => {
    const database = await newDatabase(aurora)
    const { report } = await run(database, INDEX, {}, DUPLICATES)
    expect(report.error?.message).toContain(
      'index "k_id" is left INVALID, and built anew by the next run',
    )
    expect(await state(database)).toEqual([false])
    await column(database, 'delete from k where ctid in (select ctid from k limit 1)')
    const { report: second, lines } = await run(database, INDEX)
    expect(second.status).toBe('succeeded')
    expect(lines).toContain('index "k_id" was left INVALID: dropped, and built again')
    expect(await state(database)).toEqual([true])
  })

  test.each([
    ['is there as it should be is done', 'create unique index k_id on k (id)', 'succeeded'],
    [
      'is there on another column is an error',
      'create unique index k_id on k ((id + 1))',
      'failed',
    ],
    ['is there but not unique is an error', 'create index k_id on k (id)', 'failed'],
  ])('that %s', async (_what, there, status) => {
    const database = await newDatabase(aurora)
    const { report } = await run(database, INDEX, {}, (op) => op.execute(there))
    expect([report.status, report.error?.sqlState]).toEqual([
      status,
      status === 'failed' ? '42P07' : undefined,
    ])
  })

  test('that was left INVALID is built anew by `if not exists`, too', async () => {
    const database = await newDatabase(aurora)
    const other = await connect(aurora, database)
    const again: Work = (op) =>
      op.autocommitBlock(async () => {
        await other.query('create unique index concurrently k_id on k (id)').catch(() => undefined)
        await other.query('alter table k owner to migrator')
        await op.execute('create index concurrently if not exists k_id on k (id)')
      })
    const { report } = await run(database, again, {}, DUPLICATES)
    expect([report.status, report.error?.message]).toEqual(['succeeded', undefined])
    expect(await state(database)).toEqual([true])
  })

  test('in a schema of its own is found by its table', async () => {
    const database = await newDatabase(aurora)
    const setup = `create schema "My.Own"; create table "My.Own"."T" (id integer);
      create index "I" on "My.Own"."T" (id) where id > 1`
    const again: Work = (op) =>
      op.autocommitBlock(async () => {
        await op.execute('create index concurrently "I" on "My.Own"."T" (id) where id > 1')
        await op.execute('drop index concurrently "My.Own"."I"')
        await op.execute('drop index concurrently "My.Own"."I"')
      })
    const { report } = await run(database, again, {}, (op) => op.executeScript(setup))
    expect([report.status, report.error?.message]).toEqual(['succeeded', undefined])
  })
})

describe('a transaction that is idle', () => {
  test('is kept alive while the revision waits for something else', async () => {
    const database = await newDatabase(aurora)
    const context = testContext(aurora, database, [])
    const { report } = await run(
      database,
      async (op) => {
        await op.execute('insert into k values (1)')
        await sleep(2 * IDLE_MS)
        await op.execute('insert into k values (2)')
      },
      { sessionOptions: { ...context.sessionOptions, keepAliveMs: IDLE_MS / 4 } },
    )
    expect(report.status).toBe('succeeded')
  })

  test('and gone, because JavaScript never let go, fails with that cause', async () => {
    const database = await newDatabase(aurora)
    const context = testContext(aurora, database, [])
    const { report } = await run(
      database,
      async (op) => {
        await op.execute('insert into k values (1)')
        const end = Date.now() + 2 * IDLE_MS
        while (Date.now() < end);
        // Local Aurora lives in this process: its clock has stood still as well.
        aurora.faults.add({ database, operation: 'ExecuteStatement', kind: 'transaction-expired' })
        await op.execute('insert into k values (2)')
      },
      { sessionOptions: { ...context.sessionOptions, keepAliveMs: IDLE_MS / 4 } },
    )
    expect(report.error?.message).toContain(
      'the revision ran 4 s of JavaScript without an await, so its transaction could not be kept alive',
    )
    expect(await column(database, 'select id from k')).toEqual([])
    expect(await column(database, 'select version_num from alembic_version')).toEqual(['t'])
  })
})
