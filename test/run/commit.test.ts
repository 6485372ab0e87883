import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { BATCHING, callNames, revision, statementsOf, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterEach(() => aurora.faults.clear())
afterAll(() => aurora.stop())

const REVISIONS = [
  revision('a', null, async (op) => {
    await op.execute('create table k (id integer)')
    await op.execute('insert into k values (1)')
  }),
]

/** What the database holds, told by the version rows, by the data, and by the history. */
async function look(database: string) {
  const client = await connect(aurora, database)
  const versions = await client.query('select version_num from alembic_version')
  const present = await client.query("select to_regclass('k') is not null as k")
  const history = await client.query(
    'select outcome from alembic_version_history order by started_at',
  )
  return {
    versions: versions.rows.map((row) => row.version_num),
    table: present.rows[0]?.k,
    outcomes: history.rows.map((row) => row.outcome),
  }
}

/** The call with the insert. */
const INSERT = BATCHING ? '^select "public"."alembic_version_exec' : '^insert into k'

const APPLIED = { versions: ['a'], table: true, outcomes: ['done'] }

describe('a commit whose answer is lost', () => {
  test.each(['cut-after', { status: 500, when: 'after' }, { status: 504, when: 'after' }] as const)(
    'after it took place (%j) is found out, and the run is a success',
    async (kind) => {
      const database = await newDatabase(aurora)
      const fault = aurora.faults.add({ database, operation: 'CommitTransaction', kind })
      const report = await upgrade(testContext(aurora, database, REVISIONS))
      expect(fault.fired).toBe(1)
      expect(report).toMatchObject({ status: 'succeeded', to: ['a'] })
      expect(await look(database)).toEqual(APPLIED)
      const calls = callNames(aurora.calls.forDatabase(database))
      const commit = calls.indexOf('CommitTransaction')
      expect(calls.slice(commit)).toEqual([
        'CommitTransaction',
        'RollbackTransaction',
        'Read',
        'select outcome',
      ])
    },
  )

  test.each(['cut-before', { status: 503, when: 'before' }] as const)(
    'before it took place (%j) is found out, and the revision is run again',
    async (kind) => {
      const database = await newDatabase(aurora)
      const fault = aurora.faults.add({ database, operation: 'CommitTransaction', kind })
      const context = testContext(aurora, database, REVISIONS)
      expect(await upgrade(context)).toMatchObject({ status: 'succeeded', to: ['a'] })
      expect(fault.fired).toBe(1)
      expect(context.lines).toContainEqual(
        expect.stringMatching(
          /^the connection broke, and nothing is committed, so it is run again \(try 2\): /,
        ),
      )
      expect(await look(database)).toEqual(APPLIED)
    },
  )

  test.each(['transaction-expired', 'kill-backend'] as const)(
    'of a transaction that was gone before it (%s) is not taken for a commit',
    async (kind) => {
      const database = await newDatabase(aurora)
      const fault = aurora.faults.add({ database, operation: 'CommitTransaction', kind })
      const { status, to } = await upgrade(testContext(aurora, database, REVISIONS))
      expect(fault.fired).toBe(1)
      const { versions, table } = await look(database)
      const isApplied = status === 'succeeded'
      expect({ to, versions, table }).toEqual(
        isApplied
          ? { to: ['a'], versions: ['a'], table: true }
          : { to: [], versions: [], table: false },
      )
    },
  )

  test('before it took place each time is a failure that leaves nothing', {
    timeout: 60_000,
  }, async () => {
    const database = await newDatabase(aurora)
    const attempts: number[] = []
    const revisions = [
      revision('a', null, async (op) => {
        attempts.push(op.attempt)
        await op.execute('create table k (id integer)')
      }),
    ]
    aurora.faults.add({ database, operation: 'CommitTransaction', kind: 'cut-before', times: 5 })
    const report = await upgrade(testContext(aurora, database, revisions))
    expect(report).toMatchObject({ status: 'failed', to: [], pending: ['a'] })
    expect(report.error?.message).toContain(
      'the connection broke at the commit, and nothing was committed: run it again',
    )
    expect(attempts).toEqual([1, 2, 3, 4, 5])
    expect(await look(database)).toEqual({ versions: [], table: false, outcomes: ['failed'] })
  })

  test('while it is still in flight is waited for', async () => {
    const database = await newDatabase(aurora)
    // A deferred trigger makes the COMMIT itself take two seconds, longer than the client waits.
    const slowCommit = revision('a', null, async (op) => {
      await op.execute('create table k (id integer)')
      await op.execute(
        "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(2); return null; end'",
      )
      await op.execute(
        'create constraint trigger slow after insert on k deferrable initially deferred for each row execute function slow()',
      )
      await op.execute('insert into k values (1)')
    })
    const report = await upgrade(testContext(aurora, database, [slowCommit], { patienceMs: 700 }))
    expect(report).toMatchObject({ status: 'succeeded', to: ['a'] })
    expect(await look(database)).toEqual(APPLIED)
  })

  test('and whose transaction can no longer be found is waited for as long as it holds the lock', async () => {
    const database = await newDatabase(aurora)
    const fault = aurora.faults.add({
      database,
      operation: 'CommitTransaction',
      kind: { late: 2_000 },
    })
    const report = await upgrade(testContext(aurora, database, REVISIONS))
    expect(fault.fired).toBe(1)
    // Reported as its own step: it is neither run again nor taken for another run's.
    expect(report).toMatchObject({ status: 'succeeded', to: ['a'], steps: [{ revision: 'a' }] })
    const calls = callNames(aurora.calls.forDatabase(database))
    expect(calls.filter((call) => call === 'BeginTransaction')).toHaveLength(1)
    expect(await look(database)).toEqual(APPLIED)
  })

  test('and cannot be found out before the deadline is unknown, and the next run settles it', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, []))
    aurora.faults.add({ database, operation: 'CommitTransaction', kind: 'cut-after' })
    aurora.faults.add({
      database,
      operation: 'RollbackTransaction',
      times: 100,
      kind: 'cut-before',
    })
    const report = await upgrade(testContext(aurora, database, REVISIONS, { timeMs: 7_000 }))
    expect(report.status).toBe('unknown')
    expect(report.error?.message).toBe(
      'the answer to a commit was lost and the database could not be asked before the deadline: run the same command again, it finds out and goes on',
    )
    aurora.faults.clear()
    expect(await upgrade(testContext(aurora, database, REVISIONS))).toMatchObject({
      status: 'succeeded',
      from: ['a'],
      steps: [],
    })
    expect(await look(database)).toEqual(APPLIED)
  })
})

describe('a transaction that the service ended', () => {
  test('is begun again, and the revision is applied once', async () => {
    const database = await newDatabase(aurora)
    aurora.faults.add({ database, sqlPattern: INSERT, kind: 'transaction-expired' })
    const report = await upgrade(testContext(aurora, database, REVISIONS))
    expect(report).toMatchObject({ status: 'succeeded', to: ['a'] })
    expect(await look(database)).toEqual(APPLIED)
  })
})

describe('a database that wakes up', () => {
  test('is waited for by the first read, with a line that says so', async () => {
    const database = await newDatabase(aurora)
    aurora.faults.add({ database, kind: { resuming: 1.5 } })
    const context = testContext(aurora, database, REVISIONS)
    const waits: string[] = []
    const retry = {
      deadline: context.deadline,
      onWait: (error: Error) => waits.push(error.message),
    }
    const report = await upgrade({ ...context, sessionOptions: { retry } })
    expect(report.status).toBe('succeeded')
    expect(waits[0]).toContain('is resuming after being auto-paused')
  })
})

describe('no call that writes', () => {
  test.each(['cut-before', 'cut-after'] as const)(
    'is sent twice in one transaction when it is %s: the revision is run again in another',
    async (kind) => {
      const database = await newDatabase(aurora)
      aurora.faults.add({ database, sqlPattern: INSERT, kind })
      const report = await upgrade(testContext(aurora, database, REVISIONS))
      expect(report).toMatchObject({ status: 'succeeded', to: ['a'] })
      const inserts = aurora.calls
        .forDatabase(database)
        .filter((call) => statementsOf(call).some((sql) => sql.startsWith('insert into k')))
      const transactions = inserts.map(({ transactionId }) => transactionId)
      expect(new Set(transactions).size).toBe(2)
      expect(transactions).toHaveLength(2)
      expect(await look(database)).toEqual(APPLIED)
      const client = await connect(aurora, database)
      expect((await client.query('select id from k')).rows).toEqual([{ id: 1 }])
    },
  )
})
