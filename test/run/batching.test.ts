import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { downgrade, upgrade } from '../../lambda/commands.ts'
import { databaseError, StatementError } from '../../lambda/data-api/errors.ts'
import { defineEntity, orm, p } from '../../lambda/orm/orm.ts'
import { dumpCatalog } from '../catalog-dump.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import {
  callNames,
  revision,
  statementsOf,
  type TestContext,
  tableRevision,
  testContext,
  type Work,
} from '../runner-fixture.ts'
import { writtenStatement } from '../written-statement.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterEach(() => aurora.faults.clear())
afterAll(() => aurora.stop())

const BASE = revision('root', null, (op) =>
  op.execute('create table k (id integer primary key, name text)'),
)

/** A database at `root`; answers the calls that were made since. */
async function atBase(batching = true) {
  const database = await newDatabase(aurora)
  await upgrade({ ...testContext(aurora, database, [BASE]), batching })
  aurora.calls.clear()
  return { database, calls: () => aurora.calls.forDatabase(database) }
}

async function run(database: string, work: Work, more: Partial<TestContext> = {}) {
  const revisions = [BASE, revision('a', 'root', work)]
  const context = { ...testContext(aurora, database, revisions), batching: true, ...more }
  return { report: await upgrade(context), lines: context.lines }
}

async function rowsOf(database: string, text: string): Promise<unknown[]> {
  const client = await connect(aurora, database)
  return (await client.query(text)).rows
}

describe('a revision whose operations return nothing', () => {
  const FIVE: Work = async (op) => {
    await op.createTable('t', (t) => t.addColumn('id', 'integer').addColumn('name', 'text'))
    await op.addColumn('t', 'state', 'text')
    await op.createIndex('t_name', 't', ['name'])
    await op.bulkInsert('t', [
      { id: 1, name: "it's :x" },
      { id: 2, name: '\\' },
    ])
    await op.execute(sql`update t set state = ${'open'} where id = ${1}`)
  }

  test('is four calls with the read, whose one batch opens with the fence and closes with the move', async () => {
    const { database, calls } = await atBase()
    const { report } = await run(database, FIVE)
    expect(report).toMatchObject({
      status: 'succeeded',
      steps: [{ revision: 'a', statements: 5, rows: 3 }],
    })
    expect(calls().map(({ operation }) => operation)).toEqual([
      'ExecuteStatement',
      'BeginTransaction',
      'ExecuteStatement',
      'CommitTransaction',
    ])
    const [, , batch] = calls()
    const statements = batch ? statementsOf(batch) : []
    expect(callNames(calls())).toEqual([
      'Read',
      'BeginTransaction',
      'Fence',
      'create table',
      'alter table',
      'create index',
      'insert into',
      'update t',
      'Move',
      'CommitTransaction',
    ])
    expect(statements.slice(1, -1)).toEqual([
      'create table "t" ("id" integer, "name" text)',
      'alter table "t" add column "state" text',
      'create index "t_name" on "t" ("name")',
      `insert into "t" ("id", "name") select "id", "name" from pg_catalog.json_populate_recordset(row((null::"t").*)::"t", E'[{"id"\\x3a1,"name"\\x3a"it''s \\x3ax"},{"id"\\x3a2,"name"\\x3a"\\\\\\\\"}]'::pg_catalog.json)`,
      "update t set state =  'open' where id =  1",
    ])
    expect(await rowsOf(database, 'select * from t order by id')).toEqual([
      { id: 1, name: "it's :x", state: 'open' },
      { id: 2, name: '\\', state: null },
    ])
    expect(
      await rowsOf(
        database,
        "select outcome, statements, rows::int from alembic_version_history where revision = 'a'",
      ),
    ).toEqual([{ outcome: 'done', statements: 5, rows: 3 }])
  })

  test('is six calls in an empty database', async () => {
    const database = await newDatabase(aurora)
    const context = { ...testContext(aurora, database, [revision('a', null, FIVE)]) }
    expect(await upgrade({ ...context, batching: true })).toMatchObject({ status: 'succeeded' })
    expect(aurora.calls.forDatabase(database)).toHaveLength(6)
  })

  test('is three calls more for each further one, and a downgrade and a stamp are no other', async () => {
    const { database, calls } = await atBase()
    const line = ['a', 'b', 'c', 'd'].map((id, i, ids) => tableRevision(id, ids[i - 1] ?? 'root'))
    const context = { ...testContext(aurora, database, [BASE, ...line]), batching: true }
    await upgrade(context)
    expect(calls()).toHaveLength(1 + 3 * 4)
    aurora.calls.clear()
    await downgrade(context, 'root')
    expect(calls()).toHaveLength(1 + 3 * 4)
  })

  test('takes along what bulkUpdate asks first, so that it is no call more', async () => {
    const { database, calls } = await atBase()
    const { report } = await run(database, async (op) => {
      await op.execute("insert into k values (1, 'a'), (2, 'b')")
      const rows = [1, 2].map((id) => ({ id, name: 'c' }))
      expect(await op.bulkUpdate('k', rows, { key: ['id'] })).toBe(2)
    })
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ statements: 2, rows: 4 }] })
    expect(calls().map((call) => callNames([call]))).toEqual([
      ['Read'],
      ['BeginTransaction'],
      ['Fence', 'insert into', 'with recursive'],
      ['with "aurora_given"'],
      ['Move'],
      ['CommitTransaction'],
    ])
  })

  test('travels in several calls when it is long, and in order', async () => {
    const { database, calls } = await atBase()
    const names = Array.from({ length: 40 }, (_, i) => `${i}:${'x'.repeat(20_000)}`)
    const { report } = await run(database, async (op) => {
      for (const [id, name] of names.entries()) await op.bulkInsert('k', [{ id, name }])
      await op.execute('update k set id = id + 100')
    })
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ statements: 41, rows: 80 }] })
    const sizes = calls().map((call) => JSON.stringify(call.parameters ?? '').length)
    expect(Math.max(...sizes)).toBeLessThan(300_000)
    expect(calls()).toHaveLength(1 + 1 + 4 + 1)
    expect(await rowsOf(database, 'select name from k order by id')).toEqual(
      names.map((name) => ({ name })),
    )
  })
})

describe('what is put off', () => {
  test('is sent before a statement that answers rows', async () => {
    const { database, calls } = await atBase()
    const { report } = await run(database, async (op) => {
      await op.execute("insert into k values (1, 'one')")
      expect(await op.query('select name from k')).toEqual([{ name: 'one' }])
      await op.execute("insert into k values (2, 'two')")
    })
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ statements: 3, rows: 2 }] })
    expect(calls()).toHaveLength(1 + 5)
  })

  test.each([
    ["set local lock_timeout = '1s'", 'has to be a statement of its own'],
    ['lock table k', 'is nothing that a function may do'],
    ['select 1', 'answers rows that nobody wants'],
    ["select set_config('statement_timeout', '60s', true)", 'is about single statements'],
  ])('is sent before %s, which %s', async (statement) => {
    const { database, calls } = await atBase()
    const { report } = await run(database, async (op) => {
      await op.execute("insert into k values (1, 'one')")
      await op.execute(statement)
      await op.execute("insert into k values (2, 'two')")
    })
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ statements: 3, rows: 2 }] })
    expect(calls().map(({ sql = '' }) => writtenStatement(sql))).toContain(statement)
    expect(callNames(calls())).toEqual([
      'Read',
      'BeginTransaction',
      'Fence',
      'insert into',
      expect.any(String),
      'insert into',
      'Move',
      'CommitTransaction',
    ])
  })

  test('is nothing while there is a savepoint, so that a revision gets the error it catches', async () => {
    const { database } = await atBase()
    const { report } = await run(database, async (op) => {
      await op.execute("insert into k values (1, 'one')")
      await op.execute('savepoint s')
      await expect(op.execute("insert into k values (1, 'again')")).rejects.toMatchObject({
        code: '23505',
      })
      await op.execute('rollback to savepoint s')
      await op.execute('release savepoint s')
      await op.execute("insert into k values (2, 'two')")
    })
    expect(report).toMatchObject({ status: 'succeeded' })
    expect(await rowsOf(database, 'select id from k order by id')).toEqual([{ id: 1 }, { id: 2 }])
  })

  test('is not sent any more when the revision is out of time', async () => {
    const { database, calls } = await atBase()
    const { report } = await run(
      database,
      async (op) => {
        await op.execute("insert into k values (1, 'one')")
        await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
      },
      { deadline: Date.now() + 6_000 },
    )
    expect(report.error?.message).toContain('stopped after 1 s, when the time was up')
    expect(callNames(calls())).not.toContain('Fence')
    expect(await rowsOf(database, 'select id from k')).toEqual([])
  })
})

/** What a run leaves behind for a user to see. */
async function outcome(work: Work, batching: boolean) {
  const { database } = await atBase(batching)
  const { report, lines } = await run(database, work, { batching })
  const client = await connect(aurora, database)
  const history = await rowsOf(
    database,
    'select revision, outcome, seq::int, statements, rows::int, error, from_rows, to_rows from alembic_version_history order by started_at',
  )
  const { runId: _, steps, ...rest } = report
  return {
    report: { ...rest, steps: steps.map(({ ms: _ms, ...step }) => step) },
    lines,
    history,
    dump: await dumpCatalog(client),
  }
}

const Thing = defineEntity({
  name: 'Thing',
  tableName: 'k',
  properties: { id: p.integer().primary(), name: p.text() },
})

const fill: Work = (op) =>
  op.bulkInsert('k', [
    { id: 1, name: 'one' },
    { id: 2, name: 'two' },
  ])

describe('a run with and one without batching leave the same behind', () => {
  const works: Record<string, Work> = {
    'that succeeds': async (op) => {
      await fill(op)
      await op.executeScript('create table t (); comment on table t is $$ a;b $$; drop table t')
      await op.execute(
        'with gone as (delete from k where id = 1 returning *) insert into k select id + 10, name from gone',
      )
      await op.execute('create table copied as select * from k')
      await op.execute('do $$ begin update k set name = upper(name); end $$')
      await op.alterColumn('k', 'name', { type: 'varchar(20)', nullable: false, rename: 'label' })
    },
    'with a constraint that is violated': async (op) => {
      await fill(op)
      await op.execute(sql`insert into k values (${1}, ${'again'})`)
      await op.execute('create table never ()')
    },
    'with a row of a bulk insert that is refused': async (op) => {
      await fill(op)
      await op.bulkInsert('k', [
        { id: 3, name: 'three' },
        { id: 'x', name: 'four' },
      ])
    },
    'with a line of a script that is refused': async (op) => {
      await op.executeScript("insert into k values (7, 'seven');\n\nalter table nowhere add x int")
    },
    'with a value whose type is not known': async (op) => {
      await op.execute(sql`update k set id = ${'seven'} where id = ${1}`)
    },
    'with an error that has a hint': async (op) => {
      await fill(op)
      await op.execute(
        "do $$ begin raise exception 'no é' using errcode = '23514', hint = 'do it otherwise'; end $$",
      )
    },
    'with an error that is caught': async (op) => {
      await fill(op)
      await op.execute('drop table nowhere').catch(() => {})
      await op.execute('create table never ()').catch(() => {})
    },
    'that throws by itself after a statement that was refused': async (op) => {
      await op.execute('drop table nowhere')
      throw new Error('the revision gave up')
    },
    'that throws by itself': async (op) => {
      await fill(op)
      throw new Error('the revision gave up')
    },
    'with a statement that may not be in a revision': async (op) => {
      await op.execute('drop table nowhere')
      await op.execute('commit')
    },
    'with a wrong argument': async (op) => {
      await op.execute('drop table nowhere')
      await op.dropTable(' ')
    },
    'that forgets to await': async (op) => {
      await fill(op)
      // oxlint-disable-next-line typescript/no-floating-promises
      op.execute('create table never ()')
    },
    'that is not carried out before a query fails': async (op) => {
      await op.execute('drop table nowhere')
      await op.query('select 1')
    },
    'whose deferred constraint fails at the commit': async (op) => {
      await op.execute(
        'create table d (id integer primary key, up integer references d deferrable initially deferred)',
      )
      await op.execute('insert into d values (1, 2)')
    },
    'with models, of which one is refused at the flush': async (op) => {
      await fill(op)
      const em = orm(op, [Thing])
      for (const thing of await em.find(Thing, {})) thing.name = 'the same'
      await op.execute('create unique index k_name on k (name)')
      await em.flush()
      await op.execute('create table never ()')
    },
    'with models that are changed': async (op) => {
      await fill(op)
      const em = orm(op, [Thing])
      for (const thing of await em.find(Thing, {})) thing.name += '!'
      await em.flush()
      await op.execute("update k set name = name || '?'")
    },
    'that changes its search path': async (op) => {
      await op.execute('create schema other')
      await op.execute('set local search_path = other')
      await op.execute('create table there (id integer)')
      await op.execute('insert into there values (1)')
    },
    'with text that looks like an escape': async (op) => {
      await op.execute(String.raw`insert into k values (0, '\')`)
      await op.bulkInsert('k', [{ id: 1, name: "\\'; drop table k --" }])
    },
  }

  test.each(Object.entries(works))('%s', async (_, work) => {
    const [one, other] = [await outcome(work, true), await outcome(work, false)]
    expect(one).toEqual(other)
    expect(one.history).toHaveLength(2)
  })
})

describe('the function of the batches', () => {
  test('is made where the tables are there without it', async () => {
    const { database, calls } = await atBase()
    await rowsOf(database, 'drop function alembic_version_exec_v2')
    const { report } = await run(database, fill)
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ rows: 2 }] })
    expect(callNames(calls(), 4)).toEqual([
      'Read',
      'create function "public"."alembic_version_exec_v2"(statements pg_catalog.json)',
      'BeginTransaction',
      'Fence',
      'insert into "k" ("id",',
      'Move',
      'CommitTransaction',
    ])
  })

  test('that has another text is made anew', async () => {
    const { database, calls } = await atBase()
    await rowsOf(
      database,
      "create or replace function alembic_version_exec_v2(statements json) returns json language plpgsql as $$ begin return json_build_object('results', array[1]); end $$",
    )
    const { report } = await run(database, fill)
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ rows: 2 }] })
    expect(callNames(calls(), 4)).toContain('create or replace function')
  })

  test('that may not be made makes each statement a call of its own, and the log tells', async () => {
    const { database, calls } = await atBase()
    await rowsOf(database, 'drop function alembic_version_exec_v2')
    await rowsOf(database, 'alter schema public owner to postgres')
    await rowsOf(database, 'revoke create on schema public from public, migrator')
    const revisions = [BASE, revision('a', 'root', fill), revision('b', 'a', fill)]
    const context = testContext(aurora, database, revisions)
    const report = await upgrade({ ...context, batching: true })
    expect(report).toMatchObject({ status: 'failed', steps: [{ revision: 'a', rows: 2 }] })
    expect(context.lines).toContain(
      `each statement is a call of its own, because "public"."alembic_version_exec_v2" cannot be made: permission denied for schema public (SQLSTATE 42501); grant the secret's user create on the schema, or set BATCHING to off`,
    )
    const made = calls().filter(({ sql }) => sql?.startsWith('create function'))
    expect(made).toHaveLength(1)
    expect(calls().filter(({ sql }) => sql?.startsWith('insert into "k"'))).toHaveLength(2)
  })

  test('stops at a lost fence, and runs nothing after it', async () => {
    const { database } = await atBase()
    // Another run applies the revision while this one is still putting statements off.
    const other = { ...testContext(aurora, database, [BASE, revision('a', 'root', fill)]) }
    const { report } = await run(database, async (op) => {
      const first = await upgrade({ ...other, batching: false })
      expect(first).toMatchObject({ status: 'succeeded', steps: [{ rows: 2 }] })
      await op.execute("insert into k values (3, 'three')")
    })
    expect(report).toMatchObject({ status: 'succeeded', steps: [], to: ['a'] })
    expect(await rowsOf(database, 'select id from k order by id')).toEqual([{ id: 1 }, { id: 2 }])
  })
})

describe('the function of the batches, to the letter but of other rights or settings,', () => {
  const REVISION: Work = async (op) => {
    await op.execute('create table seen (who name, path text)')
    await op.execute("insert into seen values (current_user, current_setting('search_path'))")
  }

  test.each([
    ['that runs with the rights of its owner', 'security definer'],
    ['that brings settings of its own', "set search_path = pg_catalog, public, 'other'"],
  ])('%s is not what runs the statements', async (_, attribute) => {
    const { database } = await atBase()
    const name = 'function public.alembic_version_exec_v2(json)'
    await rowsOf(database, `alter ${name} ${attribute}`)
    await rowsOf(database, `alter ${name} owner to postgres`)
    const { report } = await run(database, REVISION)
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ rows: 1 }] })
    expect(await rowsOf(database, 'select * from seen')).toEqual([
      { who: 'migrator', path: '"$user", public' },
    ])
  })

  test('that its owner alone may call is not called', async () => {
    const { database } = await atBase()
    const name = 'function public.alembic_version_exec_v2(json)'
    await rowsOf(database, `alter ${name} owner to postgres`)
    await rowsOf(database, `revoke execute on ${name} from public, migrator`)
    const { report } = await run(database, REVISION)
    expect(report).toMatchObject({ status: 'succeeded', steps: [{ rows: 1 }] })
  })
})

test('a batch whose fence is lost sends nothing after the fence, not even what no rollback takes back', async () => {
  const { database } = await atBase()
  await rowsOf(database, 'create sequence seen; alter sequence seen owner to migrator')
  const work: Work = (op) => op.execute("insert into k values (nextval('seen'), 'x')")
  const other = testContext(aurora, database, [BASE, revision('a', 'root', work)])
  const { report } = await run(database, async (op) => {
    await upgrade({ ...other, batching: false })
    await work(op)
  })
  expect(report).toMatchObject({ status: 'succeeded', steps: [], to: ['a'] })
  expect(await rowsOf(database, 'select last_value::int from seen')).toEqual([{ last_value: 1 }])
})

test('a statement_timeout of the role is for a statement, not for a batch: it is sent again one by one', async () => {
  const database = await newDatabase(aurora)
  await rowsOf(
    database,
    `alter role migrator in database "${database}" set statement_timeout = '700ms'`,
  )
  const { report, lines } = await run(database, async (op) => {
    for (const id of [1, 2, 3]) {
      await op.execute(`insert into k select ${id}, 'x' from pg_sleep(0.4)`)
    }
  })
  expect(report).toMatchObject({ status: 'succeeded', steps: [{}, { statements: 3, rows: 3 }] })
  expect(lines).toContainEqual(
    expect.stringMatching(/^a statement took longer than .*, or those of one call together/),
  )
})

test('a statement_timeout that the revision sets is for each statement after it, and none is tried again', async () => {
  const database = await newDatabase(aurora)
  const { report, lines } = await run(database, async (op) => {
    await op.execute("set local statement_timeout = '900ms'")
    for (const id of [1, 2, 3]) {
      await op.execute(`insert into k select ${id}, 'x' from pg_sleep(0.4)`)
    }
  })
  expect(report).toMatchObject({ status: 'succeeded', steps: [{}, { statements: 4, rows: 3 }] })
  expect(lines.filter((line) => line.includes('run again'))).toEqual([])
})

test.each([
  ['set local statement_timeout = 0', 1],
  ["SET LOCAL statement_timeout TO '0'", 1],
  ["set local statement_timeout = '0.5s'", 3],
])('after %j three inserts are %i call(s)', async (setting, expected) => {
  const { database, calls } = await atBase()
  const { report } = await run(database, async (op) => {
    await op.execute(setting)
    for (const id of [1, 2, 3]) await op.execute(`insert into k values (${id}, 'x')`)
  })
  expect(report.status).toBe('succeeded')
  const after = calls().findIndex(({ sql = '' }) => writtenStatement(sql) === setting)
  const commit = calls().findIndex(({ operation }) => operation === 'CommitTransaction')
  const moves = expected === 1 ? 0 : 1
  expect(commit - after - 1).toBe(expected + moves)
  expect(await rowsOf(database, 'select id from k')).toHaveLength(3)
})

test('a batch that got no answer shows the statements that were in it', async () => {
  const { database } = await atBase()
  aurora.faults.add({ database, sqlPattern: '^select "public"', kind: 'cut-after', times: 5 })
  const { report } = await run(database, fill)
  expect(report.status).toBe('failed')
  expect(report.error?.message).toContain('statement: insert into "k" ("id", "name")')
  expect(report.error?.message).toContain('nothing of it is committed')
  expect(await rowsOf(database, 'select id from k')).toEqual([])
})

test('an error told by the function reads as the one told by the service', () => {
  const told = databaseError({ sql: 'select 1' }, { code: '42P01', message: 'no', hint: '' })
  expect(told).toBeInstanceOf(StatementError)
  expect(told).toMatchObject({
    message: 'no (SQLSTATE 42P01)',
    code: '42P01',
    outcome: 'refused',
    hint: undefined,
    position: undefined,
  })
})
