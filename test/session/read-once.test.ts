import { expect, test, vi } from 'vitest'
import { sql } from '../../lambda/index.ts'
import { operations } from '../operations/operations-fixture.ts'

/** The texts that were scanned. */
const scanned = vi.hoisted((): string[] => [])

vi.mock('../../lambda/sql/scanner.ts', async (importOriginal) => {
  const scanner = await importOriginal<typeof import('../../lambda/sql/scanner.ts')>()
  return {
    ...scanner,
    scan: (...args: Parameters<typeof scanner.scan>) => {
      scanned.push(args[0])
      return scanner.scan(...args)
    },
  }
})

const open = operations()

test.each<[string, (op: Awaited<ReturnType<typeof open>>['op']) => PromiseLike<unknown>]>([
  ['op.execute', (op) => op.execute("insert into t values (1, 'x')")],
  ['op.execute of a statement with returning', (op) => op.execute('delete from t returning v')],
  ['op.query', (op) => op.query('select v from t')],
  ['op.executeScript, of one statement', (op) => op.executeScript("insert into t values (1, 'x')")],
  ['op.dropTable', (op) => op.dropTable('t')],
  ['op.bulkInsert', (op) => op.bulkInsert('t', [{ id: 1, v: 'x' }])],
])('%s reads the text of its statement once', async (_, run) => {
  const { op } = await open('create table t (id integer, v text)')
  scanned.length = 0
  await run(op)
  const counts = Map.groupBy(scanned, (text) => text)
  expect([...counts].filter(([, times]) => times.length > 1).map(([text]) => text)).toEqual([])
  expect(scanned.length).toBeGreaterThan(0)
})

test('of a script each statement is read once, with the script', async () => {
  const { op } = await open('create table t (id integer, v text)')
  scanned.length = 0
  await op.executeScript("insert into t values (1, 'x'); update t set v = 'y'; select v from t")
  expect(scanned).toHaveLength(1)
})

test('a template with values is read once more, to see that each is one constant', async () => {
  const { op } = await open('create table t (id integer, v text)')
  scanned.length = 0
  await op.execute(sql`insert into t values (${1}, ${'x'})`)
  expect(scanned).toHaveLength(2)
})
