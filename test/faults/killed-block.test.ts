import { expect, test, vi } from 'vitest'
import { connect } from '../local-aurora.ts'
import { BundleProcess } from './bundle-process.ts'
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
  expect(await database.query('select what from applied order by 1')).toEqual([
    { what: 'crash_1' },
    { what: 'crash_2, before' },
  ])
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
    { what: 'crash_2, after' },
    { what: 'crash_2, before' },
    { what: 'crash_3' },
  ])
  expect(
    await database.query(
      "select indisvalid from pg_index where indexrelid = to_regclass('players_team')",
    ),
  ).toEqual([{ indisvalid: true }])
})
