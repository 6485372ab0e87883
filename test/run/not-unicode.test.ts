import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, statementsOf, testContext, type Work } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const TABLE = 'create table k (id integer, name text)'

const NUL = 'has a NUL character, which PostgreSQL cannot hold: remove it'
const HALF =
  'has half of a surrogate pair (was a text cut in the middle of a character?), which is not Unicode text and would be stored as U+FFFD: remove it, or call toWellFormed() on the text'

const works: [what: string, work: Work, message: string][] = [
  [
    'text with half a pair',
    (op) => op.execute("insert into k values (1, '\ud83d')"),
    `line 1: the SQL ${HALF}`,
  ],
  [
    'text with a NUL',
    (op) => op.execute("insert into k\nvalues (1, 'a\0')"),
    `line 2: the SQL ${NUL}`,
  ],
  [
    'a script',
    (op) => op.executeScript("insert into k values (1, 'x');\ninsert into k values (2, '\udc00')"),
    `line 2: the SQL ${HALF}`,
  ],
  [
    'raw SQL in a template',
    (op) => op.execute(sql`insert into k values (1, ${sql.raw("'\ud83d'")})`),
    `line 1: the SQL ${HALF}`,
  ],
  [
    'a query',
    async (op) => void (await op.query("select '\ud83d' as a")),
    `line 1: the SQL ${HALF}`,
  ],
  [
    'a value',
    (op) => op.execute(sql`insert into k values (1, ${'\ud83d'})`),
    'a string has half of a surrogate pair in it',
  ],
  [
    'a row',
    (op) => op.bulkInsert('k', [{ id: 1, name: '\ud83d' }]),
    'rows[0].name: a string has half of a surrogate pair in it (was it cut in the middle of a character?), which is not Unicode text: call toWellFormed() on it, or store the bytes as a Uint8Array',
  ],
  [
    'an array in a row',
    (op) => op.bulkInsert('k', [{ id: 1, name: ['a', 'b\0'] }]),
    'rows[0].name: a string has a NUL character at index 1, which PostgreSQL text cannot hold: remove it',
  ],
]

describe.each([true, false])('text that PostgreSQL cannot hold, with batching %s', (batching) => {
  test.each(works)('is refused in %s before it is sent', async (_, work, message) => {
    const database = await newDatabase(aurora)
    const revisions = [
      revision('a', null, (op) => op.execute(TABLE)),
      revision('b', 'a', async (op) => {
        await op.execute("insert into k values (0, 'first')")
        await work(op)
      }),
    ]
    const report = await upgrade({ ...testContext(aurora, database, revisions), batching })
    expect(report).toMatchObject({ status: 'failed', steps: [{ revision: 'a' }] })
    expect(report.error?.message).toContain(message)
    const { rows } = await (await connect(aurora, database)).query('select * from k')
    expect(rows).toEqual([])
    const sent = aurora.calls.forDatabase(database).flatMap(statementsOf)
    expect(sent.filter((text) => /[\0\ufffd]/.test(text))).toEqual([])
  })
})
