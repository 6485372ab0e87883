import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import type { Revision } from '../../lambda/revisions/revision.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

/** Running twice fails on the table that is there already. */
const table = (id: string, downRevision: string | null) =>
  revision(id, downRevision, (op) => op.execute(`create table "t_${id}" (id integer)`))

const INDEX = revision('r2', 'r1', (op) =>
  op.autocommitBlock(() => op.createIndex('t_id', 't_r1', ['id'], { concurrently: true })),
)

const OLD = [table('r1', null), INDEX]
const NEW = [...OLD, table('r3', 'r2'), table('r4', 'r3')]

function runsOf(database: string, bundles: readonly (readonly Revision[])[], count: number) {
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      upgrade({
        ...testContext(aurora, database, bundles[i % bundles.length] ?? []),
        pollMs: 100,
      }),
    ),
  )
}

async function applied(client: Client) {
  const { rows } = await client.query(
    "select revision, outcome from alembic_version_history where outcome <> 'failed' order by seq",
  )
  return rows.map((row) => `${row.revision} ${row.outcome}`)
}

describe.each([2, 5, 20])('%i runs at once', (count) => {
  describe.each(['fresh', 'old'])('on a database that is %s', (age) => {
    test('of one bundle, with an index outside the transaction, apply each revision once', async () => {
      const database = await newDatabase(aurora)
      if (age === 'old') await upgrade(testContext(aurora, database, OLD), 'r1')
      const reports = await runsOf(database, [NEW], count)
      expect(reports.map(({ status, error }) => [status, error?.message])).toEqual(
        reports.map(() => ['succeeded', undefined]),
      )
      const client = await connect(aurora, database)
      expect(await applied(client)).toEqual(['r1 done', 'r2 done', 'r3 done', 'r4 done'])
    })

    test('of two bundles apply each revision once, and the older one says what it does not know', async () => {
      const database = await newDatabase(aurora)
      if (age === 'old') await upgrade(testContext(aurora, database, OLD), 'r1')
      const reports = await runsOf(database, [OLD, NEW], count)
      for (const [i, { status, error }] of reports.entries()) {
        const isOld = i % 2 === 0
        if (isOld && status === 'failed') {
          expect(error?.message).toMatch(/^Can't locate revision identified by 'r[34]'/)
        } else {
          expect([status, error?.message]).toEqual(['succeeded', undefined])
        }
      }
      const client = await connect(aurora, database)
      expect(await applied(client)).toEqual(['r1 done', 'r2 done', 'r3 done', 'r4 done'])
    })
  })
})
