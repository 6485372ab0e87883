import { AsyncLocalStorage } from 'node:async_hooks'
import { afterAll, expect } from 'vitest'
import type { DataApi, DataApiStatement } from '../lambda/data-api/data-api.ts'
import { Operations } from '../lambda/operations/operations.ts'
import { Session } from '../lambda/session/session.ts'
import { type Statement, statementFacts } from '../lambda/sql/statement.ts'
import { withValues } from '../lambda/sql/written-values.ts'
import { statementsIn } from './sql/parse-tree.ts'
import { unqualifiedNames } from './sql/qualified-names.ts'

// Every statement of our own that a test sends is read with PostgreSQL's own parser. What a revision says is not ours,
// and of a statement that carries a revision's within it the rest is. So none has to be listed here, and none is missed.

/** What revisions said, as it is sent. */
const said = new Set<string>()

/** Inside of `op.bulkInsert` and `op.bulkUpdate`, whose statements are ours. */
const writesOwn = new AsyncLocalStorage<true>()

/** The tables of these. */
const given = new Set<string>()

/** Sessions of revisions: each begins with a fence. */
const ofRevisions = new WeakSet<Session>()

type StatementMethod = (statement: Statement, ...rest: readonly unknown[]) => unknown
type SqlMethod = (table: string, ...rest: readonly unknown[]) => unknown

const { prototype } = Session as unknown as { prototype: Record<string, StatementMethod> }
const { keepBooks } = Session.prototype
Session.prototype.keepBooks = function (this: Session, books) {
  ofRevisions.add(this)
  return keepBooks.call(this, books)
}
for (const method of ['execute', 'accept', 'query'] as const) {
  const original = prototype[method] as StatementMethod
  prototype[method] = function (this: Session, statement, ...rest) {
    if (ofRevisions.has(this) && !writesOwn.getStore()) note(statement)
    return original.call(this, statement, ...rest)
  }
}
for (const method of ['bulkInsert', 'bulkUpdate'] as const) {
  const operations = Operations.prototype as unknown as Record<string, SqlMethod>
  const original = operations[method] as SqlMethod
  operations[method] = function (this: Operations, ...args: Parameters<SqlMethod>) {
    given.add(String(args[0]))
    return writesOwn.run(true, () => original.apply(this, args))
  }
}

function note(statement: Statement): void {
  said.add(statement.sql)
  try {
    const text = statement.facts.sql
    said.add(text)
    said.add(withValues(text, statement.parameters))
  } catch {
    // Refused before it is sent.
  }
}

/** The definition of an index that a revision gave, on a copy of its table; and the name that it gave. */
const SAID_AGAIN =
  /^(?:create temp table pg_temp\.aurora_migrations_copy |create (?:unique )?index aurora_migrations_index |drop index concurrently if exists )/

const checked = new Set<string>()
const unqualified: string[] = []

function check(sql: string): void {
  if (said.has(sql) || checked.has(sql) || SAID_AGAIN.test(sql)) return
  checked.add(sql)
  const carried = [...said].filter((text) => text !== '' && sql.includes(text))
  const [longest] = carried.sort((one, other) => other.length - one.length)
  const own = longest === undefined ? sql : sql.replace(longest, () => 'select 1')
  for (const name of unqualifiedNames(own, given)) unqualified.push(`${name} in ${own}`)
}

/** The statements of ours that a call carries. */
function checkCall({ sql, parameters = [], written }: DataApiStatement): void {
  check(written === undefined ? sql : withoutWritten(sql, written.sql))
  if (!/^select \S+_exec_v\d+"\(/.test(sql)) return
  const items = JSON.parse(parameters[0]?.value?.stringValue ?? '[]') as { sql: string }[]
  for (const item of items) check(item.sql)
}

/** A statement without the one of the revision that it encloses, whose `with` stands before all. */
function withoutWritten(sql: string, written: string): string {
  const { withLength } = statementFacts(written)
  const before = written.slice(0, withLength)
  const own =
    before !== '' && sql.startsWith(`${before}, `) ? `with ${sql.slice(withLength + 2)}` : sql
  return own.replace(written.slice(before === '' ? 0 : withLength), () => 'select 1')
}

/** The API, which checks each statement of ours that is sent by it. */
export function checkingOwnStatements(api: DataApi): DataApi {
  return {
    beginTransaction: () => api.beginTransaction(),
    commitTransaction: (id) => api.commitTransaction(id),
    rollbackTransaction: (id) => api.rollbackTransaction(id),
    execute: (statement, id) => {
      checkCall(statement)
      return api.execute(statement, id)
    },
  }
}

/** Checks the statements of ours in a script. */
export function checkScript(script: string): void {
  for (const statement of statementsIn(script)) check(statement)
}

afterAll(() => {
  expect(unqualified, 'looked up along the search path').toEqual([])
})
