import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { operations } from '../operations/operations-fixture.ts'

const open = operations()

const TABLES = [
  "create type mood as enum ('sad', 'ok')",
  'create table pet (id integer primary key generated always as identity, name varchar(20) not null, mood mood, tags text[])',
  "comment on column pet.name is 'what it is called'",
  'create view pets as select name from pet',
  'create unique index pet_name on pet (name)',
]

describe('queries of the catalog through getBind()', () => {
  test('introspect tables as Kysely does anywhere', async () => {
    const { op, session } = await open(...TABLES)
    await session.begin()
    const tables = await op.getBind().introspection.getTables()
    expect(tables.map(({ name, isView }) => [name, isView])).toEqual([
      ['pet', false],
      ['pets', true],
    ])
    expect(tables[0]?.columns).toMatchObject([
      { name: 'id', dataType: 'int4', isAutoIncrementing: true, isNullable: false },
      { name: 'name', dataType: 'varchar', comment: 'what it is called', isNullable: false },
      { name: 'mood', dataType: 'mood', isNullable: true },
      { name: 'tags', dataType: '_text' },
    ])
    const schemas = await op.getBind().introspection.getSchemas()
    expect(schemas.map(({ name }) => name)).toContain('public')
  })

  test('may ask for columns of any type', async () => {
    const { op, session, sent } = await open(...TABLES)
    await session.begin()
    sent()
    const { rows } =
      await sql`select c.oid::regclass as name, c.relkind, i.indkey, array_agg(a.attname order by a.attnum) as columns, min(a.atttypid)::regtype as type
      from pg_class c join pg_index i on i.indrelid = c.oid join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      where i.indexrelid = 'pet_name'::regclass group by 1, 2, 3`.execute(op.getBind())
    expect(rows).toEqual([
      {
        name: 'pet',
        relkind: 'r',
        indkey: '2',
        columns: ['id', 'name', 'mood', 'tags'],
        type: 'integer',
      },
    ])
    expect(sent()).toHaveLength(1)
  })

  test('may explain a statement', async () => {
    const { op, session } = await open(...TABLES)
    await session.begin()
    const db = op.getBind<{ pet: { name: string } }>()
    const plan = await db.selectFrom('pet').select('name').explain('text', sql`costs off`)
    expect(plan).toEqual([{ 'QUERY PLAN': 'Seq Scan on pet' }])
  })
})
