import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import {
  check,
  current,
  downgrade,
  ensureVersion,
  history,
  stamp,
  upgrade,
  upgradeScript,
} from '../../lambda/commands.ts'
import { stepsBetween } from '../../lambda/ledger/movements.ts'
import { readRunRecord } from '../../lambda/ledger/run-record.ts'
import { VersionTable } from '../../lambda/ledger/version-table.ts'
import { rowsAhead } from '../../lambda/run/database-ahead.ts'
import { connect, testAurora } from '../local-aurora.ts'
import { revision, type TestContext, testContext, type Work } from '../runner-fixture.ts'
import { runScript } from '../sql-script.ts'
import { type CopiedCatalog, copyCatalog } from './hostile-catalog.ts'
import { type HostileDatabase, hostileDatabase } from './hostile-role.ts'

let aurora: LocalAurora
let place: HostileDatabase
let copied: CopiedCatalog
beforeAll(async () => {
  aurora = await testAurora({ limits: { statementTimeoutMs: 3_000 } })
  place = await hostileDatabase(aurora)
  copied = await copyCatalog(place)
  await place.superuser.query('create schema app authorization migrator')
})
afterEach(() => aurora.faults.clear())
afterAll(() => aurora.stop())

test('the copy has most of what PostgreSQL has', () => {
  const { functions, aggregates, operators, types, relations } = copied
  expect(functions).toBeGreaterThan(3_500)
  expect(aggregates).toBeGreaterThan(250)
  expect(operators).toBeGreaterThan(1_000)
  expect(types).toBeGreaterThan(60)
  expect(relations).toBeGreaterThan(120)
})

let numbers = 0

/** Runs revisions on a version table of their own. What they say is theirs, and qualified by them. */
function contextOf(works: readonly Work[], change: Partial<TestContext> = {}): TestContext {
  numbers += 1
  const revisions = works.map((work, i) =>
    revision(`r${i}`, i === 0 ? null : `r${i - 1}`, work, DROP),
  )
  const table = new VersionTable({ schema: 'public', name: `versions_${numbers}` })
  return { ...testContext(aurora, place.database, revisions, { table }), pollMs: 50, ...change }
}

const table = () => `app.k_${numbers}`
const CREATE: Work = (op) => op.execute(`create table ${table()} (id int, name varchar(20))`)
const INSERT: Work = (op) => op.execute(`insert into ${table()} values (1, 'x')`)
const DROP: Work = (op) => op.execute(`drop table if exists ${table()}`)

const FROM_SCRATCH = { fromScratch: true }

async function upgraded(works: readonly Work[], change: Partial<TestContext> = {}) {
  const context = contextOf(works, change)
  const report = await upgrade(context, 'heads', FROM_SCRATCH)
  expect(report.error?.message).toBeUndefined()
  expect(report).toMatchObject({ status: 'succeeded', to: [`r${works.length - 1}`] })
  return context
}

/** What a database of its own is led through, by everything that sends statements of ours. */
const SCENARIOS: Readonly<Record<string, () => Promise<void>>> = {
  'runs in batches': async () => {
    const context = await upgraded([CREATE, INSERT], { batching: true })
    expect(await downgrade(context, 'base')).toMatchObject({ status: 'succeeded', to: [] })
  },
  'runs statement by statement': async () => {
    const context = await upgraded([CREATE, INSERT], { batching: false })
    expect(await downgrade(context, 'r0')).toMatchObject({ status: 'succeeded', to: ['r0'] })
  },
  'runs in one transaction': async () => {
    await upgraded([CREATE, INSERT, INSERT], { transaction: 'run' })
  },
  'runs with time-outs': async () => {
    await upgraded([CREATE, INSERT], { timeouts: { lockMs: 500, statementMs: 900 } })
  },
  'runs of which nothing is to be done': async () => {
    const context = await upgraded([CREATE])
    expect(await upgrade({ ...context, checksums: { r0: 'x'.repeat(70) } })).toMatchObject({
      status: 'succeeded',
      steps: [],
    })
  },
  'commands that read': async () => {
    const context = await upgraded([CREATE])
    expect(await current(context)).toMatchObject({ rows: ['r0'] })
    expect(await history(context)).toMatchObject({ runs: [{ revision: 'r0' }] })
    expect(await check(context)).toMatchObject({ status: 'succeeded' })
    expect(await readRunRecord(context)).toMatchObject({ steps: [{ revision: 'r0' }] })
    expect(await stepsBetween(context, [], ['r0'])).toMatchObject([{ revision: 'r0' }])
    expect(await rowsAhead(context, { isKnown: () => false, isDone: () => true })).toEqual(['r0'])
  },
  'stamps and the making of the tables alone': async () => {
    const context = contextOf([CREATE, INSERT])
    expect(await ensureVersion(context)).toMatchObject({ created: true })
    expect(await stamp(context, ['r1'])).toMatchObject({ status: 'succeeded', to: ['r1'] })
  },
  'revisions that fail': async () => {
    const context = contextOf([CREATE, (op) => op.execute('select 1 from app.nowhere')])
    expect(await upgrade(context, 'heads', FROM_SCRATCH)).toMatchObject({
      status: 'failed',
      to: ['r0'],
      error: { revision: 'r1' },
    })
  },
  'statements that are followed beyond the limit of the service': async () => {
    await upgraded([
      CREATE,
      async (op) => {
        await op.execute(`insert into ${table()} select 2, 'y' from pg_catalog.pg_sleep(4) as s`)
        await op.bulkInsert(table(), [{ id: 3, name: 'z' }])
      },
    ])
  },
  'autocommit blocks': async () => {
    await upgraded([
      CREATE,
      async (op) => {
        await op.autocommitBlock(async () => {
          await op.createIndex(`k_${numbers}_id`, table(), ['id'], { concurrently: true })
        })
        await INSERT(op)
      },
    ])
  },
  'autocommit blocks whose index is there already, or whose answer is lost': async () => {
    const block: Work = async (op) => {
      await op.autocommitBlock(async () => {
        await op.execute(`create index concurrently k_${numbers}_again on ${table()} (id)`)
      })
    }
    const context = contextOf([CREATE, block])
    const sqlPattern = 'create index concurrently'
    const { database } = place
    aurora.faults.add({ database, sqlPattern, kind: 'cut-after', times: 1 })
    expect(await upgrade(context, 'heads', FROM_SCRATCH)).toMatchObject({ status: 'succeeded' })
  },
  'rows that are read': async () => {
    await upgraded([
      CREATE,
      async (op) => {
        await op.bulkInsert(table(), [{ id: 1, name: 'x' }])
        expect(await op.query(`select id, name from ${table()}`)).toEqual([{ id: 1, name: 'x' }])
        const many =
          'select g as n, pg_catalog.repeat($$x$$, 1000) as t from pg_catalog.generate_series(1, 2000) g'
        expect(await op.query(many)).toHaveLength(2_000)
        expect(await op.query(`insert into ${table()} values (2, 'y') returning id`)).toEqual([
          { id: 2 },
        ])
      },
    ])
  },
  'bulk operations': async () => {
    await upgraded([
      CREATE,
      async (op) => {
        const rows = [1, 2, 3].map((id) => ({ id, name: `row ${id}` }))
        await op.bulkInsert(table(), rows)
        await op.bulkInsert(
          table(),
          rows.map(({ id, name }) => ({ id: id + 10, name })),
          { chunkBytes: 1 },
        )
        await op.bulkInsert(table(), [{ id: 20, name: 'x' }], { returning: ['id'] })
      },
    ])
  },
  'bulk updates, but the comparison of keys': async () => {
    // It is the one of their types, as in a statement of the revision.
    await place.hostile('drop operator if exists hostile.= (int4, int4)')
    await upgraded([
      CREATE,
      INSERT,
      async (op) => void (await op.bulkUpdate(table(), [{ id: 1, name: 'one' }], { key: ['id'] })),
    ])
  },
  'steps that were interrupted, and taken over or abandoned': async () => {
    let isBroken = true
    const block: Work = async (op) => {
      await op.autocommitBlock(() => op.execute(`analyze ${isBroken ? 'app.nowhere' : table()}`))
    }
    const context = contextOf([CREATE, block])
    const interrupted = { status: 'failed', to: ['r0'] }
    expect(await upgrade(context, 'heads', FROM_SCRATCH)).toMatchObject(interrupted)
    expect(await stamp(context, ['r0'])).toMatchObject({ status: 'succeeded' })
    expect(await upgrade(context)).toMatchObject(interrupted)
    expect(await downgrade(context, 'base')).toMatchObject({ status: 'succeeded', to: [] })
    expect(await upgrade(context)).toMatchObject(interrupted)
    isBroken = false
    expect(await upgrade(context)).toMatchObject({ status: 'succeeded', to: ['r1'] })
  },
  'another run that holds the lock': async () => {
    const context = await upgraded([CREATE])
    await using other = await transaction()
    await other.query(`select pg_advisory_xact_lock(${context.table.lockKey})`)
    const report = await downgrade({ ...context, lockWaitMs: 100 }, 'base')
    expect(report.error?.message).toMatch(/another run: database process \d+ .*holds the lock/)
  },
  'a table that is locked': async () => {
    const context = await upgraded([CREATE])
    await using other = await transaction()
    await other.query(`lock table ${table()}`)
    const late = { timeouts: { lockMs: 2_000, statementMs: 0 }, deadline: Date.now() + 7_600 }
    const report = await downgrade({ ...context, ...late }, 'base')
    expect(report.error?.message).toMatch(/process \d+ of role postgres held it/)
  },
  'runs that are out of time': async () => {
    const sleep: Work = (op) => op.execute('do $$ begin perform pg_catalog.pg_sleep(20); end $$')
    const report = await upgrade(
      contextOf([sleep], { deadline: Date.now() + 7_000 }),
      'heads',
      FROM_SCRATCH,
    )
    expect(report.error?.message).toMatch(/stopped after \d+ s, when the time was up/)
  },
  scripts: async () => {
    const { map, revision: byId, table: versions } = contextOf([CREATE, INSERT])
    const script = await upgradeScript(
      { map, revision: byId, table: versions.name, run: { who: 'a test' } },
      'base:heads',
    )
    expect(await runScript(aurora, place.database, script.script ?? '')).toEqual({
      code: 0,
      message: '',
    })
  },
}

/** A transaction of somebody else's. */
async function transaction() {
  const client = await connect(aurora, place.database)
  await client.query('set search_path = pg_catalog')
  await client.query('begin')
  return { query: (sql: string) => client.query(sql), [Symbol.asyncDispose]: () => client.end() }
}

describe.each([
  ["before PostgreSQL's own", 'hostile, pg_catalog, public'],
  ["after PostgreSQL's own", 'public, hostile'],
])('with a copy of the whole catalog in the search path %s, none of it runs in', (_, path) => {
  beforeAll(async () => {
    await place.superuser.query(`alter database ${place.database} set search_path = ${path}`)
  })

  test.each(Object.entries(SCENARIOS))('%s', async (_name, lead) => {
    const before = await place.ran()
    await lead()
    expect((await place.ran()) - before).toBe(0)
  })
})
