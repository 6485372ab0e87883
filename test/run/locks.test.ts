import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { migratorPassword, migratorRole } from '../../infra/local/postgres/migrator-role.ts'
import { upgrade } from '../../lambda/commands.ts'
import { RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import type { RunnerContext } from '../../lambda/run/runner-context.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, type TestContextOptions, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

type Work = (op: Operations) => Promise<void>

async function run(
  database: string,
  work: Work,
  more: Partial<RunnerContext> = {},
  options: TestContextOptions = {},
) {
  const revisions = [
    revision('t', null, (op) => op.execute('create table k (id integer)')),
    revision('a', 't', work),
  ]
  const context = { ...testContext(aurora, database, revisions, options), pollMs: 50, ...more }
  return { report: await upgrade(context), lines: context.lines }
}

/** A database in which somebody else, the same role or a superuser, has the table `k` for himself. */
async function lockedTable(role: 'migrator' | 'postgres' = 'postgres') {
  const database = await newDatabase(aurora)
  await run(database, async () => {
    throw new Error('only the table is wanted')
  })
  const other = role === 'postgres' ? await connect(aurora, database) : await sameRole(database)
  await other.query('begin')
  await other.query('lock table k in access exclusive mode')
  return { database, other }
}

async function sameRole(database: string): Promise<Client> {
  const url = new URL(aurora.postgresUrl)
  url.pathname = `/${database}`
  url.username = migratorRole
  url.password = migratorPassword(aurora.postgresUrl)
  const client = new Client({ connectionString: url.href })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** The Data API of a role that is no member of pg_monitor, as a user made for migrations alone may be. */
async function ofPlainRole(database: string): Promise<RdsDataApi> {
  const username = `plain_${database}`
  const password = 'not a secret'
  const client = await connect(aurora, database)
  await client.query(`create role ${username} login password '${password}'`)
  await client.query(`grant all on schema public to ${username}`)
  await client.query(`grant all on all tables in schema public to ${username}`)
  const secretArn = aurora.putSecret(`secret-of-${username}`, { username, password })
  return new RdsDataApi({ clusterArn: aurora.clusterArn, secretArn, database })
}

const INSERT: Work = (op) => op.execute('insert into k values (1)')
const timeouts = { lockMs: 400, statementMs: 0 }

describe('a lock that is not granted in time', () => {
  test.each([
    [
      'migrator',
      'idle in transaction, its transaction \\d+ s old: lock table k in access exclusive mode',
      true,
    ],
    [
      'postgres',
      'idle in transaction, its transaction \\d+ s old: lock table k in access exclusive mode',
      true,
    ],
    ['postgres', 'what it does is shown to members of pg_read_all_stats', false],
  ] as const)(
    'fails the revision, which tells that %s had it (%s)',
    async (role, what, seesAll) => {
      const { database, other } = await lockedTable(role)
      const more = seesAll ? {} : { api: await ofPlainRole(database) }
      const { report, lines } = await run(
        database,
        INSERT,
        { timeouts, ...more },
        { timeMs: 8_000 },
      )
      expect(report).toMatchObject({ status: 'failed', error: { sqlState: '55P03' } })
      const { rows } = await other.query('select pg_backend_pid() as pid')
      expect(report.error?.message).toMatch(
        new RegExp(
          `^upgrade of a .* failed: canceling statement due to lock timeout \\(SQLSTATE 55P03\\); process ${rows[0]?.pid} of role ${role} held it \\(${what}\\); run it again when that is over, or set LOCK_TIMEOUT higher; statement: insert`,
        ),
      )
      expect(lines.filter((line) => line.startsWith('a lock was not free'))).not.toEqual([])
      await other.query('commit')
      expect((await other.query('select id from k')).rows).toEqual([])
    },
  )

  test('is tried again, and granted when the other one is done', async () => {
    const { database, other } = await lockedTable()
    const running = run(database, INSERT, { timeouts })
    await sleep(1_000)
    await other.query('commit')
    const { report } = await running
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ revision: 'a', rows: 1 }] })
  })
})

test.each(['40P01', '40001'])('a revision that failed on %s is run again', async (code) => {
  const database = await newDatabase(aurora)
  const client = await connect(aurora, database)
  await client.query('create sequence tries; alter sequence tries owner to migrator')
  await client.query('create table alembic_version (version_num varchar(32) primary key)')
  await client.query('alter table alembic_version owner to migrator')
  const { report } = await run(database, async (op) => {
    await op.execute('insert into k values (1)')
    await op.execute(
      `do $$ begin if nextval('tries') < 2 then raise exception 'in the way' using errcode = '${code}'; end if; end $$`,
    )
  })
  expect(report).toMatchObject({ status: 'succeeded', to: ['a'] })
  expect((await client.query('select count(*)::int as n from k')).rows).toEqual([{ n: 1 }])
  const history = await client.query(
    "select outcome from alembic_version_history where revision = 'a' order by started_at",
  )
  expect(history.rows.map(({ outcome }) => outcome)).toEqual(['done'])
})

test('a statement that takes longer than STATEMENT_TIMEOUT fails the revision', async () => {
  const database = await newDatabase(aurora)
  const { report } = await run(
    database,
    (op) => op.execute('do $$ begin perform pg_sleep(5); end $$'),
    {
      timeouts: { lockMs: 0, statementMs: 300 },
    },
  )
  expect(report.error).toMatchObject({ sqlState: '57014' })
})

describe('another run at work', () => {
  test.each([
    [
      0,
      /^another run was at work for 0 s, and no longer is to be waited \(LOCK_WAIT\): another run: database process \d+/,
    ],
    [600, /^another run was at work for 1 s, and no longer is to be waited/],
  ])('is waited for %i ms', async (lockWaitMs, message) => {
    const database = await newDatabase(aurora)
    await run(database, async () => {
      throw new Error('only the table is wanted')
    })
    const slow = run(database, async (op) => {
      await op.execute('do $$ begin perform pg_sleep(2.5); end $$')
    })
    await sleep(700)
    const { report } = await run(database, INSERT, { lockWaitMs })
    expect(report).toMatchObject({ status: 'failed', steps: [], error: { kind: 'LockNotFree' } })
    expect(report.error?.message).toMatch(message)
    expect((await slow).report.status).toBe('succeeded')
  })
})
