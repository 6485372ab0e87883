import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Operations } from '../../../lambda/operations/operations.ts'
import { operations } from '../operations-fixture.ts'

const open = operations()

const SETUP = [
  'create schema stats',
  'create table teams (id integer primary key, season integer, unique (id, season))',
  'create table players (id integer not null, name text, team_id integer, season integer)',
  'create table stats.booking (room integer, starts_at timestamp, ends_at timestamp)',
]

const DEFINITION =
  "select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint where conname = 'c'"

type Act = (op: Operations) => Promise<void>

const cases: [what: string, act: Act, statement: string, definition: string][] = [
  [
    'a primary key',
    (op) => op.createPrimaryKey('c', 'public.players', ['id', 'team_id']),
    'alter table "public"."players" add constraint "c" primary key ("id", "team_id")',
    'players PRIMARY KEY (id, team_id)',
  ],
  [
    'a deferrable primary key',
    (op) => op.createPrimaryKey('c', 'players', ['id'], { deferrable: true }),
    'alter table "players" add constraint "c" primary key ("id") deferrable',
    'players PRIMARY KEY (id) DEFERRABLE',
  ],
  [
    'a foreign key, its arguments in Alembic’s order',
    (op) => op.createForeignKey('c', 'players', 'teams', ['team_id'], ['id']),
    'alter table "players" add constraint "c" foreign key ("team_id") references "teams" ("id")',
    'players FOREIGN KEY (team_id) REFERENCES teams(id)',
  ],
  [
    'a foreign key with everything',
    (op) =>
      op.createForeignKey(
        'c',
        'public.players',
        'public.teams',
        ['team_id', 'season'],
        ['id', 'season'],
        {
          onDelete: 'set null',
          onUpdate: 'cascade',
          initiallyDeferred: true,
          notValid: true,
        },
      ),
    'alter table "public"."players" add constraint "c" foreign key ("team_id", "season") references "public"."teams" ("id", "season") on delete set null on update cascade deferrable initially deferred not valid',
    'players FOREIGN KEY (team_id, season) REFERENCES teams(id, season) ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED NOT VALID',
  ],
  [
    'a unique constraint',
    (op) => op.createUniqueConstraint('c', 'players', ['name', 'team_id']),
    'alter table "players" add constraint "c" unique ("name", "team_id")',
    'players UNIQUE (name, team_id)',
  ],
  [
    'a deferred unique constraint for which nulls are the same',
    (op) =>
      op.createUniqueConstraint('c', 'players', ['name'], {
        nullsNotDistinct: true,
        deferrable: true,
        initiallyDeferred: true,
      }),
    'alter table "players" add constraint "c" unique nulls not distinct ("name") deferrable initially deferred',
    'players UNIQUE NULLS NOT DISTINCT (name) DEFERRABLE INITIALLY DEFERRED',
  ],
  [
    'a check constraint with a value',
    (op) => op.createCheckConstraint('c', 'players', sql`name <> ${"it's :x"} and id > ${-1}`),
    `alter table "players" add constraint "c" check (name <>  E'it''s \\x3ax' and id >  (-1))`,
    "players CHECK (((name <> 'it''s :x'::text) AND (id > '-1'::integer)))",
  ],
  [
    'a check constraint that is not validated',
    (op) => op.createCheckConstraint('c', 'players', sql`id > 0`, { notValid: true }),
    'alter table "players" add constraint "c" check (id > 0) not valid',
    'players CHECK ((id > 0)) NOT VALID',
  ],
  [
    'an exclusion constraint',
    (op) =>
      op.createExcludeConstraint('c', 'stats.booking', [
        [sql`tsrange(starts_at, ends_at)`, '&&'],
        [sql`int4range(room, room, '[]')`, '='],
      ]),
    `alter table "stats"."booking" add constraint "c" exclude using "gist" (tsrange(starts_at, ends_at) with &&, int4range(room, room, '[]') with =)`,
    "stats.booking EXCLUDE USING gist (tsrange(starts_at, ends_at) WITH &&, int4range(room, room, '[]'::text) WITH =)",
  ],
  [
    'an exclusion constraint on columns of some rows, by another method',
    (op) =>
      op.createExcludeConstraint('c', 'stats.booking', [['room', '=']], {
        using: 'btree',
        where: sql`room > ${10}`,
        initiallyDeferred: true,
      }),
    'alter table "stats"."booking" add constraint "c" exclude using "btree" ("room" with =) where (room >  10) deferrable initially deferred',
    'stats.booking EXCLUDE USING btree (room WITH =) WHERE ((room > 10)) DEFERRABLE INITIALLY DEFERRED',
  ],
]

describe('constraints', () => {
  test.each(cases)('adds %s', async (_, act, statement, definition) => {
    const { op, sent, look } = await open(...SETUP)
    await act(op)
    expect(sent()).toEqual([statement])
    expect(await look(DEFINITION)).toEqual([definition])
  })

  test('takes every action of a foreign key, and refuses what is none', async () => {
    const { op, look } = await open(...SETUP)
    for (const [action, definition] of [
      ['no action', ''],
      ['restrict', ' ON DELETE RESTRICT'],
      ['cascade', ' ON DELETE CASCADE'],
      ['set default', ' ON DELETE SET DEFAULT'],
    ] as const) {
      await op.createForeignKey('c', 'players', 'teams', ['team_id'], ['id'], { onDelete: action })
      expect(await look(DEFINITION)).toEqual([
        `players FOREIGN KEY (team_id) REFERENCES teams(id)${definition}`,
      ])
      await op.dropConstraint('c', 'players')
    }
    await expect(
      op.createForeignKey('c', 'players', 'teams', ['team_id'], ['id'], {
        onDelete: 'CASCADE' as 'cascade',
      }),
    ).rejects.toThrow(
      "op.createForeignKey: onDelete is 'CASCADE': pass 'no action', 'restrict', 'cascade', 'set null', 'set default'",
    )
  })

  test.each(['= --', '/*', '', 'and', '= 1) --'])(
    'refuses %j as the operator of an exclusion constraint',
    async (operator) => {
      const { op, sent } = await open(...SETUP)
      await expect(
        op.createExcludeConstraint('c', 'stats.booking', [['room', operator]]),
      ).rejects.toThrow("pass a column and an operator, as in ['room', '=']")
      expect(sent()).toEqual([])
    },
  )

  test('are dropped by name, with ifExists also one that is not there', async () => {
    const { op, session, sent, look } = await open(...SETUP)
    await op.createForeignKey('c', 'players', 'teams', ['team_id'], ['id'])
    sent()
    await op.dropConstraint('c', 'public.players')
    await op.dropConstraint('c', 'players', { ifExists: true })
    expect(sent()).toEqual([
      'alter table "public"."players" drop constraint "c"',
      'alter table "players" drop constraint if exists "c"',
    ])
    expect(await look(DEFINITION)).toEqual([])
    await session.begin()
    await expect(op.dropConstraint('c', 'players')).rejects.toThrow('42704')
    await session.rollback()
  })

  test('are dropped with the foreign keys that depend on them only with cascade', async () => {
    const { op, session, sent, look } = await open(...SETUP)
    await op.createForeignKey('c', 'players', 'teams', ['team_id'], ['id'])
    await session.begin()
    await expect(op.dropConstraint('teams_pkey', 'teams')).rejects.toThrow('2BP01')
    await session.rollback()
    await session.begin()
    sent()
    await op.dropConstraint('teams_pkey', 'teams', { cascade: true })
    await session.commit()
    expect(sent()[0]).toBe('alter table "teams" drop constraint "teams_pkey" cascade')
    expect(await look(DEFINITION)).toEqual([])
  })
})
