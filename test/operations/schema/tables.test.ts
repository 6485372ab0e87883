import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Operations } from '../../../lambda/operations/operations.ts'
import { operations } from '../operations-fixture.ts'

const open = operations()

const PLAYERS = "create table players (id integer primary key, name text, score text default '0')"

/** What the catalog says about the columns of a table, in order. */
function columns(table: string): string {
  return `select format('%I %s%s%s', attname, format_type(atttypid, atttypmod), case when attnotnull then ' not null' end,
      ' default ' || pg_get_expr(adbin, adrelid))
    from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = to_regclass('${table}') and attnum > 0 and not attisdropped order by attnum`
}

describe('createTable', () => {
  test('creates a table with columns and constraints of Kysely’s builder, in one statement', async () => {
    const { op, sent, look } = await open()
    await op.createTable('teams', (t) =>
      t
        .addColumn('id', 'integer', (c) => c.primaryKey().generatedAlwaysAsIdentity())
        .addColumn('name', 'text', (c) => c.notNull().unique())
        .addColumn('founded', 'integer', (c) => c.defaultTo(1900).check(sql`founded > 1800`))
        .addUniqueConstraint('teams_both', ['name', 'founded']),
    )
    expect(sent()).toEqual([
      'create table "teams" ("id" integer generated always as identity primary key, "name" text not null unique, "founded" integer default  1900 check (founded > 1800), constraint "teams_both" unique ("name", "founded"))',
    ])
    expect(await look(columns('teams'))).toEqual([
      'id integer not null',
      'name text not null',
      'founded integer default 1900',
    ])
    expect(
      await look(
        "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'teams'::regclass and contype <> 'n' order by conname",
      ),
    ).toEqual([
      'UNIQUE (name, founded)',
      'CHECK ((founded > 1800))',
      'UNIQUE (name)',
      'PRIMARY KEY (id)',
    ])
  })

  test('leaves a table that is there as it is with ifNotExists, and fails without', async () => {
    const { op, sent, look } = await open(PLAYERS)
    const build: Parameters<Operations['createTable']>[1] = (t) => t.addColumn('other', 'text')
    await op.createTable('players', build, { ifNotExists: true })
    expect(sent()).toEqual(['create table if not exists "players" ("other" text)'])
    expect(await look(columns('players'))).toHaveLength(3)
    await expect(op.createTable('players', build)).rejects.toThrow(
      'already exists (SQLSTATE 42P07)',
    )
  })

  test('comments the table in a second statement, whatever the comment holds', async () => {
    const { op, sent, look } = await open()
    const comment = "it's a :name, \\ and\na new line"
    await op.createTable('t', (t) => t.addColumn('id', 'integer'), { comment })
    expect(sent()).toEqual([
      'create table "t" ("id" integer)',
      `comment on table "t" is E'it''s a \\x3aname, \\\\ and\na new line'`,
    ])
    expect(await look("select obj_description('t'::regclass)")).toEqual([comment])
  })

  test('creates in a schema, also a temporary table and one like another', async () => {
    const { op, sent, look, session } = await open('create schema stats', PLAYERS)
    await op.createTable('stats.goals', (t) =>
      t.addColumn('player', 'integer', (c) =>
        c.references('public.players.id').onDelete('cascade'),
      ),
    )
    expect(sent()).toEqual([
      'create table "stats"."goals" ("player" integer references "public"."players" ("id") on delete cascade)',
    ])
    expect(await look(columns('stats.goals'))).toEqual(['player integer'])
    await session.begin()
    await op.createTable('scratch', (t) =>
      t.temporary().onCommit('drop').addColumn('id', 'integer'),
    )
    await op.execute('insert into scratch values (1)')
    await session.commit()
    expect(await look("select to_regclass('scratch')::text")).toEqual([null])
  })

  test('takes a type that Kysely does not know as sql', async () => {
    const { op, look } = await open("create type mood as enum ('glad', 'sad')")
    await op.createTable('t', (t) => t.addColumn('mood', sql`mood`).addColumn('tags', sql`text[]`))
    expect(await look(columns('t'))).toEqual(['mood mood', 'tags text[]'])
    await expect(op.createTable('u', (t) => t.addColumn('mood', 'mood' as 'text'))).rejects.toThrow(
      "op.createTable: invalid column data type \"mood\": pass a type that Kysely knows, such as 'integer', 'text', 'numeric(20, 4)' or 'timestamptz', or any other as sql`…`",
    )
  })

  test('takes names with quotes, spaces, capitals and umlauts, and refuses one over 63 bytes', async () => {
    const { op, pg, look } = await open()
    for (const name of ['say "hi"', 'Größe in cm', 'SELECT', "it's :x", '💥', 'ä'.repeat(31)]) {
      await op.createTable(name, (t) => t.addColumn(name, 'integer'))
      await op.addColumn(name, `${name}2`.slice(-20), 'integer')
      const { rows } = await pg.query(
        'select attname from pg_attribute where attnum > 0 and attrelid = (select oid from pg_class where relname = $1)',
        [name],
      )
      expect(rows).toEqual([{ attname: name }, { attname: `${name}2`.slice(-20) }])
      await op.dropTable(name)
    }
    await expect(
      op.createTable('ä'.repeat(32), (t) => t.addColumn('id', 'integer')),
    ).rejects.toThrow('has 64 bytes and PostgreSQL keeps 63: shorten it')
    await expect(
      op.createTable('t', (t) => t.addColumn('c'.repeat(64), 'integer')),
    ).rejects.toThrow(/^op.createTable: the name "c+" has 64 bytes/)
    expect(await look("select count(*)::int from pg_class where relname in ('t', 'ä')")).toEqual([
      0,
    ])
  })
})

describe('dropTable', () => {
  test('drops a table, with ifExists also one that is not there', async () => {
    const { op, sent, look } = await open(PLAYERS)
    await op.dropTable('players')
    await op.dropTable('public.players', { ifExists: true })
    expect(sent()).toEqual(['drop table "players"', 'drop table if exists "public"."players"'])
    expect(await look("select to_regclass('players')::text")).toEqual([null])
    await expect(op.dropTable('players')).rejects.toThrow('does not exist (SQLSTATE 42P01)')
  })

  test('drops what depends on it only with cascade', async () => {
    const { op, session, sent, look } = await open(
      PLAYERS,
      'create view v as select id from players',
    )
    await session.begin()
    await expect(op.dropTable('players')).rejects.toThrow('2BP01')
    await session.rollback()
    await session.begin()
    sent()
    await op.dropTable('players', { cascade: true })
    await session.commit()
    expect(sent()).toEqual(['drop table "players" cascade', 'CommitTransaction'])
    expect(await look("select to_regclass('v')::text")).toEqual([null])
  })
})

describe('renameTable', () => {
  test('renames within the schema, with ifExists also what is not there', async () => {
    const { op, sent, look } = await open('create schema stats', 'create table stats.player ()')
    await op.renameTable('stats.player', 'players')
    await op.renameTable('stats.player', 'players', { ifExists: true })
    expect(sent()).toEqual([
      'alter table "stats"."player" rename to "players"',
      'alter table if exists "stats"."player" rename to "players"',
    ])
    expect(await look("select to_regclass('stats.players')::text")).toEqual(['stats.players'])
    await expect(op.renameTable('stats.players', 'public.players')).rejects.toThrow(
      "op.renameTable: newName is 'public.players': pass a name without schema: a table is renamed within its schema",
    )
  })
})

describe('addColumn', () => {
  test('adds a column, with and without a builder and options', async () => {
    const { op, sent, look } = await open(PLAYERS, 'create table teams (id integer primary key)')
    await op.addColumn('players', 'team_id', 'integer', (c) => c.references('teams.id'))
    await op.addColumn('players', 'born', 'date')
    await op.addColumn('public.players', 'born', 'date', { ifNotExists: true })
    await op.addColumn('players', 'state', 'text', (c) => c.notNull().defaultTo("it's :open"), {
      ifNotExists: true,
      comment: 'what it is',
    })
    await op.addColumn('players', 'late', 'text', undefined, { comment: 'later' })
    expect(sent()).toEqual([
      'alter table "players" add column "team_id" integer references "teams" ("id")',
      'alter table "players" add column "born" date',
      'alter table "public"."players" add column if not exists "born" date',
      `alter table "players" add column if not exists "state" text default  E'it''s \\x3aopen' not null`,
      `comment on column "players"."state" is 'what it is'`,
      'alter table "players" add column "late" text',
      `comment on column "players"."late" is 'later'`,
    ])
    expect(await look(columns('players'))).toEqual([
      'id integer not null',
      'name text',
      "score text default '0'::text",
      'team_id integer',
      'born date',
      "state text not null default 'it''s :open'::text",
      'late text',
    ])
    expect(
      await look("select col_description('players'::regclass, n) from (values (6), (7)) v (n)"),
    ).toEqual(['what it is', 'later'])
    await expect(op.addColumn('players', 'born', 'date')).rejects.toThrow('42701')
  })
})

describe('dropColumn', () => {
  test('drops a column, with ifExists also one that is not there', async () => {
    const { op, session, sent, look } = await open(
      PLAYERS,
      'create view v as select name from players',
    )
    await op.dropColumn('players', 'score')
    await op.dropColumn('public.players', 'score', { ifExists: true })
    await session.begin()
    await expect(op.dropColumn('players', 'name')).rejects.toThrow('2BP01')
    await session.rollback()
    await session.begin()
    await op.dropColumn('players', 'name', { cascade: true })
    await session.commit()
    expect(sent().filter((statement) => statement.startsWith('alter'))).toEqual([
      'alter table "players" drop column "score"',
      'alter table "public"."players" drop column if exists "score"',
      'alter table "players" drop column "name"',
      'alter table "players" drop column "name" cascade',
    ])
    expect(await look(columns('players'))).toEqual(['id integer not null'])
    expect(await look("select to_regclass('v')::text")).toEqual([null])
  })
})

describe('alterColumn', () => {
  const cases: [string, Parameters<Operations['alterColumn']>[2], string[], string][] = [
    ['nullability', { nullable: false }, ['set not null'], "score text not null default '0'::text"],
    ['nullability back', { nullable: true }, ['drop not null'], "score text default '0'::text"],
    [
      'a default',
      { default: "it's :new" },
      ["set default  E'it''s \\x3anew'"],
      "score text default 'it''s :new'::text",
    ],
    [
      'a default in SQL',
      { default: sql`current_user` },
      ['set default current_user'],
      'score text default CURRENT_USER',
    ],
    ['a default away', { default: null }, ['drop default'], 'score text'],
    [
      'the type',
      { type: 'varchar(20)' },
      ['type varchar(20)'],
      "score character varying(20) default '0'::text",
    ],
    [
      'the type with using, and the default that could not be cast',
      { type: 'integer', using: sql`score::integer`, default: -1, nullable: false },
      ['drop default', 'type integer using score::integer', 'set default  (-1)', 'set not null'],
      "score integer not null default '-1'::integer",
    ],
    [
      'the type, and drops a default',
      { type: sql`integer[]`, using: sql`array[score::integer]`, default: null },
      ['drop default', 'type integer[] using array[score::integer]'],
      'score integer[]',
    ],
  ]
  test.each(cases)('changes %s in one statement', async (_, changes, alterations, expected) => {
    const { op, sent, look } = await open(PLAYERS, "insert into players values (1, 'a', '7')")
    await op.alterColumn('players', 'score', changes)
    const list = alterations.map((alteration) => `alter column "score" ${alteration}`).join(', ')
    expect(sent()).toEqual([`alter table "players" ${list}`])
    expect((await look(columns('players'))).at(-1)).toBe(expected)
  })

  test('renames and comments in statements of their own, after the others', async () => {
    const { op, sent, look } = await open(PLAYERS)
    await op.alterColumn('public.players', 'score', {
      rename: 'points',
      comment: 'all of them',
      nullable: false,
    })
    await op.alterColumn('players', 'name', { comment: 'given and family' })
    await op.alterColumn('players', 'name', { comment: null })
    await op.alterColumn('players', 'name', { rename: 'The "name"' })
    expect(sent()).toEqual([
      'alter table "public"."players" alter column "score" set not null',
      `comment on column "public"."players"."score" is 'all of them'`,
      'alter table "public"."players" rename column "score" to "points"',
      `comment on column "players"."name" is 'given and family'`,
      'comment on column "players"."name" is null',
      'alter table "players" rename column "name" to "The ""name"""',
    ])
    expect(
      await look("select col_description('players'::regclass, n) from (values (2), (3)) v (n)"),
    ).toEqual([null, 'all of them'])
    expect(await look(columns('players'))).toEqual([
      'id integer not null',
      '"The ""name""" text',
      "points text not null default '0'::text",
    ])
  })

  test('says what PostgreSQL says when a default cannot be cast and none is given', async () => {
    const { op } = await open(PLAYERS)
    await expect(
      op.alterColumn('players', 'score', { type: 'integer', using: sql`score::integer` }),
    ).rejects.toThrow('default for column "score" cannot be cast automatically to type integer')
  })
})

describe('comments of a table', () => {
  test('are set, replaced and dropped', async () => {
    const { op, sent, look } = await open(PLAYERS)
    await op.createTableComment('public.players', 'one')
    await op.createTableComment('players', "two's :x")
    expect(await look("select obj_description('players'::regclass)")).toEqual(["two's :x"])
    await op.dropTableComment('players')
    expect(sent()).toEqual([
      `comment on table "public"."players" is 'one'`,
      `comment on table "players" is E'two''s \\x3ax'`,
      'comment on table "players" is null',
    ])
    expect(await look("select obj_description('players'::regclass)")).toEqual([null])
  })
})
