import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { connect } from '../local-aurora.ts'
import { BundleProcess } from './bundle-process.ts'
import { lateBundle } from './crash-bundle.ts'
import { crashServers } from './crash-servers.ts'
import { FaultDatabase } from './fault-database.ts'

const servers = crashServers()

const outcomes = async (database: FaultDatabase) =>
  (await database.history()).map(({ revision, outcome }) => `${revision} ${outcome}`)

test('a run that is killed inside an autocommit block is taken over when its lease ends', async () => {
  const { aurora, admin, file } = servers()
  await using database = await FaultDatabase.open(aurora, admin)
  const other = await connect(aurora, database.name)
  // An older snapshot is what `create index concurrently` waits for at its end.
  await other.query('begin isolation level repeatable read')
  await other.query('select 1')
  const first = new BundleProcess(file, aurora, database.name)
  await vi.waitUntil(async () => (await outcomes(database)).includes('crash_2 running'), {
    timeout: 30_000,
  })
  expect(first.kill()).toBe(true)
  await first.ended
  expect(await outcomes(database)).toEqual(['crash_1 done', 'crash_2 running'])
  expect(await database.query('select what from applied order by 1')).toEqual([{ what: 'crash_1' }])
  const second = new BundleProcess(file, aurora, database.name)
  await vi.waitUntil(() => /if it died it is taken over in \d+ s/.test(second.output), {
    timeout: 30_000,
  })
  await other.query('commit')
  await database.endLeases()
  await second.ended
  expect(second.report).toMatchObject({ status: 'succeeded', to: ['crash_3'] })
  expect(await outcomes(database)).toEqual(['crash_1 done', 'crash_2 done', 'crash_3 done'])
  expect(await database.query('select what from applied order by 1')).toEqual([
    { what: 'crash_1' },
    { what: 'crash_2' },
    { what: 'crash_3' },
  ])
  expect(
    await database.query(
      "select indisvalid from pg_index where indexrelid = to_regclass('players_team')",
    ),
  ).toEqual([{ indisvalid: true }])
})

test('a statement that goes on after its run was killed is waited for, so that nothing of the dead run is committed after the next', async () => {
  const { aurora, admin } = servers()
  const out = await mkdtemp(path.join(tmpdir(), 'aurora-late-'))
  onTestFinished(() => rm(out, { recursive: true, force: true }))
  const file = await lateBundle(out)
  await using database = await FaultDatabase.open(aurora, admin)
  const first = new BundleProcess(file, aurora, database.name)
  const working = () =>
    database.query(
      "select pid from pg_stat_activity where query like '/* aurora-migrations %update state%' and state = 'active' and pid <> pg_backend_pid()",
    )
  await vi.waitUntil(async () => (await working()).length === 1, { timeout: 30_000 })
  expect(first.kill()).toBe(true)
  await first.ended
  await database.endLeases()
  const second = new BundleProcess(file, aurora, database.name)
  await second.ended
  expect(second.report).toMatchObject({ status: 'succeeded', to: ['late_4'] })
  expect(second.output).toMatch(
    /waiting for a statement that the interrupted upgrade of late_2 by .* has left at work: database process \d+, for \d+ s; select pg_cancel_backend\(\d+\) ends it/,
  )
  expect(await working()).toEqual([])
  await sleep(2_000)
  expect(await database.query('select value from state')).toEqual([{ value: 'late_4' }])
  expect(await database.query('select last_value::int as tries from tries')).toEqual([{ tries: 2 }])
})
