import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, tableRevision, testContext, type Work } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

/** A trigger of the revision's own that keeps the version table as it is. */
const keeping =
  (event: 'delete' | 'insert'): Work =>
  async (op) => {
    await op.execute(
      'create function keep() returns trigger language plpgsql as $$ begin return null; end $$',
    )
    await op.execute(
      `create trigger keep before ${event} on alembic_version for each row execute function keep()`,
    )
  }

describe('a revision after which the version rows cannot be moved as planned', () => {
  test.each<[string, Work, string]>([
    [
      'another row is there',
      (op) => op.execute("update alembic_version set version_num = 'other'"),
      'the version table held [other] where [root] was read: something else changed it meanwhile',
    ],
    [
      'a row more is there',
      (op) => op.execute("insert into alembic_version values ('other')"),
      'the version table held [other, root] where [root] was read: something else changed it meanwhile',
    ],
    [
      'no row is there',
      (op) => op.execute('delete from alembic_version'),
      'the version table held [] where [root] was read: something else changed it meanwhile',
    ],
    [
      'the old row stays',
      keeping('delete'),
      'the move hit 0 of 1 rows to remove and 1 of 1 to add',
    ],
    [
      'the new row does not come',
      keeping('insert'),
      'the move hit 1 of 1 rows to remove and 0 of 1 to add',
    ],
    [
      'its row of the history is gone',
      (op) => op.execute("delete from alembic_version_history where outcome = 'running'"),
      'its own history row is gone or no longer running',
    ],
  ])('because %s, fails and leaves nothing', async (_, work, problem) => {
    const database = await newDatabase(aurora)
    const root = tableRevision('root', null)
    await upgrade(testContext(aurora, database, [root]))
    const more = revision('a', 'root', async (op) => {
      await op.execute('create table t_a ()')
      await work(op)
    })
    const report = await upgrade(testContext(aurora, database, [root, more]))
    expect(report).toMatchObject({ status: 'failed', to: ['root'], pending: ['a'] })
    expect(report.error?.message).toBe(
      `upgrade of a (doc of a) failed: ${problem}; nothing of it is committed`,
    )
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      "select (select array_agg(version_num::text) from alembic_version) as versions, to_regclass('t_a') as made, (select array_agg(outcome order by started_at) from alembic_version_history) as outcomes",
    )
    expect(rows).toEqual([{ versions: ['root'], made: null, outcomes: ['done', 'failed'] }])
  })
})
