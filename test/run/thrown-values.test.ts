import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { callNames, revision, testContext } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

function hostile(): never {
  throw new TypeError('do not look')
}

/** Errors that are each other's cause, with the last one in front. */
function cycle(): Error {
  const first = new Error('first')
  const second = new Error('second', { cause: first })
  first.cause = second
  return second
}

function ownCause(): Error {
  const error = new Error('caused by itself')
  error.cause = error
  return error
}

function endlessCause(): Error {
  return Object.defineProperty(new Error('endless'), 'cause', { get: endlessCause })
}

const revoked = Proxy.revocable({}, {})
revoked.revoke()

/** What a revision may throw, and how the report says it. */
const THROWN: readonly (readonly [string, unknown, string])[] = [
  ['errors in a circle of causes', cycle(), 'second'],
  ['an error that is its own cause', ownCause(), 'caused by itself'],
  ['an error whose causes never end', endlessCause(), 'endless'],
  [
    'an error whose cause cannot be read',
    Object.defineProperty(new Error('shy'), 'cause', { get: hostile }),
    'shy',
  ],
  [
    'an error whose message cannot be read',
    Object.defineProperty(new Error('shy'), 'message', { get: hostile }),
    'Error',
  ],
  ['an error whose message is no text', Object.assign(new Error(), { message: 7 }), 'Error'],
  ['an error without a message', new RangeError(), 'RangeError'],
  ['a text', 'out of stock', 'out of stock'],
  ['an empty text', '', "''"],
  ['a number', 7, '7'],
  ['undefined', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a symbol', Symbol('stock'), 'Symbol(stock)'],
  ['a function', function stock() {}, '[Function: stock]'],
  ['an object', { code: 7 }, '{ code: 7 }'],
  ['an object with a message', { message: 'out of stock' }, 'out of stock'],
  ['an object without a prototype', Object.create(null), '[Object: null prototype] {}'],
  ['an object with a hostile text', { toString: hostile, toJSON: hostile }, 'toString'],
  ['an object with hostile getters', Object.defineProperty({}, 'message', { get: hostile }), '{}'],
  [
    'an object whose prototype cannot be read',
    Object.create(new Proxy({}, { getPrototypeOf: hostile })),
    'a value that cannot be shown',
  ],
  ['a revoked proxy', revoked.proxy, 'Revoked Proxy'],
  [
    'a proxy that refuses everything',
    new Proxy(new Error('behind'), { get: hostile, getPrototypeOf: hostile, has: hostile }),
    'behind',
  ],
  [
    'an object that is a promise to hang',
    // biome-ignore lint/suspicious/noThenProperty: an await of it never ends
    { then: () => {} },
    'then',
  ],
]

/** Where a revision may throw. */
const PLACES: Readonly<Record<string, (op: Operations, thrown: unknown) => Promise<unknown>>> = {
  'of its own': async (_, thrown) => {
    throw thrown
  },
  'in a callback of an operation': (op, thrown) =>
    op.createTable('never', () => {
      throw thrown
    }),
  'in a transaction of Kysely': (op, thrown) =>
    op
      .getBind()
      .transaction()
      .execute(() => {
        throw thrown
      }),
}

describe.each(Object.entries(PLACES))('what a revision throws %s', (_, place) => {
  test.each(THROWN)('is reported with the revision: %s', async (__, thrown, shown) => {
    const database = await newDatabase(aurora)
    const throwing = revision('a', null, async (op) => {
      await op.execute('create table k (id integer)')
      await place(op, thrown)
    })
    const report = await upgrade(testContext(aurora, database, [throwing]))
    expect(report).toMatchObject({ status: 'failed', to: [], error: { kind: 'MigrationError' } })
    expect(report.error?.message).toMatch(
      /^upgrade of a \(doc of a\) failed: .*; nothing of it is committed$/,
    )
    expect(report.error?.message).toContain(shown)
    expect(callNames(aurora.calls.forDatabase(database)).slice(-2)).toEqual([
      'RollbackTransaction',
      'insert into',
    ])
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      "select outcome, error, to_regclass('k') as k from alembic_version_history",
    )
    expect(rows).toEqual([{ outcome: 'failed', error: report.error?.message, k: null }])
  })
})
