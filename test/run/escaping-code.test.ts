import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { callNames, revision, tableRevision, testContext, type Work } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const exits: unknown[] = []
const ended = (reason: unknown) => void exits.push(reason)
beforeEach(() => {
  exits.length = 0
  process.on('uncaughtException', ended).on('unhandledRejection', ended)
})
afterEach(() => {
  process.off('uncaughtException', ended).off('unhandledRejection', ended)
})

/** Does not come to an end by itself. */
const forever = () => new Promise<never>(() => {})

async function rowsOf(database: string, sql: string): Promise<unknown[]> {
  const client = await connect(aurora, database)
  return (await client.query(sql)).rows
}

describe('what would end the process fails the revision instead', () => {
  test.each<[string, string, Work]>([
    [
      'process.exit(0)',
      'it called process.exit(0), which would end the run without a report: throw an error instead',
      async () => process.exit(0),
    ],
    [
      'process.exit() whose error is caught',
      'it called process.exit(), which would end the run without a report: throw an error instead',
      async () => {
        try {
          process.exit()
        } catch {
          // goes on
        }
      },
    ],
    [
      'process.exit(0) in a timer',
      'it called process.exit(0), which would end the run without a report: throw an error instead',
      async () => {
        setTimeout(() => process.exit(0), 5)
        await forever()
      },
    ],
    [
      'process.exit(0) in a callback of an operation',
      'it called process.exit(0), which would end the run without a report: throw an error instead',
      (op) => op.createTable('t', () => process.exit(0)),
    ],
    [
      'process.exit(0) in a helper that is not awaited',
      'it called process.exit(0), which would end the run without a report: throw an error instead',
      async (op) => {
        void (async () => {
          await op.execute('select 1')
          process.exit(0)
        })()
        await forever()
      },
    ],
    [
      'an error in a timer',
      'it threw an error that nothing can catch, as from a timer or an event: too late',
      async () => {
        setTimeout(() => {
          throw new Error('too late')
        }, 5)
        await forever()
      },
    ],
    [
      'undefined thrown in a timer',
      'it threw an error that nothing can catch, as from a timer or an event: undefined',
      async () => {
        setTimeout(() => {
          throw undefined
        }, 5)
        await forever()
      },
    ],
    [
      'an error event without a listener',
      'it threw an error that nothing can catch, as from a timer or an event: no listener',
      async () => {
        const events = new EventEmitter()
        setTimeout(() => events.emit('error', new Error('no listener')), 5)
        await forever()
      },
    ],
    [
      'an error in a microtask',
      'it threw an error that nothing can catch, as from a timer or an event: in between',
      async () => {
        queueMicrotask(() => {
          throw new Error('in between')
        })
        await forever()
      },
    ],
    [
      'a rejected promise',
      "a promise that it does not await was rejected: add the missing 'await': nobody looks",
      async () => {
        void Promise.reject(new Error('nobody looks'))
        await forever()
      },
    ],
    [
      'a promise that is rejected in its last moment',
      "a promise that it does not await was rejected: add the missing 'await': nobody looks",
      async (op) => {
        await op.execute('select 1')
        void Promise.reject(new Error('nobody looks'))
      },
    ],
    [
      'a helper that is not awaited',
      "a promise that it does not await was rejected: add the missing 'await': helper",
      async (op) => {
        void (async () => {
          await op.execute('select 1')
          throw new Error('helper')
        })()
        await forever()
      },
    ],
  ])('%s', async (_, message, work) => {
    const database = await newDatabase(aurora)
    const escaping = revision('b', 'a', async (op) => {
      await op.execute('create table k (id integer)')
      await work(op)
    })
    const report = await upgrade(
      testContext(aurora, database, [tableRevision('a', null), escaping]),
    )
    expect(report).toMatchObject({ status: 'failed', to: ['a'], pending: ['b'] })
    expect(report.error).toMatchObject({ kind: 'MigrationError', revision: 'b' })
    expect(report.error?.message).toContain(`upgrade of b (doc of b) failed: ${message}`)
    expect(callNames(aurora.calls.forDatabase(database)).slice(-2)).toEqual([
      'RollbackTransaction',
      'insert into',
    ])
    expect(
      await rowsOf(
        database,
        "select outcome, error, to_regclass('k') as k from alembic_version_history where revision = 'b'",
      ),
    ).toEqual([{ outcome: 'failed', error: report.error?.message, k: null }])
    await sleep(20)
    expect(exits).toEqual([])
  })

  test('with the statement that PostgreSQL refused', async () => {
    const database = await newDatabase(aurora)
    const escaping = revision('a', null, async (op) => {
      void op.query('select nonsense').then(([row]) => row)
      await forever()
    })
    const report = await upgrade(testContext(aurora, database, [escaping]))
    expect(report.error).toMatchObject({ sqlState: '42703', statement: 'select nonsense' })
  })

  test('and what belongs to nobody’s revision goes where it went before', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, [tableRevision('a', null)]))
    const error = new Error('of the program itself')
    const others = process.rawListeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', ended)
    void Promise.reject(error)
    await vi.waitFor(() => expect(exits).toEqual([error]))
    for (const other of others) process.on('unhandledRejection', other as () => void)
    // Vitest's own.
    expect(() => process.exit(3)).toThrow('process.exit unexpectedly called with "3"')
  })
})

describe('a revision that never comes to an end', () => {
  test.each<[string, string, Work]>([
    [
      'of its own',
      'while no statement of it was under way: it waits for something else, such as a promise that never settles or a loop without an end; nothing of it is committed',
      forever,
    ],
    [
      'in a statement',
      'while it waited for op.query (select pg_sleep(10)::text): it needs more than one Lambda life, so split it into several revisions or make it a backfill; nothing of it is committed',
      (op) => op.query('select pg_sleep(10)::text').then(() => {}),
    ],
    [
      'in a builder of Kysely',
      'while it waited for op.getBind()….execute (select cast(pg_sleep( 10) as text) as "slept"): it needs more than one Lambda life',
      (op) =>
        slow(op)
          .execute()
          .then(() => {}),
    ],
  ])('%s is stopped, and the report says what it waited for', async (_, message, work) => {
    const database = await newDatabase(aurora)
    const stuck = revision('a', null, async (op) => {
      await op.execute('create table k (id integer)')
      await work(op)
    })
    const report = await upgrade(testContext(aurora, database, [stuck], { timeMs: 6_500 }))
    expect(report).toMatchObject({ status: 'failed', error: { revision: 'a' } })
    expect(report.error?.message).toMatch(
      /^upgrade of a \(doc of a\) failed: stopped after \d s, when the time was up, while /,
    )
    expect(report.error?.message).toContain(message)
    expect(
      await rowsOf(database, "select outcome, to_regclass('k') as k from alembic_version_history"),
    ).toEqual([{ outcome: 'failed', k: null }])
  })

  function slow(op: Operations) {
    return op
      .getBind()
      .selectNoFrom((eb) => eb.cast<string>(eb.fn('pg_sleep', [eb.lit(10)]), 'text').as('slept'))
  }
})

describe('code that goes on after its revision returned', () => {
  const LATE =
    "upgrade of a (doc of a) is over: a statement came after it returned, so add the missing 'await' before it (insert into t_a values (2))"

  /** A helper that is not awaited, and sends its second statement when it is let go. */
  function goingOn() {
    const gate = Promise.withResolvers<void>()
    const sent = Promise.withResolvers<unknown>()
    const work: Work = async (op) => {
      await op.execute('create table t_a (id integer)')
      const helper = async () => {
        await gate.promise
        await op.execute('insert into t_a values (2)').catch((error: Error) => {
          sent.resolve(error.message)
          throw error
        })
      }
      void helper()
    }
    return { work, letGo: gate.resolve, sent: sent.promise }
  }

  test('fails the revision while that can be rolled back', async () => {
    const database = await newDatabase(aurora)
    const { work, letGo, sent } = goingOn()
    const next = revision('b', 'a', async () => {
      letGo()
      await sent
    })
    const context = testContext(aurora, database, [revision('a', null, work), next])
    const report = await upgrade({ ...context, transaction: 'run' })
    expect(report).toMatchObject({ status: 'failed', to: [], steps: [], warnings: [] })
    expect(report.error?.message).toContain(LATE)
    expect(await rowsOf(database, "select to_regclass('t_a') as t")).toEqual([{ t: null }])
    await sleep(20)
    expect(exits).toEqual([])
  })

  test('is a warning of the run when the revision is committed, and its statement is not sent', async () => {
    const database = await newDatabase(aurora)
    const { work, letGo, sent } = goingOn()
    const next = revision('b', 'a', async (op) => {
      await op.execute('create table t_b (id integer)')
      letGo()
      await sent
    })
    const context = testContext(aurora, database, [revision('a', null, work), next])
    const report = await upgrade(context)
    const warning = `${LATE}; upgrade of a (doc of a) is committed, so do what it left out in a new revision`
    expect(report).toMatchObject({ status: 'succeeded', to: ['b'], warnings: [warning] })
    expect(context.lines).toContain(warning)
    expect(await sent).toContain(LATE)
    expect(await rowsOf(database, 'select id from t_a')).toEqual([])
    await sleep(20)
    expect(exits).toEqual([])
  })

  test('is a line of the log after the run', async () => {
    const database = await newDatabase(aurora)
    const { work, letGo, sent } = goingOn()
    const context = testContext(aurora, database, [revision('a', null, work)])
    expect(await upgrade(context)).toMatchObject({ status: 'succeeded', warnings: [] })
    letGo()
    expect(await sent).toContain(LATE)
    await sleep(20)
    expect(context.lines.at(-1)).toContain(LATE)
    expect(exits).toEqual([])
  })

  test('and throws, or calls process.exit(), is told in the same way', async () => {
    const database = await newDatabase(aurora)
    const gate = Promise.withResolvers<void>()
    const escaping = revision('a', null, async (op) => {
      await op.execute('create table t_a (id integer)')
      void gate.promise.then(() => {
        setTimeout(() => process.exit(0), 1)
        throw new Error('too late')
      })
    })
    const next = revision('b', 'a', async (op) => {
      await op.execute('create table t_b (id integer)')
      gate.resolve()
      await sleep(30)
    })
    const report = await upgrade(testContext(aurora, database, [escaping, next]))
    expect(report).toMatchObject({ status: 'succeeded', to: ['b'] })
    const end = 'upgrade of a (doc of a) is committed, so do what it left out in a new revision'
    expect(report.warnings).toEqual([
      `upgrade of a (doc of a) returned, and then a promise that it does not await was rejected: add the missing 'await': too late; ${end}`,
      `upgrade of a (doc of a) returned, and then it called process.exit(0), which would end the run without a report: throw an error instead; ${end}`,
    ])
    expect(exits).toEqual([])
  })

  test.each<[string, (op: Operations) => unknown, string]>([
    [
      'promises',
      (op) => [1, 2].map(async (n) => void (await op.query(`select ${n}`))),
      'returned promises without waiting for them: write await Promise.all(…)',
    ],
    ['a function', () => async () => {}, 'returned a function, which does not run: call it'],
    [
      'a generator',
      () => (function* work() {})(),
      'returned a generator, whose body does not run: write an async function',
    ],
  ])(
    'is not waited for when the revision returns %s, so that fails it',
    async (_, work, message) => {
      const database = await newDatabase(aurora)
      const forgetful = revision('a', null, work as Work)
      const report = await upgrade(testContext(aurora, database, [forgetful]))
      expect(report.error?.message).toContain(`upgrade of a (doc of a) ${message}`)
    },
  )
})

describe('the revision’s own error', () => {
  /** Throws when the first statement of its sibling is done, or is in line. */
  test.each<[string, (op: Operations) => Promise<unknown>]>([
    [
      'when a sibling of a Promise.all goes on',
      (op) =>
        Promise.all([
          (async () => {
            await op.execute('insert into k values (1)')
            await op.execute('insert into k values (2)')
            await op.execute('insert into k values (3)')
          })(),
          (async () => {
            await op.query('select 1')
            throw new Error('my own')
          })(),
        ]),
    ],
    [
      'when a sibling of a Promise.all waits for a slow statement',
      (op) =>
        Promise.all([
          op.query('select pg_sleep(0.2)::text').then(() => op.execute('select 1')),
          Promise.reject(new Error('my own')),
        ]),
    ],
    [
      'when a statement that is under way fails after it',
      (op) => Promise.all([op.query('select 1/0'), Promise.reject(new Error('my own'))]),
    ],
  ])('stands %s', async (_, work) => {
    const database = await newDatabase(aurora)
    const failing = revision('a', null, async (op) => {
      await op.execute('create table k (id integer)')
      await work(op)
    })
    const report = await upgrade(testContext(aurora, database, [failing]))
    expect(report.error?.message).toBe(
      'upgrade of a (doc of a) failed: my own; nothing of it is committed',
    )
    expect(exits).toEqual([])
  })

  test('gives way to a statement before it that was put off and failed', async () => {
    const database = await newDatabase(aurora)
    const failing = revision('a', null, async (op) => {
      await op.execute('select 1/0')
      throw new Error('my own')
    })
    const report = await upgrade(testContext(aurora, database, [failing]))
    expect(report.error?.message).toContain('division by zero')
  })
})
