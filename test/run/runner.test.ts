import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { current, downgrade, history, upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { BATCHING, callNames, revision, tableRevision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const LINE = [tableRevision('a', null), tableRevision('b', 'a'), tableRevision('c', 'b')]

async function tablesOf(database: string): Promise<string[]> {
  const client = await connect(aurora, database)
  const { rows } = await client.query(
    "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
  )
  return rows.map(({ relname }) => String(relname))
}

async function historyOf(database: string) {
  const client = await connect(aurora, database)
  const { rows } = await client.query(
    'select revision, direction, outcome, seq::int, statements, rows::int, from_rows, to_rows, error from alembic_version_history order by started_at, seq',
  )
  return rows
}

describe('upgrade', () => {
  test('applies each revision in a transaction of its own, with four calls of ours', async () => {
    const database = await newDatabase(aurora)
    const report = await upgrade(testContext(aurora, database, LINE))
    expect(report).toMatchObject({
      status: 'succeeded',
      from: [],
      to: ['c'],
      pending: [],
      warnings: [],
    })
    expect(
      report.steps.map((step) => [step.revision, step.direction, step.statements, step.rows]),
    ).toEqual([
      ['a', 'upgrade', 1, 0],
      ['b', 'upgrade', 1, 0],
      ['c', 'upgrade', 1, 0],
    ])
    const step = (id: string) => [
      'BeginTransaction',
      'Fence',
      `create table "t_${id}"`,
      'Move',
      'CommitTransaction',
    ]
    expect(callNames(aurora.calls.forDatabase(database), 3)).toEqual([
      'Read',
      'do $aurora$ declare',
      ...(BATCHING ? [expect.stringMatching(/^create function /)] : []),
      ...step('a'),
      ...step('b'),
      ...step('c'),
    ])
    expect(await tablesOf(database)).toEqual([
      'alembic_version',
      'alembic_version_history',
      't_a',
      't_b',
      't_c',
    ])
  })

  test('with nothing to do is exactly one Data API call', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, LINE))
    aurora.calls.clear()
    const report = await upgrade(testContext(aurora, database, LINE))
    expect(report).toMatchObject({ status: 'succeeded', from: ['c'], to: ['c'], steps: [] })
    expect(callNames(aurora.calls.forDatabase(database))).toEqual(['Read'])
  })

  test('writes a history row for each step, numbered without gaps', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, LINE))
    await downgrade(testContext(aurora, database, LINE), 'a')
    expect(await historyOf(database)).toMatchObject([
      {
        revision: 'a',
        direction: 'upgrade',
        outcome: 'done',
        seq: 1,
        from_rows: [],
        to_rows: ['a'],
      },
      {
        revision: 'b',
        direction: 'upgrade',
        outcome: 'done',
        seq: 2,
        from_rows: ['a'],
        to_rows: ['b'],
      },
      {
        revision: 'c',
        direction: 'upgrade',
        outcome: 'done',
        seq: 3,
        from_rows: ['b'],
        to_rows: ['c'],
      },
      {
        revision: 'c',
        direction: 'downgrade',
        outcome: 'done',
        seq: 4,
        from_rows: ['c'],
        to_rows: ['b'],
      },
      {
        revision: 'b',
        direction: 'downgrade',
        outcome: 'done',
        seq: 5,
        from_rows: ['b'],
        to_rows: ['a'],
      },
    ])
  })

  test('keeps a row for each head of a branch, and one after the merge', async () => {
    const database = await newDatabase(aurora)
    const branches = [
      ...LINE,
      tableRevision('d', 'a'),
      revision(
        'm',
        ['c', 'd'],
        async () => {},
        async () => {},
      ),
    ]
    const rows = async () => (await current(testContext(aurora, database, branches))).rows
    await upgrade(testContext(aurora, database, branches), 'c')
    await upgrade(testContext(aurora, database, branches), 'd')
    expect(await rows()).toEqual(['c', 'd'])
    await upgrade(testContext(aurora, database, branches))
    expect(await rows()).toEqual(['m'])
    await downgrade(testContext(aurora, database, branches), 'c')
    expect(await rows()).toEqual(['c', 'd'])
  })

  test('takes over a version table that Alembic made', async () => {
    const database = await newDatabase(aurora)
    const client = await connect(aurora, database)
    await client.query(
      'create table alembic_version (version_num varchar(32) not null constraint alembic_version_pkc primary key)',
    )
    await client.query("insert into alembic_version values ('b')")
    await client.query('alter table alembic_version owner to migrator')
    expect(await current(testContext(aurora, database, LINE))).toMatchObject({
      rows: ['b'],
      atHeads: false,
    })
    const report = await upgrade(testContext(aurora, database, LINE))
    expect(report).toMatchObject({ status: 'succeeded', from: ['b'], to: ['c'] })
    expect(await tablesOf(database)).toEqual(['alembic_version', 'alembic_version_history', 't_c'])
  })

  test('stops between two revisions when the time is up, and the next run goes on', async () => {
    const database = await newDatabase(aurora)
    const slow = LINE.map((each) => ({
      ...each,
      upgrade: async (op: Parameters<typeof each.upgrade>[0]) => {
        await op.query('select pg_sleep(2)::text as slept')
        await each.upgrade(op)
      },
    }))
    const report = await upgrade(testContext(aurora, database, slow, { timeMs: 9_000 }))
    expect(report.status).toBe('incomplete')
    expect(report.steps.length).toBeGreaterThan(0)
    expect([...report.steps.map((step) => step.revision), ...report.pending]).toEqual([
      'a',
      'b',
      'c',
    ])
    expect(await upgrade(testContext(aurora, database, slow))).toMatchObject({
      status: 'succeeded',
      to: ['c'],
    })
  })
})

describe('a revision that fails', () => {
  const statements = [
    'create table k (id integer)',
    'insert into k values (1)',
    'create index k_id on k (id)',
    'update k set id = 2',
  ]

  test.each([0, 1, 2, 3, 4])(
    'at statement %i leaves the database as it was, and one failed history row',
    async (failing) => {
      const database = await newDatabase(aurora)
      const broken = revision('b', 'a', async (op) => {
        for (const [i, sql] of [...statements, 'select 1'].entries()) {
          await op.execute(i === failing ? 'select no_such_function()' : sql)
        }
      })
      const report = await upgrade(
        testContext(aurora, database, [tableRevision('a', null), broken]),
      )
      expect(report).toMatchObject({ status: 'failed', from: [], to: ['a'], pending: ['b'] })
      expect(report.error?.message).toBe(
        'upgrade of b (doc of b) failed: function no_such_function() does not exist (SQLSTATE 42883); No function matches the given name and argument types. You might need to add explicit type casts.; statement: select no_such_function(); nothing of it is committed',
      )
      expect(report.error).toMatchObject({ revision: 'b', direction: 'upgrade', sqlState: '42883' })
      expect(await tablesOf(database)).toEqual([
        'alembic_version',
        'alembic_version_history',
        't_a',
      ])
      expect((await historyOf(database)).slice(1)).toMatchObject([
        {
          revision: 'b',
          outcome: 'failed',
          seq: null,
          statements: failing,
          error: report.error?.message,
        },
      ])
      expect((await current(testContext(aurora, database, [...LINE]))).rows).toEqual(['a'])
    },
  )

  test('sends nothing after the failed call but the rollback and the history row', async () => {
    const database = await newDatabase(aurora)
    const broken = revision('a', null, async (op) => {
      await op.execute('create table k (id integer)')
      await op.execute('nonsense').catch(() => {})
      await op.execute('insert into k values (1)').catch(() => {})
    })
    const report = await upgrade(testContext(aurora, database, [broken]))
    expect(report.status).toBe('failed')
    expect(report.error?.message).toContain('syntax error at or near "nonsense"')
    expect(callNames(aurora.calls.forDatabase(database)).slice(BATCHING ? 3 : 2)).toEqual([
      'BeginTransaction',
      'Fence',
      'create table',
      'nonsense',
      'RollbackTransaction',
      'insert into',
    ])
  })

  test('fails even when it catches the error and returns', async () => {
    const database = await newDatabase(aurora)
    const broken = revision('a', null, async (op) => {
      await op.execute('select 1/0').catch(() => {})
    })
    const report = await upgrade(testContext(aurora, database, [broken]))
    expect(report.error?.message).toContain('division by zero (SQLSTATE 22012)')
    expect(await tablesOf(database)).toEqual(['alembic_version', 'alembic_version_history'])
  })

  test('goes on when it rolled back to a savepoint after the error', async () => {
    const database = await newDatabase(aurora)
    const careful = revision('a', null, async (op) => {
      await op.execute('create table k (id integer)')
      await op.execute('savepoint s')
      await op.execute('select 1/0').catch(() => {})
      await op.execute('rollback to savepoint s')
      await op.execute('insert into k values (1)')
    })
    const report = await upgrade(testContext(aurora, database, [careful]))
    expect(report.status).toBe('succeeded')
    const client = await connect(aurora, database)
    expect((await client.query('select id from k')).rows).toEqual([{ id: 1 }])
  })

  test('at the commit, by a deferred constraint, is failed and rolled back', async () => {
    const database = await newDatabase(aurora)
    const broken = revision('a', null, async (op) => {
      await op.execute(
        'create table k (id integer primary key, up integer references k deferrable initially deferred)',
      )
      await op.execute('insert into k values (1, 2)')
    })
    const report = await upgrade(testContext(aurora, database, [broken]))
    expect(report.status).toBe('failed')
    expect(report.error).toMatchObject({ sqlState: '23503' })
    expect(await tablesOf(database)).toEqual(['alembic_version', 'alembic_version_history'])
    expect(await historyOf(database)).toMatchObject([{ revision: 'a', outcome: 'failed' }])
  })

  test('is told with what was applied before it', async () => {
    const database = await newDatabase(aurora)
    const broken = revision('c', 'b', (op) => op.execute('select 1/0'))
    const report = await upgrade(testContext(aurora, database, [...LINE.slice(0, 2), broken]))
    expect(report.steps.map((step) => step.revision)).toEqual(['a', 'b'])
    expect(report).toMatchObject({ status: 'failed', to: ['b'], pending: ['c'] })
  })
})

describe('a missing await', () => {
  test('is an error that names the call', async () => {
    const database = await newDatabase(aurora)
    const forgetful = revision('a', null, async (op) => {
      // oxlint-disable-next-line typescript/no-floating-promises
      op.execute('create table k (id integer)')
      await op.execute('select 1')
    })
    const report = await upgrade(testContext(aurora, database, [forgetful]))
    expect(report.status).toBe('failed')
    expect(report.error?.message).toMatch(
      /returned without waiting for .*create table k.*add the missing 'await'/,
    )
    expect(await tablesOf(database)).toEqual(['alembic_version', 'alembic_version_history'])
  })

  test('whose statement fails does not end the process', async () => {
    const database = await newDatabase(aurora)
    const forgetful = revision('a', null, async (op) => {
      // oxlint-disable-next-line typescript/no-floating-promises
      op.execute('select 1/0')
    })
    const report = await upgrade(testContext(aurora, database, [forgetful]))
    expect(report.status).toBe('failed')
  })

  test('of a query builder is seen while its statement runs', async () => {
    const database = await newDatabase(aurora)
    const forgetful = revision('a', null, async (op) => {
      // oxlint-disable-next-line typescript/no-floating-promises
      op.getBind<{ pg_class: { relname: string } }>()
        .selectFrom('pg_class')
        .select('relname')
        .limit(1)
        .execute()
    })
    const report = await upgrade(testContext(aurora, database, [forgetful]))
    expect(report.error?.message).toMatch(
      /returned without waiting for .*select "relname" from "pg_class"/,
    )
  })

  test.each([0, 1, 2, 3, 5, 10])(
    'in a helper that goes on by itself for %i turns commits nothing',
    async (turns) => {
      const database = await newDatabase(aurora)
      const create = revision('a', null, (op) => op.execute('create table k (id integer)'))
      const forgetful = revision('b', 'a', async (op) => {
        const helper = async () => {
          await op.execute('insert into k values (1)')
          for (let i = 0; i < turns; i += 1) await Promise.resolve()
          await op.execute('insert into k values (2)')
        }
        helper().catch(() => {})
      })
      const report = await upgrade(testContext(aurora, database, [create, forgetful]))
      expect(report).toMatchObject({ status: 'failed', to: ['a'] })
      const client = await connect(aurora, database)
      expect((await client.query('select id from k')).rows).toEqual([])
    },
  )

  test('that lets a statement come after the end is refused by the session', async () => {
    const database = await newDatabase(aurora)
    let late: Promise<void> | undefined
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const forgetful = revision('a', null, async (op) => {
      late = gate.then(() => op.execute('create table too_late (id integer)'))
    })
    await upgrade(testContext(aurora, database, [forgetful]))
    release()
    await expect(late).rejects.toThrow(
      'upgrade of a (doc of a) is over: a statement came after it returned',
    )
    expect(await tablesOf(database)).not.toContain('too_late')
  })
})

describe('downgrade', () => {
  test('past an irreversible revision is refused before anything runs', async () => {
    const database = await newDatabase(aurora)
    const revisions = [
      tableRevision('a', null),
      revision('b', 'a', async () => {}),
      tableRevision('c', 'b'),
    ]
    await upgrade(testContext(aurora, database, revisions))
    aurora.calls.clear()
    const report = await downgrade(testContext(aurora, database, revisions), 'base')
    expect(report).toMatchObject({
      status: 'failed',
      from: ['c'],
      to: ['c'],
      error: { kind: 'Irreversible' },
    })
    expect(report.error?.message).toBe(
      'cannot downgrade past b: its downgrade is null; nothing was run. Write a downgrade, or go on with a new revision that undoes the change',
    )
    expect(callNames(aurora.calls.forDatabase(database))).toEqual(['Read'])
  })

  test('to base leaves only our own tables', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, LINE))
    const report = await downgrade(testContext(aurora, database, LINE), 'base')
    expect(report).toMatchObject({ status: 'succeeded', from: ['c'], to: [] })
    expect(await tablesOf(database)).toEqual(['alembic_version', 'alembic_version_history'])
  })
})

describe('reading commands', () => {
  test('create nothing in a database that was never upgraded', async () => {
    const database = await newDatabase(aurora)
    expect(await current(testContext(aurora, database, LINE))).toMatchObject({
      rows: [],
      atHeads: false,
    })
    expect(await history(testContext(aurora, database, LINE))).toMatchObject({
      current: [],
      runs: [],
    })
    expect(await tablesOf(database)).toEqual([])
  })

  test('history shows failed runs too, newest first', async () => {
    const database = await newDatabase(aurora)
    const broken = revision('b', 'a', (op) => op.execute('select 1/0'))
    await upgrade(
      testContext(aurora, database, [tableRevision('a', null), broken], { runId: 'run 1' }),
    )
    const report = await history(testContext(aurora, database, LINE))
    expect(report.revisions.map((each) => each.revision)).toEqual(['c', 'b', 'a'])
    expect(report.runs).toMatchObject([
      {
        runId: 'run 1',
        revision: 'b',
        outcome: 'failed',
        error: expect.stringContaining('division by zero'),
      },
      {
        runId: 'run 1',
        revision: 'a',
        outcome: 'done',
        error: null,
        source: 'test',
        who: 'a test',
      },
    ])
  })
})
