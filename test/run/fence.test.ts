import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { callNames, tableRevision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

test('a lock that another run takes between the read and the fence is waited for, and not queued on', async () => {
  const database = await newDatabase(aurora)
  const root = tableRevision('root', null)
  await upgrade(testContext(aurora, database, [root]))
  const other = await connect(aurora, database)
  const context = testContext(aurora, database, [root, tableRevision('a', 'root')])
  aurora.calls.clear()
  let isHeld = false
  const running = upgrade({
    ...context,
    pollMs: 50,
    // Asked between the read and the fence.
    mayGoOn: async () => {
      if (!isHeld)
        await other.query(`begin; select pg_advisory_xact_lock(${context.table.lockKey})`)
      isHeld = true
      return true
    },
  })
  const waiting = /^waiting for another run: database process \d+ of role postgres/
  await vi.waitFor(
    () => expect(context.lines).toContainEqual(expect.stringMatching(waiting)),
    10_000,
  )
  const { rows } = await other.query(
    "select to_regclass('t_a') as made, (select count(*)::int from pg_locks where not granted) as queued",
  )
  expect(rows).toEqual([{ made: null, queued: 0 }])
  await other.query('rollback')
  expect(await running).toMatchObject({ status: 'succeeded', steps: [{ revision: 'a' }] })
  const calls = callNames(aurora.calls.forDatabase(database))
  expect(calls.slice(0, calls.indexOf('RollbackTransaction'))).toContain('Fence')
})
