import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const RUNS = 20
/** The table `applied` is there before the version table. */
const POPULATED = { fromScratch: true }

/** Each revision counts how often it ran; running twice also fails on the table that is there already. */
function counting(id: string, downRevision: string | null) {
  return revision(id, downRevision, async (op) => {
    await op.execute(`create table "t_${id}" (id integer)`)
    await op.execute(`insert into applied values ('${id}')`)
  })
}
const REVISIONS = [counting('r1', null), counting('r2', 'r1'), counting('r3', 'r2')]

/** False: the backend has ended since it was listed. */
function signalBackend(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Stops random backends of the database for a moment, again and again, as a busy machine does. */
async function stallBackends(database: string, signal: AbortSignal): Promise<number> {
  const client = await connect(aurora, database)
  let stalls = 0
  while (!signal.aborted) {
    const { rows } = await client.query<{ pid: number }>(
      'select pid from pg_stat_activity where datname = $1 and pid <> pg_backend_pid() order by random() limit 1',
      [database],
    )
    const pid = rows[0]?.pid
    if (pid === undefined) {
      await sleep(5)
      continue
    }
    if (!signalBackend(pid, 'SIGSTOP')) continue
    await sleep(150)
    signalBackend(pid, 'SIGCONT')
    stalls += 1
  }
  return stalls
}

describe.each(['read committed', 'repeatable read', 'serializable'])(
  '20 runs at once under %s',
  (isolation) => {
    test.each([
      ['a fresh database', 'running smoothly', false, false],
      ['an old database', 'running smoothly', true, false],
      ['a fresh database', 'with stalling backends', false, true],
      ['an old database', 'with stalling backends', true, true],
    ])('on %s, %s, apply each revision once', async (_age, _speed, old, stalling) => {
      const database = await newDatabase(aurora)
      const client = await connect(aurora, database)
      await client.query('create table applied (revision text)')
      await client.query('alter table applied owner to migrator')
      await client.query(
        `alter database ${database} set default_transaction_isolation = '${isolation}'`,
      )
      if (old) await upgrade(testContext(aurora, database, REVISIONS), 'r1', POPULATED)

      const stop = new AbortController()
      const stalls = stalling ? stallBackends(database, stop.signal) : Promise.resolve(0)
      const runs = Array.from({ length: RUNS }, () =>
        upgrade(testContext(aurora, database, REVISIONS), 'heads', POPULATED),
      )
      const reports = await Promise.all(runs)
      stop.abort()

      if (stalling) expect(await stalls).toBeGreaterThan(0)
      expect(reports.map((report) => [report.status, report.to, report.error?.message])).toEqual(
        Array.from({ length: RUNS }, () => ['succeeded', ['r3'], undefined]),
      )
      const applied = await client.query('select revision from applied order by 1')
      expect(applied.rows.map((row) => row.revision)).toEqual(['r1', 'r2', 'r3'])
      const history = await client.query(
        'select revision, outcome, seq::int from alembic_version_history order by seq',
      )
      expect(history.rows).toEqual([
        { revision: 'r1', outcome: 'done', seq: 1 },
        { revision: 'r2', outcome: 'done', seq: 2 },
        { revision: 'r3', outcome: 'done', seq: 3 },
      ])
      const steps = reports.flatMap((report) => report.steps.map((step) => step.revision))
      expect(steps.sort()).toEqual(old ? ['r2', 'r3'] : ['r1', 'r2', 'r3'])
    })
  },
)

test('a run that meets the lock of another says who holds it and when it frees itself', async () => {
  const database = await newDatabase(aurora)
  await upgrade(testContext(aurora, database, REVISIONS.slice(0, 0)))
  const slow = revision('s1', null, async (op) => {
    await op.query('select pg_sleep(1.5)::text as slept')
  })
  const first = upgrade(testContext(aurora, database, [slow]))
  await sleep(500)
  const context = testContext(aurora, database, [slow])
  const [one, two] = await Promise.all([first, upgrade(context)])
  expect([one?.status, two.status]).toEqual(['succeeded', 'succeeded'])
  expect(two.steps).toEqual([])
  expect(context.lines[0]).toMatch(
    /^waiting for another run: database process \d+ of role migrator holds the lock since .*; if it died the service frees it in \d+ s$/,
  )
})
