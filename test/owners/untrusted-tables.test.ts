import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import {
  check,
  current,
  downgrade,
  ensureVersion,
  history,
  stamp,
  upgrade,
} from '../../lambda/commands.ts'
import { VersionTable } from '../../lambda/ledger/version-table.ts'
import { testAurora } from '../local-aurora.ts'
import { callNames, tableRevision, testContext } from '../runner-fixture.ts'
import { acting, type HostileDatabase, hostileDatabase } from './hostile-role.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const REVISIONS = [tableRevision('a', null), tableRevision('b', 'a')]
const TABLE = new VersionTable({ schema: 'public', name: 'alembic_version' })

/** Runs an upgrade and answers its report, the operations it sent and how often code of the hostile role ran. */
async function attacked({ database, ran }: HostileDatabase, table = TABLE) {
  aurora.calls.clear()
  const before = await ran()
  const report = await upgrade(testContext(aurora, database, REVISIONS, { table }))
  const calls = callNames(aurora.calls.forDatabase(database), 1)
  return { report, calls, ran: (await ran()) - before }
}

const REFUSED = { status: 'failed', steps: [], error: { kind: 'UntrustedTable', nothingRun: true } }
const GRANTS = ['alembic_version', 'alembic_version_history'].map(
  (name) => `grant select, insert, update, delete on ${name} to public`,
)

describe('version and history tables that another role has made first', () => {
  const preCreated = async () => {
    const place = await hostileDatabase(aurora)
    await place.hostile(
      TABLE.createStatement(),
      'create trigger t before insert or update or delete on alembic_version for each row execute function hostile.trap()',
      'create trigger t before insert or update on alembic_version_history for each statement execute function hostile.trap()',
      ...GRANTS,
    )
    return place
  }

  test('are refused in the first call, with their owner and the fix', async () => {
    const place = await preCreated()
    const { report, calls, ran } = await attacked(place)
    expect(report).toMatchObject(REFUSED)
    const line = (name: string) =>
      `"public"."${name}" belongs to role ${place.role}, which is not trusted, and code of its own would run with the rights of this user: drop it if it is not yours, else let a trusted role own it (alter table "public"."${name}" owner to migrator) or name ${place.role} in TRUSTED_OWNERS (trustedOwners)`
    expect(report.error?.message.split('; ').sort()).toEqual([
      line('alembic_version'),
      line('alembic_version_history'),
    ])
    expect({ calls, ran }).toEqual({ calls: ['Read'], ran: 0 })
  })

  test('are refused by every command that reads or writes them', async () => {
    const place = await preCreated()
    const context = () => testContext(aurora, place.database, REVISIONS)
    expect(await downgrade(context(), 'base')).toMatchObject(REFUSED)
    expect(await stamp(context(), ['a'])).toMatchObject(REFUSED)
    const refused = { name: 'CommandError', kind: 'UntrustedTable' }
    await expect(current(context())).rejects.toMatchObject(refused)
    await expect(history(context())).rejects.toMatchObject(refused)
    await expect(check(context())).rejects.toMatchObject(refused)
    await expect(ensureVersion(context())).rejects.toMatchObject(refused)
    expect(await place.ran()).toBe(0)
  })

  test('are used once their owner is named as trusted, and then its triggers run', async () => {
    const place = await preCreated()
    const table = new VersionTable({ ...TABLE.name, trustedOwners: [place.role] })
    const { report, ran } = await attacked(place, table)
    expect(report).toMatchObject({ status: 'succeeded', to: ['b'] })
    expect(ran).toBeGreaterThan(0)
  })

  test('are refused when they appear after the first call, too', async () => {
    const place = await hostileDatabase(aurora)
    const context = testContext(aurora, place.database, REVISIONS)
    const api = acting(context.api, 'do $aurora$', () =>
      place.hostile(
        TABLE.createStatement(),
        ...GRANTS,
        'create trigger t before insert on alembic_version_history for each row execute function hostile.trap()',
      ),
    )
    const report = await upgrade({ ...context, api }, 'heads', { fromScratch: true })
    expect(report).toMatchObject(REFUSED)
    expect(await place.ran()).toBe(0)
  })
})

const VERSIONS = 'create table alembic_version (version_num varchar(32) not null primary key'

describe("in the version table's place", () => {
  test.each([
    [
      'a view',
      ['create view alembic_version as select $$x$$::text as version_num where hostile.ran()'],
    ],
    [
      'a materialized view',
      ["create materialized view alembic_version as select 'x'::text as version_num"],
    ],
    [
      'a table with an index',
      [`${VERSIONS})`, 'create index on alembic_version ((hostile.ran()))'],
    ],
    [
      'a table with a policy',
      [
        `${VERSIONS})`,
        'alter table alembic_version enable row level security',
        'create policy p on alembic_version using (hostile.ran())',
      ],
    ],
    ['a partitioned table', [`${VERSIONS}) partition by range (version_num)`]],
  ])('%s of another role is refused, and runs nothing', async (_, statements) => {
    const place = await hostileDatabase(aurora)
    await place.hostile(...statements, 'grant all on alembic_version to public')
    const { report, calls, ran } = await attacked(place)
    expect(report).toMatchObject(REFUSED)
    expect(report.error?.message).toContain(`belongs to role ${place.role}`)
    expect({ calls, ran }).toEqual({ calls: ['Read'], ran: 0 })
  })

  test.each([
    ['a view', ["create view alembic_version as select 'x'::text as version_num"]],
    ['a partitioned table', [`${VERSIONS}) partition by range (version_num)`]],
    [
      'a partition',
      [
        'create table parent (version_num varchar(32) not null) partition by range (version_num)',
        'create table alembic_version partition of parent default',
      ],
    ],
  ])('%s of our own is refused', async (_, statements) => {
    const place = await hostileDatabase(aurora)
    await place.migrator(...statements)
    const { report, calls } = await attacked(place)
    expect(report).toMatchObject(REFUSED)
    expect(report.error?.message).toBe(
      '"public"."alembic_version" is no ordinary table, and nothing else may stand in its place: drop it, or set VERSION_TABLE to another name',
    )
    expect(calls).toEqual(['Read'])
  })
})

describe('a table of our own is refused for code of another role', () => {
  const made = async (...statements: readonly string[]) => {
    const place = await hostileDatabase(aurora)
    await place.migrator(TABLE.createStatement())
    for (const statement of statements) await place.superuser.query(statement)
    return place
  }
  const TRIGGER = 'create trigger t before insert on alembic_version'

  test.each([
    [
      'in a trigger',
      [`${TRIGGER} for each row execute function hostile.trap()`],
      'trigger t on table alembic_version uses function hostile.trap()',
    ],
    [
      'in the condition of a trigger',
      [
        'create function fine() returns trigger language plpgsql as $$ begin return new; end $$',
        `${TRIGGER} for each row when (hostile.ran()) execute function fine()`,
      ],
      'trigger t on table alembic_version uses function hostile.ran()',
    ],
    [
      'in a trigger of the history',
      ['create trigger t after insert on alembic_version_history execute function hostile.trap()'],
      'trigger t on table alembic_version_history uses function hostile.trap()',
    ],
    [
      'in a rule',
      ['create rule r as on insert to alembic_version do also select hostile.ran()'],
      'rule r on table alembic_version uses function hostile.ran()',
    ],
    [
      'in a table that a rule names',
      [
        'create table audit (id int)',
        'create trigger t before insert on audit for each row execute function hostile.trap()',
        'create rule r as on insert to alembic_version do also insert into audit values (1)',
      ],
      'trigger t on table audit uses function hostile.trap()',
    ],
    [
      'in a view that a policy names',
      [
        'create view seen as select 1 as one where hostile.ran(1)',
        'alter table alembic_version enable row level security',
        'create policy p on alembic_version using (exists (select from seen))',
      ],
      'view seen uses function hostile.ran(anyelement)',
    ],
    [
      'in a default',
      ['alter table alembic_version_history add column extra boolean default hostile.ran()'],
      'default value for column extra of table alembic_version_history uses function hostile.ran()',
    ],
    [
      'in a generated column',
      [
        'alter table alembic_version add column extra boolean generated always as (hostile.ran(version_num)) stored',
      ],
      'uses function hostile.ran(anyelement)',
    ],
    [
      'in a check constraint',
      ['alter table alembic_version add constraint c check (hostile.ran(version_num))'],
      'constraint c on table alembic_version uses function hostile.ran(anyelement)',
    ],
    [
      'in an index',
      ['create index i on alembic_version_history ((hostile.ran(revision)))'],
      'index i uses function hostile.ran(anyelement)',
    ],
    [
      'in the condition of an index',
      ['create index i on alembic_version_history (revision) where hostile.ran(revision)'],
      'index i uses function hostile.ran(anyelement)',
    ],
    [
      'in an operator',
      [
        'create function same(text, text) returns boolean immutable language sql as $$ select true $$',
        'create operator hostile.=== (leftarg = text, rightarg = text, function = hostile.same_text)',
        'alter table alembic_version add constraint c check (version_num::text operator(hostile.===) $$x$$)',
      ],
      'operator hostile.===(text,text) uses function hostile.same_text(text,text)',
    ],
    [
      'in the type of a column',
      [
        'create domain version as varchar(32) check (hostile.ran(value))',
        'alter table alembic_version alter column version_num type version',
      ],
      'uses function hostile.ran(anyelement)',
    ],
  ])('%s', async (_, statements, uses) => {
    const place = await hostileDatabase(aurora)
    await place.migrator(TABLE.createStatement())
    await place.hostile(
      'create function hostile.same_text(text, text) returns boolean immutable language sql as $$ select hostile.ran() $$',
      'grant all on schema hostile to public',
    )
    for (const statement of statements) await place.superuser.query(statement)
    const { report, calls, ran } = await attacked(place)
    expect(report).toMatchObject(REFUSED)
    expect(report.error?.message).toContain(uses)
    expect(report.error?.message).toContain(
      ` of role ${place.role}, which is not trusted, and code of its own would run with the rights of this user: remove it if it is not yours, else let a trusted role own it or name ${place.role} in TRUSTED_OWNERS (trustedOwners)`,
    )
    expect({ calls, ran }).toEqual({ calls: ['Read'], ran: 0 })
  })

  test('in a child, which is refused as such', async () => {
    const place = await made(
      'create table child () inherits (alembic_version)',
      'create trigger t before delete on child for each row execute function hostile.trap()',
    )
    const { report } = await attacked(place)
    expect(report.error?.message).toBe(
      '"public"."alembic_version" has the child public.child, whose rows and triggers count as its own: alter table public.child no inherit "public"."alembic_version"',
    )
  })

  test('but not for what it only looks like: views of it, keys to it, functions that take its rows', async () => {
    const place = await made('grant references, select on alembic_version to public')
    await place.hostile(
      'create view v as select version_num from alembic_version where hostile.ran()',
      'create table k (version_num varchar(32) references alembic_version)',
      'create trigger t before insert on k for each row execute function hostile.trap()',
      'create function f(alembic_version) returns int language sql as $$ select 1 $$',
    )
    expect(await attacked(place)).toMatchObject({
      report: { status: 'succeeded', to: ['b'] },
      ran: 0,
    })
  })
})
