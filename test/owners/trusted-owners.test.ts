import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { check, upgrade } from '../../lambda/commands.ts'
import { newClient, RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import { VersionTable } from '../../lambda/ledger/version-table.ts'
import { AlembicProject, PYTHON } from '../alembic-project.ts'
import { testAurora } from '../local-aurora.ts'
import { type TestContext, tableRevision, testContext } from '../runner-fixture.ts'
import { type HostileDatabase, hostileDatabase } from './hostile-role.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const REVISIONS = [tableRevision('a', null), tableRevision('b', 'a')]
const TABLE = new VersionTable({ schema: 'public', name: 'alembic_version' })

const roleName = () => `role_${randomBytes(6).toString('hex')}`

/** A database of somebody else's, in which nothing is trusted yet but its owner and superusers. */
async function foreignDatabase() {
  const place = await hostileDatabase(aurora)
  const owner = roleName()
  await place.superuser.query(`create role ${owner}`)
  await place.superuser.query(`alter database ${place.database} owner to ${owner}`)
  return { ...place, owner }
}

/** The tables as another role has made them, with a trigger of that role that writes down what it sees. */
async function audited({ superuser }: HostileDatabase, role: string): Promise<void> {
  const statements = [
    `set role ${role}`,
    TABLE.createStatement(),
    'create table audit (version_num text)',
    'create function audit() returns trigger language plpgsql as $$ begin insert into public.audit values (new.version_num); return new; end $$',
    'create trigger audit after insert on alembic_version for each row execute function audit()',
    ...['alembic_version', 'alembic_version_history', 'audit'].map(
      (name) => `grant select, insert, update, delete on ${name} to public`,
    ),
    'reset role',
  ]
  for (const statement of statements) await superuser.query(statement)
}

async function auditOf({ superuser }: HostileDatabase): Promise<unknown[]> {
  const { rows } = await superuser.query('select version_num from audit order by 1')
  return rows.map(({ version_num }) => version_num)
}

describe('tables, and triggers with functions, are used when they belong to', () => {
  test.each<[string, (place: HostileDatabase & { owner: string }) => Promise<string>]>([
    ['the current role', async () => 'migrator'],
    ['the owner of the database', async ({ owner }) => owner],
    [
      'the owner of the schema',
      async ({ superuser }) => {
        const role = roleName()
        await superuser.query(`create role ${role}`)
        await superuser.query(`alter schema public owner to ${role}`)
        return role
      },
    ],
    ['a superuser', async () => 'postgres'],
    [
      'a role that the current one is a member of',
      async ({ superuser }) => {
        const role = roleName()
        await superuser.query(`create role ${role}`)
        await superuser.query(`grant ${role} to migrator`)
        return role
      },
    ],
    [
      'a role that it is a member of by another one',
      async ({ superuser }) => {
        const [role, between] = [roleName(), roleName()]
        await superuser.query(`create role ${role}`)
        await superuser.query(`create role ${between} in role ${role}`)
        await superuser.query(`grant ${between} to migrator`)
        return role
      },
    ],
  ])('%s', async (_, roleOf) => {
    const place = await foreignDatabase()
    await audited(place, await roleOf(place))
    const report = await upgrade(testContext(aurora, place.database, REVISIONS))
    expect(report).toMatchObject({ status: 'succeeded', to: ['b'], warnings: [] })
    expect(await auditOf(place)).toEqual(['a', 'b'])
  })

  test('a member of rds_superuser', async () => {
    const place = await foreignDatabase()
    const role = roleName()
    await place.superuser.query(
      'do $$ begin create role rds_superuser; exception when duplicate_object then null; end $$',
    )
    await place.superuser.query(`create role ${role} in role rds_superuser`)
    await audited(place, role)
    const report = await upgrade(testContext(aurora, place.database, REVISIONS))
    expect(report).toMatchObject({ status: 'succeeded', to: ['b'] })
  })
})

describe('tables are refused when they belong to', () => {
  test.each<[string, (place: HostileDatabase, role: string) => string[]]>([
    ['any other role', () => []],
    [
      'a member of the owner of the database',
      ({ database }, role) => [
        `grant ${role.replace('role_', 'owner_')} to ${role}`,
        `alter database ${database} owner to ${role.replace('role_', 'owner_')}`,
      ],
    ],
    [
      'a role with every right in the schema',
      (_, role) => [`grant all on schema public to ${role}`],
    ],
  ])('%s', async (_, statements) => {
    const place = await foreignDatabase()
    const role = roleName()
    await place.superuser.query(`create role ${role}`)
    await place.superuser.query(`create role ${role.replace('role_', 'owner_')}`)
    for (const statement of statements(place, role)) await place.superuser.query(statement)
    await audited(place, role)
    const report = await upgrade(testContext(aurora, place.database, REVISIONS))
    expect(report).toMatchObject({ status: 'failed', error: { kind: 'UntrustedTable' } })
    expect(await auditOf(place)).toEqual([])
  })

  test('any other role, also where the current role is a superuser, which counts as a member of all', async () => {
    const place = await foreignDatabase()
    await audited(place, place.role)
    const { password, username } = new URL(aurora.postgresUrl)
    const secretArn = aurora.putSecret(roleName(), {
      username,
      password: decodeURIComponent(password),
    })
    const report = await upgrade(withSecret(place, secretArn))
    expect(report).toMatchObject({ status: 'failed', error: { kind: 'UntrustedTable' } })
  })
})

function withSecret({ database }: HostileDatabase, secretArn: string): TestContext {
  const context = testContext(aurora, database, REVISIONS)
  const { clusterArn } = aurora
  return { ...context, api: new RdsDataApi({ clusterArn, secretArn, database }, newClient()) }
}

describe('a database that Alembic has migrated as a role of which the migrator is a member', () => {
  const GRAPH = [
    { id: 'a', down: null },
    { id: 'b', down: 'a' },
    { id: 'c', down: 'b' },
  ] as const

  const ownedByApp = async () => {
    const place = await foreignDatabase()
    const app = roleName()
    await place.superuser.query(`create role ${app} role migrator`)
    return { ...place, app }
  }

  const takenOver = async ({ database, superuser }: HostileDatabase) => {
    const revisions = GRAPH.map(({ id, down }) => tableRevision(id, down))
    const report = await upgrade(testContext(aurora, database, revisions))
    expect(report).toMatchObject({ status: 'succeeded', from: ['b'], to: ['c'], warnings: [] })
    const { rows } = await superuser.query(
      'select count(*)::int as rows, min(version_num) as version from alembic_version',
    )
    expect(rows).toEqual([{ rows: 1, version: 'c' }])
  }

  test('is taken over', async () => {
    const place = await ownedByApp()
    const statements = [
      `set role ${place.app}`,
      'create table alembic_version (version_num varchar(32) not null, constraint alembic_version_pkc primary key (version_num))',
      "insert into alembic_version values ('b')",
      'create table t_a (id int)',
      'create table t_b (id int)',
      'reset role',
    ]
    for (const statement of statements) await place.superuser.query(statement)
    await takenOver(place)
  })

  test.runIf(PYTHON)('is taken over from Alembic itself, which can go on afterwards', async () => {
    const place = await ownedByApp()
    const url = new URL(aurora.postgresUrl)
    url.pathname = `/${place.database}`
    await using project = await AlembicProject.create(GRAPH, { url: url.href, role: place.app })
    await project.alembic('upgrade', 'b')
    await takenOver(place)
    expect(await project.alembic('current')).toBe('c (head)')
    await project.alembic('stamp', 'b')
    expect(await project.alembic('current')).toBe('b')
  })
})

describe('the right to put triggers on our tables', () => {
  test('is named in a warning where an untrusted role has it, with the fix', async () => {
    const place = await hostileDatabase(aurora)
    const context = () => testContext(aurora, place.database, REVISIONS)
    await place.migrator(TABLE.createStatement(), `grant all on alembic_version to ${place.role}`)
    const warning = `${place.role} may put a trigger on "public"."alembic_version", whose code would run with the rights of this user: revoke trigger on "public"."alembic_version" from ${place.role}`
    expect(await check(context())).toMatchObject({ status: 'succeeded', warnings: [warning] })
    const first = context()
    expect(await upgrade(first, 'a')).toMatchObject({ status: 'succeeded', warnings: [warning] })
    expect(first.lines).toContain(warning)
    await place.migrator(
      `revoke trigger on "public"."alembic_version" from ${place.role}`,
      'grant trigger on alembic_version_history to public, postgres',
    )
    const { warnings } = await upgrade(context())
    expect(warnings).toEqual([
      expect.stringMatching(/^public may put a trigger on "public"\."alembic_version_history"/),
    ])
  })
})
