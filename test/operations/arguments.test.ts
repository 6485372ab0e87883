import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { DataApiStatement } from '../../lambda/data-api/data-api.ts'
import { Operations } from '../../lambda/operations/operations.ts'
import { Session } from '../../lambda/session/session.ts'

// Revisions are bundled without a type check, so what a type would refuse can come at run time.
const sent: string[] = []
const api = { execute: async ({ sql }: DataApiStatement) => void sent.push(sql) }
const op = new Operations(new Session(api as never), {
  autocommitBlock: (body) => body(),
}) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>

const cases: [method: string, args: unknown[], message: string][] = [
  [
    'createTable',
    [undefined],
    "table is undefined: pass the name of a table, as in 'players' or 'stats.players'",
  ],
  ['createTable', ['a.b.c'], 'the name "a.b.c" has 2 dots and may have one'],
  ['createTable', ['t'], 'build is undefined: pass a callback that returns the builder'],
  [
    'createTable',
    ['t', () => undefined],
    "what the callback returned is undefined: pass a callback that returns the builder, as in (t) => t.addColumn('id', 'integer')",
  ],
  [
    'createTable',
    ['t', (t: unknown) => t, { ifNotExist: true }],
    "option is 'ifNotExist': pass 'ifNotExists', 'comment'",
  ],
  [
    'createTable',
    ['t', (t: unknown) => t, true],
    'the last argument is true: pass an object of options: ifNotExists, comment',
  ],
  ['createTable', ['t', (t: unknown) => t, { comment: 7 }], 'comment is 7: pass a string'],
  ['dropTable', [' '], "table is ' ': pass the name of a table"],
  ['dropTable', ['t', { ifExist: true }], "option is 'ifExist': pass 'ifExists', 'cascade'"],
  ['dropTable', ['t\0'], 'the name "t\\u0000" has a NUL character'],
  ['renameTable', ['t'], 'newName is undefined: pass a name'],
  ['addColumn', ['t'], 'column is undefined: pass a name'],
  ['addColumn', ['t', 'c'], 'invalid column data type undefined: pass a type that Kysely knows'],
  [
    'addColumn',
    ['t', 'c', 'numeric(20,4)'],
    "invalid column data type \"numeric(20,4)\": pass a type that Kysely knows, such as 'integer', 'text', 'numeric(20, 4)'",
  ],
  ['addColumn', ['t', 'c', 'text', () => 7], 'what the callback returned is 7'],
  [
    'addColumn',
    ['t', 'c', 'text', { nullable: false }],
    "option is 'nullable': pass 'ifNotExists', 'comment'",
  ],
  ['dropColumn', ['t', ''], "column is '': pass a name"],
  [
    'alterColumn',
    ['t', 'c'],
    'the last argument is undefined: pass an object of options: type, using, default, nullable, rename, comment',
  ],
  [
    'alterColumn',
    ['t', 'c', {}],
    'changes is {}: pass at least one of type, using, default, nullable, rename, comment',
  ],
  [
    'alterColumn',
    ['t', 'c', { nullable: undefined }],
    'changes is { nullable: undefined }: pass at least one of',
  ],
  ['alterColumn', ['t', 'c', { newColumnName: 'd' }], "option is 'newColumnName': pass 'type'"],
  ['alterColumn', ['t', 'c', { using: sql`1` }], 'using is'],
  [
    'alterColumn',
    ['t', 'c', { type: 'number' }],
    "type is 'number': pass a type that Kysely knows",
  ],
  [
    'alterColumn',
    ['t', 'c', { type: 'text', using: 'c::text' }],
    "using is 'c::text': pass SQL, written as sql`…`",
  ],
  [
    'alterColumn',
    ['t', 'c', { default: Symbol('x') }],
    'a value is a symbol, which has no SQL form',
  ],
  ['createTableComment', ['t'], 'comment is undefined: pass a string'],
  ['createIndex', [undefined, 't', ['c']], 'name is undefined: pass a name'],
  ['createIndex', ['i', 't'], 'columns is undefined: pass an array'],
  ['createIndex', ['i', 't', 'c'], "columns is 'c': pass an array"],
  ['createIndex', ['i', 't', []], 'columns is []: pass an array with at least one element'],
  ['createIndex', ['i', 't', ['a', 7]], 'columns[1] is 7: pass a name'],
  // biome-ignore lint/suspicious/noSparseArray: a hole is one of the mistakes.
  ['createIndex', ['i', 't', ['a', , 'b']], 'columns[1] is undefined: pass a name'],
  [
    'createIndex',
    ['i', 't', ['a'], { where: 'a > 1' }],
    "where is 'a > 1': pass SQL, written as sql`…`",
  ],
  [
    'createIndex',
    ['i', 't', ['a'], { include: [] }],
    'include is []: pass an array with at least one element',
  ],
  ['createIndex', ['i', 't', ['a'], { using: '' }], "using is '': pass a name"],
  ['createPrimaryKey', ['c', 't', []], 'columns is []: pass an array with at least one element'],
  ['createForeignKey', ['c', 't', 'u', ['a']], 'remoteColumns is undefined: pass an array'],
  [
    'createForeignKey',
    ['c', 't', undefined, ['a'], ['b']],
    'referentTable is undefined: pass the name of a table',
  ],
  [
    'createForeignKey',
    ['c', 't', 'u', ['a'], ['b'], { ondelete: 'cascade' }],
    "option is 'ondelete': pass 'deferrable', 'initiallyDeferred', 'onDelete', 'onUpdate', 'notValid'",
  ],
  [
    'createUniqueConstraint',
    ['c', 't', ['a'], { unique: true }],
    "option is 'unique': pass 'deferrable'",
  ],
  [
    'createCheckConstraint',
    ['c', 't', 'a > 1'],
    "condition is 'a > 1': pass SQL, written as sql`…`",
  ],
  [
    'createExcludeConstraint',
    ['c', 't', [['a']]],
    "elements[0] is [ 'a' ]: pass a column and an operator, as in ['room', '=']",
  ],
  ['dropConstraint', [null, 't'], 'name is null: pass a name'],
]

describe('a wrong argument', () => {
  test.each(cases)(
    'of %s, %j, is refused by name before anything is sent',
    async (method, args, message) => {
      const failed = await op[method]?.(...args).catch((error: unknown) => error)
      expect(failed).toMatchObject({ name: 'CommandError' })
      expect((failed as Error).message).toContain(`op.${method}: ${message}`)
      expect((failed as Error).message).not.toContain('\n')
      expect(sent).toEqual([])
    },
  )

  test('that a callback throws for is the callback’s own error', async () => {
    const mistake = new TypeError('of the revision')
    const failed = op.createTable?.('t', () => {
      throw mistake
    })
    await expect(failed).rejects.toBe(mistake)
  })
})
