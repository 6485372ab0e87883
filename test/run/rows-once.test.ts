import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { downgrade, upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { defineEntity, orm, p } from '../../lambda/orm/orm.ts'
import type { Revision } from '../../lambda/revisions/revision.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext, type Work } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const tables = revision(
  't',
  null,
  (op) =>
    op.executeScript(`create table moved (i integer); create table customer (id integer, name text);
      insert into customer select i, 'customer ' || i from generate_series(1, 20000) i;
      create function move_row(i integer) returns text language plpgsql
        as 'begin insert into moved values (i); return repeat(''x'', 100); end'`),
  null,
)

const Customer = defineEntity({
  name: 'Customer',
  tableName: 'customer',
  properties: { id: p.integer().primary() },
})

const MOVE = 'select id, move_row(id) as row from customer'

type Ask = (op: Operations) => Promise<readonly object[]>
const ASKS: readonly (readonly [string, Ask])[] = [
  ['op.query', (op) => op.query(MOVE)],
  [
    'a sql template',
    (op) => op.query(sql`select id, move_row(id) as ${sql.ref('row')} from customer`),
  ],
  [
    'Kysely',
    (op) =>
      op
        .getBind<{ customer: { id: number } }>()
        .selectFrom('customer')
        .select(['id', (eb) => eb.fn('move_row', ['id']).as('row')])
        .execute(),
  ],
  [
    'sql of Kysely',
    async (op) => (await sql`${sql.raw(MOVE)}`.execute(op.getBind())).rows as object[],
  ],
  ['em.execute', (op) => orm(op, [Customer]).execute(MOVE)],
]

async function contextAt(revisions: readonly Revision[]) {
  const database = await newDatabase(aurora)
  await upgrade(testContext(aurora, database, [tables]))
  aurora.calls.clear()
  return { context: testContext(aurora, database, revisions), database }
}

async function moved(database: string) {
  const client = await connect(aurora, database)
  const { rows } = await client.query(
    'select count(*)::integer as rows, count(distinct i)::integer as customers from moved',
  )
  return rows[0]
}

const ONCE = { rows: 20_000, customers: 20_000 }

async function asksTwentyThousand(op: Operations, ask: Ask): Promise<void> {
  const rows = await ask(op)
  expect(rows).toHaveLength(20_000)
  expect(rows[0]).toEqual({ id: 1, row: 'x'.repeat(100) })
  expect(rows.at(-1)).toEqual({ id: 20_000, row: 'x'.repeat(100) })
}

describe.each(ASKS)('20,000 rows that a function moves, by %s', (_name, ask) => {
  const work: Work = (op) => asksTwentyThousand(op, ask)

  test('are moved once', async () => {
    const { context, database } = await contextAt([tables, revision('a', 't', work)])
    const report = await upgrade(context)
    expect(report.error).toBeUndefined()
    expect(report).toMatchObject({ status: 'succeeded' })
    expect(await moved(database)).toEqual(ONCE)
    const asked = aurora.calls
      .forDatabase(database)
      .filter(({ sql: sent = '' }) => /move_row|part_/.test(sent))
    expect(asked).toHaveLength(4)
  })

  test('are moved once where all revisions are one transaction', async () => {
    const { context, database } = await contextAt([
      tables,
      revision('a', 't', work),
      revision('b', 'a', (op) => op.execute('update moved set i = -i')),
    ])
    const report = await upgrade({ ...context, transaction: 'run' })
    expect(report).toMatchObject({ status: 'succeeded', steps: [{}, { rows: 20_000 }] })
    expect(await moved(database)).toEqual(ONCE)
  })

  test('are moved once by a downgrade', async () => {
    const { context, database } = await contextAt([
      tables,
      revision('a', 't', (op) => op.execute('select 1'), work),
    ])
    await upgrade(context)
    expect(await downgrade(context, 't')).toMatchObject({ status: 'succeeded' })
    expect(await moved(database)).toEqual(ONCE)
  })

  test('are moved once more when a savepoint took them back', async () => {
    const { context, database } = await contextAt([
      tables,
      revision('a', 't', async (op) => {
        await op.execute('savepoint s')
        await work(op)
        await op.execute('rollback to savepoint s')
        await work(op)
      }),
    ])
    const report = await upgrade(context)
    expect(report.error).toBeUndefined()
    expect(report).toMatchObject({ status: 'succeeded' })
    expect(await moved(database)).toEqual(ONCE)
  })

  test('are moved once when the revision looks at no row', async () => {
    const { context, database } = await contextAt([
      tables,
      revision('a', 't', async (op) => void (await ask(op))),
    ])
    const report = await upgrade(context)
    expect(report.error).toBeUndefined()
    expect(report).toMatchObject({ status: 'succeeded' })
    expect(await moved(database)).toEqual(ONCE)
  })
})

describe('20,000 rows whose keys are asked for', () => {
  test.each<[string, Ask]>([
    [
      'bulkInsert',
      (op) =>
        op.bulkInsert(
          'moved',
          Array.from({ length: 20_000 }, (_, n) => ({ i: n + 1 })),
          { returning: ['i', 'ctid', 'tableoid'] },
        ),
    ],
    [
      'Kysely, with what they were made of',
      (op) =>
        op
          .getBind<{ moved: { i: number }; customer: { id: number; name: string } }>()
          .with('c', (db) => db.deleteFrom('customer').returning(['id', 'name']))
          .insertInto('moved')
          .columns(['i'])
          .expression((eb) => eb.selectFrom('c').select('id'))
          .returning(['i', sql<string>`repeat('x', 100)`.as('x')])
          .execute(),
    ],
  ])('come from one insert: %s', async (_name, ask) => {
    const { context, database } = await contextAt([
      tables,
      revision('a', 't', async (op) => {
        const rows = await ask(op)
        expect(rows).toHaveLength(20_000)
        expect(rows.at(-1)).toMatchObject({ i: 20_000 })
      }),
    ])
    const report = await upgrade(context)
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ rows: 20_000 }] })
    expect(await moved(database)).toEqual(ONCE)
  })
})
