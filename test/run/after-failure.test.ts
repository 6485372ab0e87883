import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, statementsOf, tableRevision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterEach(() => aurora.faults.clear())
afterAll(() => aurora.stop())

test.each([
  ['was refused', undefined],
  ['never arrived', 'cut-before'],
  ['got no answer', 'cut-after'],
] as const)(
  'after a statement that %s nothing more is sent, although the revision catches the error',
  async (_, kind) => {
    const database = await newDatabase(aurora)
    const root = tableRevision('root', null)
    await upgrade(testContext(aurora, database, [root]))
    if (kind !== undefined) {
      aurora.faults.add({ database, sqlPattern: 'from "?nowhere', kind, times: 100 })
    }
    const errors: unknown[] = []
    const keep = (error: unknown) => void errors.push(error)
    const failing = revision('a', 'root', async (op) => {
      errors.length = 0
      await op.query('select from nowhere').catch(keep)
      await op.query("insert into t_root values (1) returning 'after'").catch(keep)
      await op.execute('insert into t_root values (2)').catch(keep)
    })
    aurora.calls.clear()
    const report = await upgrade(testContext(aurora, database, [root, failing]))
    expect(report).toMatchObject({ status: 'failed', to: ['root'] })
    const [first, ...others] = errors.map((error) => (error as Error).message)
    expect(report.error?.message).toContain(first)
    for (const message of others) expect(message).toContain(first)
    const sent = aurora.calls.forDatabase(database).flatMap(statementsOf)
    expect(sent.filter((sql) => sql.includes('insert into t_root'))).toEqual([])
    const client = await connect(aurora, database)
    expect((await client.query('select id from t_root')).rows).toEqual([])
  },
)
