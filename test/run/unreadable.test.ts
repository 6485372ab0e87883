import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { current, upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { tableRevision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterEach(() => aurora.faults.clear())
afterAll(() => aurora.stop())

const REVISIONS = [tableRevision('a', null)]

/** A database whose version table Alembic has made, so that there is no history beside it. */
async function adopted() {
  const database = await newDatabase(aurora)
  const client = await connect(aurora, database)
  await client.query("create table alembic_version as select 'a'::varchar(32) as version_num")
  return { database, client }
}

describe("Alembic's version table", () => {
  test('that the user may not read is a refusal with the grant that is missing', async () => {
    const { database, client } = await adopted()
    await client.query('revoke all on alembic_version from public')
    const report = await upgrade(testContext(aurora, database, REVISIONS))
    expect(report).toMatchObject({
      status: 'failed',
      error: {
        kind: 'CannotReadState',
        message: `cannot read "public"."alembic_version": permission denied for table alembic_version (SQLSTATE 42501): grant the secret's user select, insert, update and delete on "public"."alembic_version" and "public"."alembic_version_history"`,
        nothingRun: true,
      },
    })
  })

  test('whose reading gets no answer is a refusal in the end', async () => {
    const { database, client } = await adopted()
    await client.query('alter table alembic_version owner to migrator')
    const sqlPattern = '^with recursive'
    const fault = aurora.faults.add({
      database,
      sqlPattern,
      kind: 'cut-before',
      times: 99,
    })
    const context = testContext(aurora, database, REVISIONS, { timeMs: 2_000 })
    await expect(current(context)).rejects.toMatchObject({
      name: 'CommandError',
      kind: 'CannotReadState',
      message: expect.stringMatching(/^cannot read "public"\."alembic_version": \S.*$/),
    })
    expect(fault.fired).toBeGreaterThan(1)
  })
})
