import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { json, sql } from '../../lambda/index.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext } from '../runner-fixture.ts'

const HINT = "name the type after it, as in '…'::uuid or cast('…' as date)"

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

/** The message of a revision that fails so; the table's name has a digit, as a number in the text would have. */
async function messageOf(work: (op: Operations) => Promise<unknown>): Promise<string> {
  const failing = revision('a', null, async (op) => {
    await op.execute('create table k2 (id integer, made date, note json)')
    await work(op)
  })
  const report = await upgrade(testContext(aurora, await newDatabase(aurora), [failing]))
  expect(report.status).toBe('failed')
  return report.error?.message ?? ''
}

describe('the hint to name the type of a value', () => {
  test.each<[string, (op: Operations) => Promise<unknown>]>([
    ['42725', (op) => op.execute(sql`select to_char(${'2014-06-25'}, 'YYYY')`)],
    ['22P02', (op) => op.query(sql`select ${'x'}::integer as n`)],
  ])('stands in an error %s of a statement with values in it', async (code, work) => {
    const message = await messageOf(work)
    expect(message).toContain(`SQLSTATE ${code}`)
    expect(message).toContain(HINT)
  })

  const rows = [{ id: 'x', made: null, note: json(null) }]
  test.each<[string, (op: Operations) => Promise<unknown>]>([
    ['op.bulkInsert', (op) => op.bulkInsert('k2', rows)],
    ['op.bulkInsert with returning', (op) => op.bulkInsert('k2', rows, { returning: ['id'] })],
    ['op.bulkUpdate', (op) => op.bulkUpdate('k2', rows, { key: ['id'] })],
  ])('is not in an error of %s, whose columns give the types', async (_what, work) => {
    const message = await messageOf(work)
    expect(message).toContain('invalid input syntax for type integer: "x" (SQLSTATE 22P02)')
    expect(message).not.toContain('name the type')
  })
})
