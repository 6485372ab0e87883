import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

test.each(['55P03', '40P01', '40001'])(
  'a revision that fails on %s each time is run five times',
  async (code) => {
    const database = await newDatabase(aurora)
    const attempts: number[] = []
    const hopeless = revision('a', null, async (op) => {
      attempts.push(op.attempt)
      await op.execute('create table k (id integer)')
      await op.execute(`do $$ begin raise exception 'in the way' using errcode = '${code}'; end $$`)
    })
    const report = await upgrade(testContext(aurora, database, [hopeless]))
    expect(report).toMatchObject({ status: 'failed', error: { sqlState: code }, to: [] })
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      "select count(*)::int as failed, to_regclass('k') as k from alembic_version_history where outcome = 'failed'",
    )
    expect(rows).toEqual([{ failed: 1, k: null }])
    expect(attempts).toEqual([1, 2, 3, 4, 5])
  },
)
