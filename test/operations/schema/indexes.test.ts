import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Operations } from '../../../lambda/operations/operations.ts'
import { operations } from '../operations-fixture.ts'

const open = operations()

const PLAYERS = 'create table players (id integer, name text, team_id integer, tags jsonb)'

const DEFINITION =
  "select pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end from pg_index i join pg_class c on c.oid = i.indexrelid where c.relname = 'i'"

describe('createIndex', () => {
  type Arguments = Parameters<Operations['createIndex']>
  const cases: [string, Arguments[2], Arguments[3], string, string][] = [
    [
      'on columns',
      ['team_id', 'name'],
      {},
      'create index "i" on "players" ("team_id", "name")',
      'CREATE INDEX i ON public.players USING btree (team_id, name)',
    ],
    [
      'on expressions, with operator class and direction, beside a column',
      [sql`lower(name)`, sql`(id + team_id) desc nulls last`, sql`name text_pattern_ops`, 'id'],
      undefined,
      'create index "i" on "players" (lower(name), (id + team_id) desc nulls last, name text_pattern_ops, "id")',
      'CREATE INDEX i ON public.players USING btree (lower(name), ((id + team_id)) DESC NULLS LAST, name text_pattern_ops, id)',
    ],
    [
      'that is unique, for some rows, with more columns',
      ['name'],
      { unique: true, where: sql`team_id <> ${-1}`, include: ['id', 'team_id'] },
      'create unique index "i" on "players" ("name") include ("id", "team_id") where team_id <>  (-1)',
      "CREATE UNIQUE INDEX i ON public.players USING btree (name) INCLUDE (id, team_id) WHERE (team_id <> '-1'::integer)",
    ],
    [
      'for which nulls are the same',
      ['name'],
      { unique: true, nullsNotDistinct: true },
      'create unique index "i" on "players" ("name") nulls not distinct',
      'CREATE UNIQUE INDEX i ON public.players USING btree (name) NULLS NOT DISTINCT',
    ],
    [
      'by another method',
      [sql`tags jsonb_path_ops`],
      { using: 'gin' },
      'create index "i" on "players" using "gin" (tags jsonb_path_ops)',
      'CREATE INDEX i ON public.players USING gin (tags jsonb_path_ops)',
    ],
  ]
  test.each(cases)('creates one %s', async (_, columns, options, statement, definition) => {
    const { op, sent, look } = await open(PLAYERS)
    await op.createIndex('i', 'players', columns, options)
    expect(sent()).toEqual([statement])
    expect(await look(DEFINITION)).toEqual([definition])
  })

  test('creates one in the schema of its table, and refuses a schema of its own', async () => {
    const { op, sent, look } = await open(
      'create schema stats',
      'create table stats.goals (at date)',
    )
    await op.createIndex('i', 'stats.goals', ['at'])
    expect(sent()).toEqual(['create index "i" on "stats"."goals" ("at")'])
    expect(await look(DEFINITION)).toEqual(['CREATE INDEX i ON stats.goals USING btree (at)'])
    await expect(op.createIndex('stats.i', 'stats.goals', ['at'])).rejects.toThrow(
      "op.createIndex: name is 'stats.i': pass a name without schema: an index stands in the schema of its table",
    )
  })

  test('leaves one of that name as it is with ifNotExists, and fails without', async () => {
    const { op, sent, look } = await open(PLAYERS)
    await op.createIndex('i', 'players', ['id'], { ifNotExists: true })
    await op.createIndex('i', 'players', ['name'], { ifNotExists: true, unique: true })
    expect(sent()).toEqual([
      'create index if not exists "i" on "players" ("id")',
      'create unique index if not exists "i" on "players" ("name")',
    ])
    expect(await look(DEFINITION)).toEqual(['CREATE INDEX i ON public.players USING btree (id)'])
    await expect(op.createIndex('i', 'players', ['name'])).rejects.toThrow('42P07')
  })

  test('creates one concurrently in an autocommit block only', async () => {
    const { op, session, sent, look } = await open(PLAYERS)
    await session.begin()
    await expect(op.createIndex('i', 'players', ['id'], { concurrently: true })).rejects.toThrow(
      "op.createIndex: concurrently cannot run inside the revision's transaction: call it in op.autocommitBlock(async () => { … })",
    )
    await session.commit()
    sent()
    await op.autocommitBlock(async () => {
      await op.createIndex('i', 'players', ['id'], {
        concurrently: true,
        ifNotExists: true,
        unique: true,
      })
    })
    expect(sent()).toEqual([
      'create unique index concurrently if not exists "i" on "players" ("id")',
    ])
    expect(await look(DEFINITION)).toEqual([
      'CREATE UNIQUE INDEX i ON public.players USING btree (id)',
    ])
    await expect(op.dropIndex('i', { concurrently: true })).rejects.toThrow(
      'op.dropIndex: concurrently cannot run',
    )
  })

  test('leaves an invalid index behind when one fails that was created concurrently', async () => {
    const { op, look } = await open(PLAYERS, 'insert into players (id) values (1), (1)')
    const failed = op.autocommitBlock(() =>
      op.createIndex('i', 'players', ['id'], { concurrently: true, unique: true }),
    )
    await expect(failed).rejects.toThrow('23505')
    expect(await look(DEFINITION)).toEqual([
      'CREATE UNIQUE INDEX i ON public.players USING btree (id) (invalid)',
    ])
  })
})

describe('dropIndex', () => {
  test('drops one by its name and schema, with ifExists also one that is not there', async () => {
    const { op, sent, look } = await open(
      'create schema stats',
      'create table stats.goals (at date)',
      'create index i on stats.goals (at)',
    )
    await op.dropIndex('stats.i')
    await op.dropIndex('i', { ifExists: true })
    await op.autocommitBlock(async () => {
      await op.dropIndex('i', { ifExists: true, concurrently: true })
    })
    expect(sent()).toEqual([
      'drop index "stats"."i"',
      'drop index if exists "i"',
      'drop index concurrently if exists "i"',
    ])
    expect(await look(DEFINITION)).toEqual([])
    await expect(op.dropIndex('i')).rejects.toThrow('42704')
  })

  test('drops what depends on it only with cascade', async () => {
    const { op, session, sent, look } = await open(
      PLAYERS,
      'create unique index i on players (id)',
      'create table other (id integer references players (id))',
    )
    await session.begin()
    await expect(op.dropIndex('i')).rejects.toThrow('2BP01')
    await session.rollback()
    await session.begin()
    sent()
    await op.dropIndex('i', { cascade: true })
    await session.commit()
    expect(sent()[0]).toBe('drop index "i" cascade')
    expect(await look("select count(*)::int from pg_constraint where contype = 'f'")).toEqual([0])
  })
})
