import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import {
  branches,
  bundleHistory,
  check,
  downgrade,
  ensureVersion,
  history,
  show,
  stamp,
  upgrade,
} from '../lambda/commands.ts'
import { VersionTable } from '../lambda/ledger/version-table.ts'
import type { Revision } from '../lambda/revisions/revision.ts'
import { connect, newDatabase, testAurora } from './local-aurora.ts'
import { callNames, revision, tableRevision, testContext } from './runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const LINE = ['a', 'b', 'c', 'd', 'e'].map((id, i, ids) => tableRevision(id, ids[i - 1] ?? null))
const FORK = [
  tableRevision('a', null),
  { ...tableRevision('b', 'a'), branchLabels: ['left'] },
  tableRevision('c', 'a'),
  tableRevision('d', 'b'),
]

/** A context whose run is told to stop while one revision is at work. */
function stoppedIn(database: string, revisions: readonly Revision[], id: string) {
  const stop = new AbortController()
  const stopping = revisions.map((each) => {
    const then =
      (move: NonNullable<Revision['downgrade']>) => async (op: Parameters<typeof move>[0]) => {
        if (each.revision === id) stop.abort()
        await move(op)
      }
    return {
      ...each,
      upgrade: then(each.upgrade),
      downgrade: each.downgrade && then(each.downgrade),
    }
  })
  return { ...testContext(aurora, database, stopping), stop: stop.signal }
}

describe('a run that is stopped', () => {
  test('ends after the revision at work, and says what to go on with', async () => {
    const database = await newDatabase(aurora)
    expect(await upgrade(stoppedIn(database, LINE, 'b'))).toMatchObject({
      status: 'incomplete',
      to: ['b'],
      pending: ['c', 'd', 'e'],
      resume: 'heads',
    })
    const report = await upgrade(testContext(aurora, database, LINE))
    expect(report).toMatchObject({ status: 'succeeded', from: ['b'], to: ['e'] })
    expect(report).not.toHaveProperty('resume')
  })

  test.each([
    ['upgrade', '+3', 'c', 'd'],
    ['upgrade', 'a+3', 'c', 'd'],
    ['downgrade', '-1', 'c', undefined],
  ] as const)(
    'by %s %s can be continued to the goal it had',
    async (command, target, at, resume) => {
      const database = await newDatabase(aurora)
      await upgrade(testContext(aurora, database, LINE), command === 'upgrade' ? 'a' : 'c')
      const move = command === 'upgrade' ? upgrade : downgrade
      const report = await move(stoppedIn(database, LINE, at), target)
      expect(report.resume).toBe(resume)
      if (resume === undefined) return
      expect(await move(testContext(aurora, database, LINE), resume)).toMatchObject({
        status: 'succeeded',
        to: [resume],
      })
    },
  )

  test('by a downgrade of several steps goes on to the same place, on the same branch', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, FORK))
    const report = await downgrade(stoppedIn(database, FORK, 'd'), 'left@-2')
    expect(report).toMatchObject({
      status: 'incomplete',
      to: ['b', 'c'],
      pending: ['b'],
      resume: 'left@a',
    })
    expect(await downgrade(testContext(aurora, database, FORK), 'left@a')).toMatchObject({
      status: 'succeeded',
      to: ['c'],
    })
  })
})

describe('commands that ask no database', () => {
  const bundle = () => testContext(aurora, 'nobody', FORK)

  test('list branch points with what follows', () => {
    expect(branches(bundle()).revisions).toMatchObject([
      {
        revision: 'a',
        next: ['b', 'c'],
        into: [{ revision: 'b', branches: ['left'] }, { revision: 'c' }],
      },
    ])
  })

  test('show what a name stands for', () => {
    const ids = (target: string) => show(bundle(), target).revisions.map((each) => each.revision)
    expect(ids('left')).toEqual(['b'])
    expect(ids('heads')).toEqual(['c', 'd'])
    expect(ids('base')).toEqual([])
    expect(() => ids('head')).toThrow('Multiple head revisions')
  })

  test('list a range', () => {
    const ids = (range: string) =>
      bundleHistory(bundle(), { range }).revisions.map((each) => each.revision)
    expect(ids('b:d')).toEqual(['d', 'b'])
    expect(ids(':c')).toEqual(['c', 'a'])
  })
})

describe('check', () => {
  test('is one call, and tells what an upgrade would do', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, LINE), 'c')
    aurora.calls.clear()
    expect(await check(testContext(aurora, database, LINE))).toEqual({
      status: 'succeeded',
      command: 'check',
      rows: ['c'],
      pending: ['d', 'e'],
      edited: [],
      unknown: [],
      problems: [],
      warnings: [],
    })
    expect(callNames(aurora.calls.forDatabase(database))).toEqual(['Read'])
  })

  test('names rows nobody knows, and a revision that was interrupted', async () => {
    const database = await newDatabase(aurora)
    const halfway = revision('x', null, async (op) => {
      await op.autocommitBlock(() => op.execute('analyze'))
      await op.execute('select nonsense')
    })
    await upgrade(testContext(aurora, database, [halfway]))
    expect((await check(testContext(aurora, database, [halfway]))).warnings).toEqual([
      expect.stringMatching(
        /^the upgrade of x by a test, begun .*, was interrupted: 'upgrade x' runs it again, and what its autocommit blocks have committed stays \(upgrade of x .* have committed 'analyze'/,
      ),
    ])
    await stamp(testContext(aurora, database, [halfway]), ['x'])
    expect(await check(testContext(aurora, database, LINE))).toMatchObject({
      status: 'failed',
      unknown: ['x'],
      problems: [
        expect.stringContaining(
          "Can't locate revision identified by 'x', which the version table holds",
        ),
      ],
    })
  })
})

test('history lists a range that begins or ends at the present rows, and the newest runs', async () => {
  const database = await newDatabase(aurora)
  await upgrade(testContext(aurora, database, LINE), 'b')
  const report = await history(testContext(aurora, database, LINE), {
    range: 'current:+2',
    limit: 1,
  })
  expect(report.revisions.map((each) => each.revision)).toEqual(['d', 'c', 'b'])
  expect(report).toMatchObject({ current: ['b'], runs: [{ revision: 'b', outcome: 'done' }] })
})

test('ensureVersion waits for the lock, and not longer than it may', async () => {
  const database = await newDatabase(aurora)
  const table = new VersionTable({ schema: 'public', name: 'alembic_version' })
  const client = await connect(aurora, database)
  await client.query('select pg_advisory_lock($1)', [table.lockKey])
  await expect(ensureVersion(testContext(aurora, database, LINE, { timeMs: 100 }))).rejects.toThrow(
    '"public"."alembic_version" was not created in time, because another run holds the lock: run it again',
  )
  const waiting = ensureVersion(testContext(aurora, database, LINE))
  await client.query('select pg_advisory_unlock_all()')
  expect(await waiting).toMatchObject({ created: true })
})
