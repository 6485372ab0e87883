import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { LocalAurora } from '../../../infra/local/local-aurora.ts'
import { check, downgrade, stamp, upgrade } from '../../../lambda/commands.ts'
import type { Operations } from '../../../lambda/operations/operations.ts'
import { connect, newDatabase, testAurora } from '../../local-aurora.ts'
import {
  BATCHING,
  callNames,
  revision,
  type TestContext,
  testContext,
} from '../../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

type Work = (op: Operations) => Promise<unknown>

const TABLE = revision(
  'r1',
  null,
  async (op) => {
    await op.execute('create table k (id integer)')
    await op.execute('insert into k values (1), (2)')
  },
  async (op) => op.execute('drop table k'),
)

/** The table `k`, and a revision after it with this upgrade. */
function contextOf(database: string, work: Work, options = {}): TestContext {
  const revisions = [
    TABLE,
    revision(
      'r2',
      'r1',
      async (op) => void (await work(op)),
      async (op) => void (await work(op)),
    ),
  ]
  return { ...testContext(aurora, database, revisions, options), pollMs: 50 }
}

/** A database with the table `k`. */
async function tableDatabase(): Promise<string> {
  const database = await newDatabase(aurora)
  await upgrade(
    contextOf(database, async () => {}),
    'r1',
  )
  return database
}

async function run(database: string, work: Work, changes: Partial<TestContext> = {}) {
  const context = contextOf(database, work)
  return { report: await upgrade({ ...context, ...changes }), lines: context.lines }
}

const INDEX: Work = (op) => op.execute('create index concurrently if not exists k_id on k (id)')
const BLOCK: Work = (op) => op.autocommitBlock(async () => void (await INDEX(op)))
const REST: Work = (op) => op.execute('insert into k values (3)')
const FAIL: Work = (op) => op.execute('select 1/0')

function together(...parts: Work[]): Work {
  return async (op) => {
    for (const part of parts) await part(op)
  }
}

async function look(database: string) {
  const client = await connect(aurora, database)
  const one = async (sql: string) => (await client.query(sql)).rows[0]?.value as unknown
  const history = await client.query(
    "select revision, outcome, seq::int, statements, error, lease_until is null as free from alembic_version_history where revision <> 'r1' order by started_at",
  )
  return {
    history: history.rows,
    ids: await one('select array_agg(id order by id) as value from k'),
    indexValid: await one(
      "select indisvalid as value from pg_index where indexrelid = to_regclass('k_id')",
    ),
    version: await one('select version_num as value from alembic_version'),
  }
}

const sentTo = (database: string) =>
  aurora.calls.forDatabase(database).map((call) => call.sql ?? call.operation)

const countOf = (database: string, text: string) =>
  sentTo(database).filter((sql) => sql.includes(text)).length

describe('an autocommit block', () => {
  test('runs outside the transaction, and what follows is one transaction with the version rows', async () => {
    const database = await tableDatabase()
    const before = aurora.calls.forDatabase(database).length
    const { report } = await run(database, together(BLOCK, REST, REST))
    expect(report).toMatchObject({ status: 'succeeded', to: ['r2'], steps: [{ statements: 3 }] })
    expect(await look(database)).toEqual({
      history: [
        { revision: 'r2', outcome: 'done', seq: 2, statements: 3, error: null, free: true },
      ],
      ids: [1, 2, 3, 3],
      indexValid: true,
      version: 'r2',
    })
    const calls = aurora.calls.forDatabase(database).slice(before)
    const names = callNames(calls)
    expect(names.filter((name) => name !== 'select i.indisvalid')).toEqual([
      'Read',
      'BeginTransaction',
      'Fence',
      'CommitTransaction',
      '/* aurora-migrations',
      'BeginTransaction',
      'Fence',
      'insert into',
      'insert into',
      'Move',
      'CommitTransaction',
    ])
    expect(calls.length).toBe(BATCHING ? 10 : 12)
    const index = calls.find((call) => call.sql?.includes('create index'))
    expect(index?.transactionId).toBeUndefined()
    expect(index?.sql).toMatch(
      /^\/\* aurora-migrations [0-9a-f-]{36} \*\/ create index concurrently if not exists k_id on k \(id\)$/,
    )
  })

  test('may be followed by another one, with no transaction between them', async () => {
    const database = await tableDatabase()
    const before = aurora.calls.forDatabase(database).length
    const vacuum: Work = (op) => op.autocommitBlock(() => op.execute('vacuum k'))
    const { report } = await run(database, together(BLOCK, vacuum, REST))
    expect(report.status).toBe('succeeded')
    const names = callNames(aurora.calls.forDatabase(database).slice(before))
    expect(names.filter((name) => name === 'BeginTransaction')).toHaveLength(2)
    expect(await look(database)).toMatchObject({ ids: [1, 2, 3], version: 'r2' })
  })

  test('may be all of a revision, upgrade and downgrade', async () => {
    const database = await tableDatabase()
    expect((await run(database, BLOCK)).report).toMatchObject({ status: 'succeeded', to: ['r2'] })
    expect(await downgrade(contextOf(database, BLOCK), 'r1')).toMatchObject({
      status: 'succeeded',
      to: ['r1'],
    })
  })

  test('keeps what getBind() returned before it valid', async () => {
    const database = await tableDatabase()
    const { report } = await run(database, async (op) => {
      const db = op.getBind<{ k: { id: number } }>()
      await BLOCK(op)
      await db.insertInto('k').values({ id: 3 }).execute()
    })
    expect(report.status).toBe('succeeded')
    expect((await look(database)).ids).toEqual([1, 2, 3])
  })

  test.each([
    ['a plain insert', (op: Operations) => op.execute('insert into k values (9)')],
    ['a query', (op: Operations) => op.query('select 1 as one')],
    ['rows', (op: Operations) => op.bulkInsert('k', [{ id: 9 }])],
    [
      'rows of several calls',
      (op: Operations) => op.bulkInsert('k', [{ id: 9 }, { id: 8 }], { chunkBytes: 20 }),
    ],
    [
      'a builder',
      (op: Operations) =>
        op.getBind<{ k: { id: number } }>().insertInto('k').values({ id: 9 }).execute(),
    ],
  ])('refuses %s inside it, which could not run twice', async (_what, work) => {
    const database = await tableDatabase()
    const { report } = await run(database, (op) =>
      op.autocommitBlock(async () => void (await work(op))),
    )
    expect(report.error?.message).toContain(
      'inside op.autocommitBlock only statements that may run twice are allowed',
    )
    expect(report.error?.message).toMatch(/; nothing of it is committed$/)
    expect(await look(database)).toMatchObject({ ids: [1, 2], version: 'r1' })
  })

  test('takes a change of rows that its author calls repeatable, with a warning', async () => {
    const database = await tableDatabase()
    const { report, lines } = await run(database, (op) =>
      op.autocommitBlock(() =>
        op.execute('update k set id = 7 where id = 2', { repeatable: true }),
      ),
    )
    expect(report.status).toBe('succeeded')
    expect((await look(database)).ids).toEqual([1, 7])
    const warning =
      "an autocommit block commits 'update k set id = 7 where id = 2' by itself, and may run it twice"
    expect(lines.join('\n')).toContain(warning)
    expect(report.warnings).toEqual([expect.stringContaining(warning)])
  })

  test('takes a statement whose rows are not asked for, whatever they are', async () => {
    const database = await tableDatabase()
    let position: number | undefined
    const { report } = await run(database, (op) =>
      op.autocommitBlock(async () => {
        const repeatable = { repeatable: true }
        await op.execute("select pg_notify('a', 'b'), interval '1 day'", repeatable)
        await op.execute("delete from k returning id, interval '1 day' as i", repeatable)
        await op.execute('select nonsense', repeatable).catch((error) => {
          position = error.position
          throw error
        })
      }),
    )
    expect(report.error).toMatchObject({ sqlState: '42703', statement: 'select nonsense' })
    expect(position).toBe(8)
    expect((await look(database)).ids).toBeNull()
  })

  test('reports the position of an error in the statement as it was written', async () => {
    const database = await tableDatabase()
    let position: number | undefined
    const { report } = await run(database, (op) =>
      op.autocommitBlock(async () => {
        await op.execute('analyze nonsense').catch((error) => {
          position = error.position
          throw error
        })
      }),
    )
    expect(report.error).toMatchObject({ sqlState: '42P01', statement: 'analyze nonsense' })
    expect(position).toBeUndefined()
  })

  test("names the role's statement_timeout that ended a statement", async () => {
    const database = await newDatabase(aurora)
    const client = await connect(aurora, database)
    await client.query(`alter role migrator in database "${database}" set statement_timeout = '2s'`)
    const { report } = await run(database, (op) =>
      op.autocommitBlock(() =>
        op.execute('do $$ begin perform pg_sleep(20); end $$', { repeatable: true }),
      ),
    )
    expect(report.error?.message).toContain(
      'canceling statement due to statement timeout (SQLSTATE 57014); the role or the database sets statement_timeout to 2s, which also ends the statements of an autocommit block: alter role migrator set statement_timeout = 0',
    )
  })
})

describe('a block that does not come first', () => {
  test.each<[string, Work]>([
    ['a statement', REST],
    ['a query', (op) => op.query('select id from k')],
    ['rows', (op) => op.bulkInsert('k', [{ id: 3 }])],
    ['a statement that is not awaited', async (op) => void REST(op)],
  ])('is refused after %s, and nothing is committed', async (_what, first) => {
    const database = await tableDatabase()
    const before = aurora.calls.forDatabase(database).length
    const { report } = await run(database, together(first, BLOCK))
    expect(report.status).toBe('failed')
    expect(report.error?.message).toMatch(
      /op\.autocommitBlock comes after '.*': the blocks of a revision come first, .*; put what comes before the block into a revision of its own; nothing of it is committed$/,
    )
    expect(await look(database)).toMatchObject({
      ids: [1, 2],
      version: 'r1',
      history: [{ outcome: 'failed' }],
    })
    const operations = aurora.calls.forDatabase(database).slice(before)
    expect(operations.map(({ operation }) => operation)).not.toContain('CommitTransaction')
  })

  test('is refused also where the revision catches that', async () => {
    const database = await tableDatabase()
    const { report } = await run(database, async (op) => {
      await REST(op)
      await op.autocommitBlock(async () => {}).catch(() => {})
      await REST(op).catch(() => {})
    })
    expect(report.error?.message).toContain('the blocks of a revision come first')
    expect(await look(database)).toMatchObject({ ids: [1, 2], version: 'r1' })
  })

  test('between others is refused: the transaction is rolled back, and the block statements are named', async () => {
    const database = await tableDatabase()
    const second: Work = (op) => op.autocommitBlock(() => op.execute('vacuum k'))
    const { report } = await run(database, together(BLOCK, REST, second, REST))
    expect(report.error?.message).toMatch(
      /op\.autocommitBlock comes after 'insert into k values \(3\)', which follows an earlier block: .*; its autocommit blocks have committed 'create index concurrently if not exists k_id on k \(id\)'; nothing else of it is committed, and the next run begins its upgrade again$/,
    )
    expect(await look(database)).toMatchObject({
      ids: [1, 2],
      indexValid: true,
      version: 'r1',
      history: [{ outcome: 'interrupted', free: true }],
    })
    expect((await run(database, together(BLOCK, second, REST, REST))).report.status).toBe(
      'succeeded',
    )
    expect(await look(database)).toMatchObject({
      ids: [1, 2, 3, 3],
      history: [{ outcome: 'done' }],
    })
  })

  test('inside another is refused', async () => {
    const database = await tableDatabase()
    const { report } = await run(database, (op) =>
      op.autocommitBlock(() => BLOCK(op) as Promise<void>),
    )
    expect(report.error?.message).toContain('op.autocommitBlock inside op.autocommitBlock')
    expect(await look(database)).toMatchObject({ ids: [1, 2], version: 'r1' })
  })
})

describe('beside a block that is at work', () => {
  const SLOW: Work = (op) =>
    op.autocommitBlock(async () => {
      await op.execute('do $$ begin perform pg_sleep(0.3); end $$', { repeatable: true })
      await INDEX(op)
    })

  test.each<[string, Work]>([
    ['a statement in Promise.all', (op) => Promise.all([SLOW(op), REST(op)])],
    [
      'a statement after a block that is not awaited',
      async (op) => {
        void SLOW(op)
        await REST(op)
      },
    ],
    [
      'a builder',
      (op) =>
        Promise.all([
          SLOW(op),
          op.getBind<{ k: { id: number } }>().insertInto('k').values({ id: 3 }).execute(),
        ]),
    ],
    ['another block', (op) => Promise.all([SLOW(op), BLOCK(op)])],
    [
      'a repeatable statement',
      (op) =>
        Promise.all([
          SLOW(op),
          op.execute('update k set id = 9 where id = 2', { repeatable: true }),
        ]),
    ],
    [
      'a statement whose error is caught',
      async (op) => {
        const block = SLOW(op)
        await REST(op).catch(() => {})
        await block.catch(() => {})
      },
    ],
  ])('%s is refused, and never committed', async (_what, work) => {
    const database = await tableDatabase()
    const { report } = await run(database, work)
    expect(report.status).toBe('failed')
    expect(report.error?.message).toMatch(
      /beside (an op\.autocommitBlock|another one) that has not ended/,
    )
    expect(await look(database)).toMatchObject({ ids: [1, 2], version: 'r1' })
    expect((await run(database, together(SLOW, REST))).report.status).toBe('succeeded')
    expect(await look(database)).toMatchObject({ ids: [1, 2, 3], version: 'r2' })
  })

  test('a statement of the block that comes after its end is refused', async () => {
    const database = await tableDatabase()
    const { report } = await run(database, async (op) => {
      let late: Promise<unknown> = Promise.resolve()
      await op.autocommitBlock(async () => {
        late = new Promise((resolve) => setTimeout(resolve, 100)).then(() =>
          op.execute('analyze k'),
        )
        late.catch(() => {})
        await INDEX(op)
      })
      await late
    })
    expect(report.error?.message).toContain(
      "'analyze k' belongs to an op.autocommitBlock that has ended: add the missing 'await' inside the block",
    )
    expect(await look(database)).toMatchObject({ version: 'r1' })
  })
})

describe('a revision with a block that fails', () => {
  test('in its rest is interrupted, and runs again from its start with the bundle at hand', async () => {
    const database = await tableDatabase()
    const first = await run(database, together(BLOCK, REST, FAIL))
    expect(first.report.error?.message).toMatch(
      /division by zero.*; its autocommit blocks have committed 'create index concurrently if not exists k_id on k \(id\)'; nothing else of it is committed, and the next run begins its upgrade again$/,
    )
    expect(await look(database)).toMatchObject({
      history: [{ outcome: 'interrupted', seq: 2, free: true }],
      ids: [1, 2],
      version: 'r1',
    })
    const second = await run(database, together(BLOCK, REST))
    expect(second.report).toMatchObject({ status: 'succeeded', warnings: [] })
    expect(second.lines.join('\n')).toMatch(
      /the upgrade of r2 by a test, begun .*, was interrupted: it begins again/,
    )
    expect(await look(database)).toMatchObject({
      history: [{ outcome: 'done', seq: 2, error: null }],
      ids: [1, 2, 3],
      version: 'r2',
    })
  })

  test('in its first statement leaves nothing, and says so', async () => {
    const database = await tableDatabase()
    const { report } = await run(database, (op) =>
      op.autocommitBlock(async () => {
        await op.createIndex('players_name', 'players', ['name'], { concurrently: true })
      }),
    )
    expect(report.error?.message).toMatch(
      /relation "players" does not exist .*; nothing of it is committed$/,
    )
    const started = Date.now()
    expect((await run(database, BLOCK)).report.status).toBe('succeeded')
    expect(Date.now() - started).toBeLessThan(5_000)
  })

  test('in a block statement whose error it catches has failed all the same', async () => {
    const database = await tableDatabase()
    const { report } = await run(database, async (op) => {
      await op
        .autocommitBlock(() => op.execute('create unique index concurrently k_one on k ((1))'))
        .catch(() => {})
      await REST(op).catch(() => {})
    })
    expect(report).toMatchObject({ status: 'failed', error: { sqlState: '23505' } })
    expect(await look(database)).toMatchObject({ ids: [1, 2], version: 'r1' })
  })

  test('has the checksum of the bundle that finished it', async () => {
    const database = await tableDatabase()
    const withChecksum = (work: Work, checksum: string): TestContext => {
      const context = contextOf(database, work)
      const marked = (id: string) => ({ ...context.revision(id), ...(id === 'r2' && { checksum }) })
      return { ...context, revision: marked, checksums: { r2: checksum } }
    }
    const [old, corrected] = ['a', 'b'].map((digit) => `sha256/x:${digit.repeat(64)}`) as [
      string,
      string,
    ]
    expect((await upgrade(withChecksum(together(BLOCK, FAIL), old))).status).toBe('failed')
    expect((await upgrade(withChecksum(BLOCK, corrected))).status).toBe('succeeded')
    const again = await upgrade(withChecksum(BLOCK, corrected), 'heads', { strict: true })
    expect(again).toMatchObject({ status: 'succeeded', warnings: [] })
  })

  test.each([
    ['55P03', 1],
    ['40P01', 1],
    ['40001', 3],
  ])('on %s is tried again at once, and its block statement is sent once', async (code, times) => {
    const database = await tableDatabase()
    const client = await connect(aurora, database)
    await client.query('create sequence tries; alter sequence tries owner to migrator')
    const started = Date.now()
    const { report } = await run(
      database,
      together(BLOCK, REST, (op) =>
        op.execute(
          `do $$ begin if nextval('tries') <= ${times} then raise exception 'in the way' using errcode = '${code}'; end if; end $$`,
        ),
      ),
    )
    expect(report).toMatchObject({ status: 'succeeded', to: ['r2'] })
    expect(Date.now() - started).toBeLessThan(15_000)
    expect(countOf(database, 'create index')).toBe(1)
    expect(await look(database)).toMatchObject({ ids: [1, 2, 3], history: [{ outcome: 'done' }] })
  })

  test('with a text that PostgreSQL cannot hold is recorded', async () => {
    for (const text of ['a \0 b', 'a \ud800 b', 'long '.repeat(20_000)]) {
      for (const work of [together(BLOCK, REST), REST]) {
        const database = await tableDatabase()
        const { report, lines } = await run(database, async (op) => {
          await work(op)
          throw new Error(text)
        })
        expect(report.status).toBe('failed')
        expect(lines.join()).not.toContain('could not be written')
        const { history } = await look(database)
        expect(history).toMatchObject([{ outcome: work === REST ? 'failed' : 'interrupted' }])
        expect(history[0].error).toMatch(/^upgrade of r2 \(doc of r2\) failed: (a|long)/)
      }
    }
  })
})

describe('the lease of a step with blocks', () => {
  /** Lets 40 s pass for everything that measures time. */
  function later(): void {
    const now = performance.now.bind(performance)
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + 40_000)
    onTestFinished(() => spy.mockRestore())
  }

  test('is renewed before a statement that it would not outlast', async () => {
    const database = await tableDatabase()
    const before = sentTo(database).length
    const { report } = await run(database, async (op) => {
      later()
      await BLOCK(op)
    })
    expect(report.status).toBe('succeeded')
    const sent = sentTo(database).slice(before)
    const renewed = sent.findIndex((sql) => /^update \S+ set lease_until/.test(sql))
    expect(sent[renewed + 1]).toContain('create index')
    expect(sent.slice(0, renewed).join()).not.toContain('create index')
  })

  test('lets no statement be sent once another run has taken the step over, which is waited for', async () => {
    const database = await tableDatabase()
    const other = await connect(aurora, database)
    let isTaken = false
    const { report, lines } = await run(database, (op) =>
      op.autocommitBlock(async () => {
        if (!isTaken) {
          await other.query(
            "update alembic_version_history set token = 'theirs', who = 'another', lease_until = clock_timestamp() + interval '2 seconds' where outcome = 'running'",
          )
          later()
        }
        isTaken = true
        await INDEX(op)
      }),
    )
    expect(report).toMatchObject({ status: 'succeeded', to: ['r2'] })
    expect(lines.join('\n')).toMatch(/waiting for the upgrade of r2 by another/)
    expect(countOf(database, 'create index')).toBe(1)
  })
})

describe('a step that another run takes over', () => {
  test('after its blocks goes no further, and is waited for', async () => {
    const database = await tableDatabase()
    const other = await connect(aurora, database)
    let attempts = 0
    const { report, lines } = await run(database, async (op) => {
      attempts += 1
      await BLOCK(op)
      if (attempts === 1) {
        await other.query(
          "update alembic_version_history set token = 'theirs', who = 'another', lease_until = clock_timestamp() + interval '2 seconds' where outcome = 'running'",
        )
      }
      await REST(op)
    })
    expect(report).toMatchObject({ status: 'succeeded', to: ['r2'], warnings: [] })
    expect(lines.join('\n')).toMatch(/waiting for the upgrade of r2 by another/)
    expect(await look(database)).toMatchObject({ ids: [1, 2, 3], version: 'r2' })
  })
})

describe('a step that is tried again', () => {
  const IN_THE_WAY: Work = (op) =>
    op.execute("do $$ begin raise exception 'in the way' using errcode = '55P03'; end $$")
  const OTHER_INDEX: Work = (op) =>
    op.execute('create index concurrently if not exists k_other on k (id)')

  test.each([
    ['sends no statement again that its block has sent', INDEX, 0],
    ['sends another statement at the same place of its block', OTHER_INDEX, 1],
  ])('%s', async (_, second, others) => {
    const database = await tableDatabase()
    const { report } = await run(database, async (op) => {
      await op.autocommitBlock(async () => void (await (op.attempt === 1 ? INDEX : second)(op)))
      await (op.attempt === 1 ? IN_THE_WAY : REST)(op)
    })
    expect(report).toMatchObject({ status: 'succeeded', to: ['r2'] })
    expect(countOf(database, 'if not exists k_id')).toBe(1)
    expect(countOf(database, 'if not exists k_other')).toBe(others)
    expect(await look(database)).toMatchObject({ ids: [1, 2, 3], indexValid: true })
  })
})

describe('a step whose lease had ended', () => {
  const OPEN = `insert into alembic_version_history (token, seq, run_id, revision, direction, doc, source, who, from_rows, to_rows, outcome, lease_until, started_at)
    values ('theirs', 2, 'x', 'r2', 'upgrade', 'doc', 'cli', 'ada', '{r1}', '{r2}', 'running', clock_timestamp() - interval '1 second', now())`
  const RENEW =
    "update alembic_version_history set lease_until = clock_timestamp() + interval '2 seconds' where token = 'theirs'"

  test('is not taken over when its run renews it just before, and is waited for', async () => {
    const database = await tableDatabase()
    const other = await connect(aurora, database)
    await other.query(OPEN)
    const context = contextOf(database, BLOCK)
    let renewed = 0
    const api = new Proxy(context.api, {
      get(target, name) {
        if (name !== 'execute') return Reflect.get(target, name).bind(target)
        return async (...args: Parameters<typeof target.execute>) => {
          const takesOver = /update \S+ set token = /.test(args[0].sql)
          if (takesOver && renewed === 0) renewed = (await other.query(RENEW)).rowCount ?? 0
          return await target.execute(...args)
        }
      },
    })
    const report = await upgrade({ ...context, api })
    expect(renewed).toBe(1)
    expect(report).toMatchObject({ status: 'succeeded', to: ['r2'] })
    expect(context.lines.join('\n')).toMatch(/waiting for the upgrade of r2 by ada/)
    // Refused, the takeover, and the fence after the block.
    expect(countOf(database, 'set token')).toBe(3)
  })
})

describe('an interrupted step', () => {
  const INTERRUPTED = together(BLOCK, REST, FAIL)

  test('is abandoned by a downgrade, which names what may be left', async () => {
    const database = await tableDatabase()
    await run(database, INTERRUPTED)
    const context = contextOf(database, BLOCK)
    expect(await downgrade(context, 'base')).toMatchObject({ status: 'succeeded', to: [] })
    expect(context.lines.join('\n')).toMatch(
      /the upgrade of r2 by a test, begun .*, was interrupted and is abandoned: what its autocommit blocks have committed stays \(upgrade of r2 .* have committed 'create index concurrently/,
    )
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      'select revision, direction, outcome, seq::int from alembic_version_history order by seq',
    )
    expect(rows).toEqual([
      { revision: 'r1', direction: 'upgrade', outcome: 'done', seq: 1 },
      { revision: 'r2', direction: 'upgrade', outcome: 'abandoned', seq: 2 },
      { revision: 'r1', direction: 'downgrade', outcome: 'done', seq: 3 },
    ])
  })

  test('is abandoned by a stamp', async () => {
    const database = await tableDatabase()
    await run(database, INTERRUPTED)
    expect(await stamp(contextOf(database, BLOCK), ['r2'])).toMatchObject({
      status: 'succeeded',
      to: ['r2'],
    })
    expect(await look(database)).toMatchObject({
      history: [
        { outcome: 'abandoned', seq: 2 },
        { outcome: 'stamped', seq: 3 },
      ],
      version: 'r2',
    })
  })

  test('is a warning of check', async () => {
    const database = await tableDatabase()
    await run(database, INTERRUPTED)
    const { warnings } = await check(contextOf(database, BLOCK))
    expect(warnings).toEqual([
      expect.stringMatching(
        /^the upgrade of r2 by a test, begun .*, was interrupted: 'upgrade r2' runs it again, and what its autocommit blocks have committed stays \(upgrade of r2/,
      ),
    ])
  })

  test('is taken over by a revision that has no block any more', async () => {
    const database = await tableDatabase()
    await run(database, INTERRUPTED)
    expect((await run(database, together(REST, FAIL))).report.error?.message).toContain(
      'what an interrupted run committed in autocommit blocks stays; nothing else of it is committed',
    )
    expect((await run(database, REST)).report.status).toBe('succeeded')
    expect(await look(database)).toMatchObject({ ids: [1, 2, 3], version: 'r2' })
  })

  test('whose time is up in a block is incomplete, and the next run waits for its statement alone', async () => {
    const database = await tableDatabase()
    const slow: Work = (op) =>
      op.autocommitBlock(async () => {
        await op.execute('do $$ begin perform pg_sleep(7); end $$', { repeatable: true })
      })
    const context = contextOf(database, slow, { timeMs: 8_000 })
    expect(await upgrade(context)).toMatchObject({ status: 'incomplete', pending: ['r2'] })
    const { history } = await look(database)
    expect(history).toMatchObject([{ outcome: 'interrupted', error: null, free: true }])
    expect((await run(database, BLOCK)).report.status).toBe('succeeded')
  })
})

describe('a history table that a former version made', () => {
  async function formerDatabase(done: number): Promise<string> {
    const database = await tableDatabase()
    const client = await connect(aurora, database)
    const digest = JSON.stringify([{ hash: 'x', text: 'create table half (id integer)' }])
    await client.query(
      `alter table alembic_version_history add done integer, add digest text, add constraint alembic_version_history_outcome_check check (outcome in ('running', 'done', 'interrupted', 'failed', 'stamped'));
      insert into alembic_version_history (token, seq, run_id, revision, direction, doc, source, who, from_rows, to_rows, outcome, done, digest, started_at)
      values ('t', 2, 'x', 'r2', 'upgrade', 'doc', 'cli', 'ada', '{r1}', '{r2}', 'interrupted', ${done}, '${digest}', now())`,
    )
    return database
  }

  test('with statements that were committed to be skipped is never run from the start', async () => {
    const database = await formerDatabase(1)
    const { report } = await run(database, together(BLOCK, REST))
    expect(report.error?.message).toMatch(
      /^cannot run upgrade of r2: the upgrade of r2 by ada \(begun .*\) was interrupted by a former version of aurora-migrations after it had committed 1 statement\(s\), 'create table half \(id integer\)': finish it with that version \('upgrade r2'\), or finish it by hand and 'stamp' the revision$/,
    )
    expect(await stamp(contextOf(database, BLOCK), ['r2'])).toMatchObject({ status: 'succeeded' })
    expect(await look(database)).toMatchObject({
      history: [{ outcome: 'abandoned' }, { outcome: 'stamped' }],
    })
  })

  test('is brought up to date, and the step runs again', async () => {
    const database = await formerDatabase(0)
    expect((await run(database, together(BLOCK, REST))).report.status).toBe('succeeded')
    expect(await look(database)).toMatchObject({ history: [{ outcome: 'done' }], ids: [1, 2, 3] })
  })
})
