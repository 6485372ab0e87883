import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { ensureVersion, upgrade } from '../../lambda/commands.ts'
import { VersionTable } from '../../lambda/ledger/version-table.ts'
import { executorStatement } from '../../lambda/session/executor.ts'
import { testAurora } from '../local-aurora.ts'
import { type TestContext, tableRevision, testContext } from '../runner-fixture.ts'
import { acting, type HostileDatabase, hostileDatabase } from './hostile-role.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const REVISIONS = [tableRevision('a', null), tableRevision('b', 'a')]
const TABLE = new VersionTable({ schema: 'public', name: 'alembic_version' })
const NAME = TABLE.executor

/** An upgrade with batches: its status, its warnings about them, and how often it called the function. */
async function outcome({ database, ran }: HostileDatabase, change: Partial<TestContext> = {}) {
  aurora.calls.clear()
  const context = { ...testContext(aurora, database, REVISIONS), batching: true, ...change }
  const report = await upgrade(context, 'heads', { fromScratch: true })
  const statements = aurora.calls.forDatabase(database).map(({ sql = '' }) => sql)
  return {
    status: report.status,
    to: report.to,
    warnings: context.lines.filter((line) => line.startsWith('each statement is a call')),
    calls: statements.filter((sql) => sql.startsWith(`select ${NAME}(`)).length,
    ran: await ran(),
  }
}

const ONE_BY_ONE = { status: 'succeeded', to: ['b'], calls: 0, ran: 0 }

/** A fresh database, and one with our tables in it. */
const PLACES: readonly (readonly [string, () => Promise<HostileDatabase>])[] = [
  ['a fresh database', () => hostileDatabase(aurora)],
  [
    'a database with our tables',
    async () => {
      const place = await hostileDatabase(aurora)
      await place.migrator(TABLE.createStatement())
      return place
    },
  ],
]

describe.each(PLACES)('in %s', (_, make) => {
  test('the function of another role is never called, to the letter ours or not, and the warning says what to do', async () => {
    const place = await make()
    await place.hostile(executorStatement(NAME))
    expect(await outcome(place)).toEqual({
      ...ONE_BY_ONE,
      warnings: [
        `each statement is a call of its own, because the function ${NAME} belongs to role ${place.role}, which is not trusted: drop it (drop function ${NAME}(json)), let a trusted role own it, name ${place.role} in TRUSTED_OWNERS (trustedOwners), or set BATCHING to off`,
      ],
    })
    await place.superuser.query(`drop function ${NAME}(json)`)
    await place.superuser.query(`drop table t_b`)
    await place.superuser.query(`update alembic_version set version_num = 'a'`)
    expect(await outcome(place)).toMatchObject({ status: 'succeeded', warnings: [], calls: 1 })
  })

  test.each([
    ['one default', "(statements json, more text default '')"],
    ['defaults alone', "(statements json default '{}', more text default '')"],
    ['a variadic part with a default', "(statements json, variadic more text[] default '{}')"],
  ])('a function of the same name with %s makes no call ambiguous', async (_name, parameters) => {
    const place = await make()
    await place.hostile(
      `create function ${NAME}${parameters} returns json language plpgsql as $$ begin perform hostile.ran(); end $$`,
    )
    const { warnings, ...rest } = await outcome(place)
    expect(rest).toEqual(ONE_BY_ONE)
    expect(warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `^each statement is a call of its own, because a call of "public"\\."alembic_version_exec_v2" may also mean function alembic_version_exec_v2\\(json,text(\\[\\])?\\) of role ${place.role}, which has defaults: drop that function, or set BATCHING to off$`,
        ),
      ),
    ])
  })

  test.each(['(text)', '(jsonb)', '(variadic json[])', '(anyelement)', '(text, int default 1)'])(
    'one with other parameters, %s, is not called',
    async (parameters) => {
      const place = await make()
      await place.hostile(
        `create function ${NAME}${parameters} returns json language plpgsql as $$ begin perform hostile.ran(); end $$`,
      )
      const { status, ran } = await outcome(place)
      expect({ status, ran }).toEqual({ status: 'succeeded', ran: 0 })
    },
  )

  test.each([
    [
      'an event trigger refuses it',
      async ({ superuser, database }: HostileDatabase) => {
        await superuser.query(
          "create function public.refuse() returns event_trigger language plpgsql as $$ begin raise exception 'no functions here'; end $$",
        )
        await superuser.query(
          "create event trigger e on ddl_command_start when tag in ('CREATE FUNCTION') execute function public.refuse()",
        )
        return `"public"."alembic_version_exec_v2" cannot be made: no functions here (SQLSTATE P0001); grant the secret's user create on the schema${database && ''}`
      },
    ],
    [
      'a function of a trusted role is in its place',
      async ({ superuser }: HostileDatabase) => {
        await superuser.query(
          `create function ${NAME}(json) returns int language sql as 'select 1'`,
        )
        return `"public"."alembic_version_exec_v2" cannot be made: must be owner of function alembic_version_exec_v2 (SQLSTATE 42501); let role postgres, which owns it, drop it`
      },
    ],
    [
      'it may not be called',
      async ({ superuser }: HostileDatabase) => {
        await superuser.query(executorStatement(NAME))
        await superuser.query(`revoke execute on function ${NAME}(json) from public`)
        return `this user may not call "public"."alembic_version_exec_v2": grant execute on function "public"."alembic_version_exec_v2"(json)`
      },
    ],
  ])('where %s, each statement is a call', async (_name, prepare) => {
    const place = await make()
    const reason = await prepare(place)
    expect(await outcome(place)).toEqual({
      ...ONE_BY_ONE,
      warnings: [`each statement is a call of its own, because ${reason}, or set BATCHING to off`],
    })
  })

  test('it is not made with BATCHING=off, which warns of nothing', async () => {
    const place = await make()
    await place.hostile(executorStatement(NAME))
    expect(await outcome(place, { batching: false })).toEqual({ ...ONE_BY_ONE, warnings: [] })
  })
})

test('the function of a trusted owner with our text is called', async () => {
  const place = await hostileDatabase(aurora)
  await place.superuser.query(executorStatement(NAME))
  expect(await outcome(place)).toMatchObject({ status: 'succeeded', warnings: [], calls: 2 })
})

test.each([
  ['security definer', 'security definer'],
  ['another search path', 'set search_path to hostile'],
  ['immutable', 'immutable'],
])('the function of a trusted owner with our text that is %s is made anew', async (_, change) => {
  const place = await hostileDatabase(aurora)
  await place.migrator(executorStatement(NAME), `alter function ${NAME}(json) ${change}`)
  const { status, warnings, calls } = await outcome(place)
  expect({ status, warnings, calls }).toEqual({ status: 'succeeded', warnings: [], calls: 2 })
  const { rows } = await place.superuser.query(
    `select prosecdef, proconfig, provolatile from pg_proc where proname = '${TABLE.executorName}'`,
  )
  expect(rows).toEqual([{ prosecdef: false, proconfig: null, provolatile: 'v' }])
})

/** The outcome when something happens just before the first statement that begins in this way. */
async function outcomeWith(place: HostileDatabase, start: string, act: () => Promise<void>) {
  const { api, lines, log } = testContext(aurora, place.database, REVISIONS)
  const report = await outcome(place, { api: acting(api, start, act), lines, log })
  return { ...report, lines }
}

describe('between the look and the call', () => {
  test('an overload with a default makes the run go on without batches', async () => {
    const place = await hostileDatabase(aurora)
    const { lines, ...report } = await outcomeWith(place, `select ${NAME}(`, () =>
      place.hostile(
        `create function ${NAME}(statements json, more text default '') returns json language plpgsql as $$ begin perform hostile.ran(); end $$`,
      ),
    )
    expect(report).toMatchObject({ status: 'succeeded', to: ['b'], ran: 0 })
    expect(lines).toContainEqual(
      expect.stringMatching(/^the function for batches could not be called, so it is run again/),
    )
  })

  test('the function of another role, made before ours, is not called', async () => {
    const place = await hostileDatabase(aurora)
    const { lines, ...report } = await outcomeWith(place, 'create function', () =>
      place.hostile(executorStatement(NAME)),
    )
    expect(report).toMatchObject(ONE_BY_ONE)
    expect(lines).toContainEqual(
      expect.stringContaining(`belongs to role ${place.role}, which is not trusted`),
    )
  })

  test('the function that another run has made before ours is called', async () => {
    const place = await hostileDatabase(aurora)
    const report = await outcomeWith(place, 'create function', () =>
      place.migrator(executorStatement(NAME)),
    )
    expect(report).toMatchObject({ status: 'succeeded', warnings: [], calls: 2 })
  })
})

test('ensure-version makes the function beside the tables, as far as it can be made', async () => {
  const [place, refused] = [await hostileDatabase(aurora), await hostileDatabase(aurora)]
  await refused.hostile(executorStatement(NAME))
  for (const { database } of [place, refused]) {
    const context = { ...testContext(aurora, database, REVISIONS), batching: true }
    expect(await ensureVersion(context)).toMatchObject({ status: 'succeeded', created: true })
    expect(await ensureVersion(context)).toMatchObject({ status: 'succeeded', created: false })
  }
  const owners = `select pg_get_userbyid(proowner) as owner from pg_proc where proname = '${TABLE.executorName}'`
  expect((await place.superuser.query(owners)).rows).toEqual([{ owner: 'migrator' }])
  expect((await refused.superuser.query(owners)).rows).toEqual([{ owner: refused.role }])
})
