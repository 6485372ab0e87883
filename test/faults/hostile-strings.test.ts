import { sql } from 'kysely'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import { Operations } from '../../lambda/operations/operations.ts'
import { Session } from '../../lambda/session/session.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { HostileStrings } from './hostile-strings.ts'

const ROUNDS = 70
const COLUMNS = 30
const VALUES = 3_000
const STRINGS = 20_000

let aurora: LocalAurora
let made = 0
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

async function open(strings: string): Promise<{ op: Operations; pg: Client; close: () => void }> {
  const database = await newDatabase(aurora)
  const pg = await connect(aurora, database)
  await pg.query(`alter database ${database} set standard_conforming_strings = ${strings}`)
  Object.assign(process.env, aurora.environment(database))
  const { clusterArn, secretArn } = aurora
  const api = new RdsDataApi({ clusterArn, secretArn, database })
  const op = new Operations(new Session(api), { autocommitBlock: (body) => body() })
  const [row] = await op.query<{ s: string }>(
    "select current_setting('standard_conforming_strings') as s",
  )
  expect(row?.s).toBe(strings)
  return { op, pg, close: () => api.close() }
}

describe.each(['on', 'off'])('with standard_conforming_strings %s', (strings) => {
  test('a hostile name is only a name, in every operation that takes one', async () => {
    const { op, pg, close } = await open(strings)
    const hostile = new HostileStrings(strings === 'on' ? 1 : 2)
    for (let round = 0; round < ROUNDS; round += 1) await nameRound(op, pg, hostile)
    close()
    made += hostile.made
  })

  test('a hostile value is only a value, in every operation that takes one', async () => {
    const { op, pg, close } = await open(strings)
    const hostile = new HostileStrings(strings === 'on' ? 3 : 4)
    await op.execute('create table v (id integer primary key, a text, j jsonb, t text[])')
    await bulkValues(op, pg, hostile)
    for (let round = 0; round < ROUNDS; round += 1) await templateValues(op, hostile)
    close()
    made += hostile.made
  })
})

test(`is ${STRINGS} strings at least`, () => {
  expect(made).toBeGreaterThanOrEqual(STRINGS)
})

/** One table with everything on it hostile, looked up in the catalog, then dropped piece by piece. */
async function nameRound(op: Operations, pg: Client, hostile: HostileStrings): Promise<void> {
  const table = hostileTable(hostile)
  await make(op, table, hostile)
  await fill(op, table)
  const { columns, comments, names } = table
  expect(await catalogOf(pg, table.name)).toEqual({
    columns: [...columns, names.renamed],
    constraints: [names.key, names.unique, names.check, names.exclude].sort(),
    comments,
  })
  expect(await indexNames(pg, table.name)).toContain(names.index)
  await drop(op, table)
  const { rows } = await pg.query(
    "select count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace",
  )
  expect(rows).toEqual([{ n: 0 }])
}

const NAMES = 'before key unique check exclude index added renamed foreign other'.split(
  ' ',
) as readonly Name[]
type Name =
  | 'before'
  | 'key'
  | 'unique'
  | 'check'
  | 'exclude'
  | 'index'
  | 'added'
  | 'renamed'
  | 'foreign'
  | 'other'

interface HostileTable {
  readonly name: string
  readonly columns: readonly [string, string, string, string, ...string[]]
  readonly names: Readonly<Record<Name, string>>
  readonly comments: readonly [table: string, column: string]
}

function hostileTable(hostile: HostileStrings): HostileTable {
  const name = () => hostile.name()
  return {
    name: name(),
    columns: [name(), name(), name(), name(), ...Array.from({ length: COLUMNS - 4 }, name)],
    names: Object.fromEntries(NAMES.map((key) => [key, name()])) as Record<Name, string>,
    comments: [hostile.value(), hostile.value()],
  }
}

async function make(op: Operations, table: HostileTable, hostile: HostileStrings): Promise<void> {
  const { name, columns, names, comments } = table
  const [one, two, three, four] = columns
  await op.createTable(
    names.before,
    (t) =>
      columns.reduce(
        (built, column) => built.addColumn(column, 'text', (c) => c.notNull().defaultTo(column)),
        t,
      ),
    { comment: comments[0] },
  )
  await op.renameTable(names.before, name)
  await op.createPrimaryKey(names.key, name, [one])
  await op.createUniqueConstraint(names.unique, name, [two, three])
  await op.createCheckConstraint(names.check, name, sql`${sql.ref(four)} <> ${hostile.value()}`)
  await op.createExcludeConstraint(names.exclude, name, [[four, '=']], { using: 'btree' })
  await op.createIndex(names.index, name, [three], { include: [four] })
  await op.addColumn(name, names.added, 'text')
  await op.alterColumn(name, names.added, {
    rename: names.renamed,
    comment: comments[1],
    default: names.added,
  })
  await op.createTable(names.other, (t) => t.addColumn(one, 'text'))
  await op.createForeignKey(names.foreign, names.other, name, [one], [one])
}

/** A row in which each column holds its own name, read back. */
async function fill(op: Operations, { name, columns, names }: HostileTable): Promise<void> {
  const [one, two, , four] = columns
  const row = Object.fromEntries(columns.map((column) => [column, column]))
  await op.bulkInsert(name, [row])
  await op.bulkUpdate(name, [{ [one]: one, [two]: four }], { key: [one] })
  const [read] = await op.query<Record<string, string>>(
    sql`select * from ${sql.table(name)} where ${sql.ref(one)} = ${one}`,
  )
  expect(read).toEqual({ ...row, [two]: four, [names.renamed]: names.added })
}

async function drop(op: Operations, { name, columns, names }: HostileTable): Promise<void> {
  await op.dropIndex(names.index)
  await op.dropConstraint(names.foreign, names.other)
  for (const constraint of [names.key, names.unique, names.check, names.exclude])
    await op.dropConstraint(constraint, name)
  await op.dropColumn(name, columns[3])
  await op.dropTableComment(name)
  await op.dropTable(name)
  await op.dropTable(names.other)
}

async function catalogOf(pg: Client, table: string) {
  const oid = "(select oid from pg_class where relname = $1 and relkind = 'r')"
  const list = async (query: string) =>
    (await pg.query<{ name: string }>(query, [table])).rows.map(({ name }) => name)
  return {
    columns: await list(
      `select attname as name from pg_attribute where attrelid = ${oid} and attnum > 0 and not attisdropped order by attnum`,
    ),
    constraints: (
      await list(
        `select conname as name from pg_constraint where conrelid = ${oid} and contype <> 'n'`,
      )
    ).sort(),
    comments: await list(
      `select description as name from pg_description where objoid = ${oid} order by objsubid`,
    ),
  }
}

async function indexNames(pg: Client, table: string): Promise<string[]> {
  const { rows } = await pg.query<{ indexname: string }>(
    'select indexname from pg_indexes where tablename = $1',
    [table],
  )
  return rows.map(({ indexname }) => indexname)
}

/** Rows of values, written by the three ways that take many, and read back. */
async function bulkValues(op: Operations, pg: Client, hostile: HostileStrings): Promise<void> {
  const row = (id: number) => ({
    id,
    a: hostile.value(),
    j: { [hostile.value()]: hostile.value() },
    t: [hostile.value(), hostile.value()],
  })
  const rows = Array.from({ length: VALUES }, (_, id) => row(id))
  await op.bulkInsert('v', rows)
  const read = async () => (await pg.query('select id, a, j, t from v order by id')).rows
  expect(await read()).toEqual(rows)
  const changed = rows.map(({ id }) => row(id))
  await op.bulkUpdate('v', changed, { key: ['id'] })
  expect(await read()).toEqual(changed)
}

/** Values that become literals: sql templates, and Kysely. */
async function templateValues(op: Operations, hostile: HostileStrings): Promise<void> {
  const values = Array.from({ length: 25 }, () => hostile.value())
  const columns = sql.join(values.map((value, i) => sql`${value}::text as ${sql.ref(`c${i}`)}`))
  const [row] = await op.query<Record<string, string>>(sql`select ${columns}`)
  expect(Object.values(row ?? {})).toEqual(values)
  await op.execute(
    sql`update v set a = ${values[0]}, j = ${{ k: values[1] }}, t = ${values.slice(2)} where id = 0`,
  )
  const db = op.getBind<{ v: { id: number; a: string; j: unknown; t: string[] } }>()
  const found = await db
    .selectFrom('v')
    .selectAll()
    .where('a', '=', values[0] ?? '')
    .where('id', '=', 0)
    .execute()
  expect(found).toEqual([{ id: 0, a: values[0], j: { k: values[1] }, t: values.slice(2) }])
}
