import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { rowsAhead } from '../../lambda/run/database-ahead.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { tableRevision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

/** A database at `a`, which a newer bundle has moved on by so many revisions that this one does not know. */
async function movedOn(steps: number) {
  const database = await newDatabase(aurora)
  const context = testContext(aurora, database, [tableRevision('a', null)])
  await upgrade(context)
  const client = await connect(aurora, database)
  await client.query(`insert into alembic_version_history
    select 'token' || n, n + 1, 'run', 'x' || n, 'upgrade', 'doc', 'test', 'test', null, null,
      array[case when n = 1 then 'a' else 'x' || (n - 1) end], array['x' || n], 'done', null, now(), now(), 1, 1, 1, null
    from generate_series(1, ${steps}) n`)
  await client.query(`update alembic_version set version_num = 'x${steps}'`)
  const isKnown = (row: string) => row === 'a'
  return {
    context,
    client,
    older: { isKnown, isDone: (rows: readonly string[]) => rows[0] === 'a' },
  }
}

test('a database that went on by hundreds of revisions is followed back to what is known', async () => {
  const { context, older } = await movedOn(450)
  expect(await rowsAhead(context, older)).toEqual(['x450'])
})

test('a gap in the history ends the way back', async () => {
  const { context, client, older } = await movedOn(5)
  await client.query('delete from alembic_version_history where seq = 4')
  expect(await rowsAhead(context, older)).toBeUndefined()
})

test('rows that were not all applied before are no way back', async () => {
  const { context, older } = await movedOn(5)
  expect(await rowsAhead(context, { ...older, isDone: () => false })).toBeUndefined()
})

test('a database with known rows only, or without a history, is not ahead', async () => {
  const { context, client, older } = await movedOn(1)
  expect(await rowsAhead(context, { ...older, isKnown: () => true })).toBeUndefined()
  await client.query('drop table alembic_version_history')
  expect(await rowsAhead(context, older)).toBeUndefined()
})
