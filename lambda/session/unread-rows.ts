import type { DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import { literal } from '../sql/literals.ts'
import { qualified } from '../sql/qualified.ts'
import type { Statement, StatementFacts } from '../sql/statement.ts'
import { enclosed } from './enclosed-statement.ts'

interface Limits {
  readonly inTransaction: boolean
  readonly maxCharacters: number
}

/**
 * What to send of a statement whose rows are not asked for. As it is, the service would refuse the rows, for their size
 * or for the type of a column (`void`, `interval`), although the statement has run.
 */
export function withoutRows(
  { call: statement, facts }: Statement,
  { inTransaction, maxCharacters }: Limits,
): DataApiStatement {
  if (facts.resultForm === 'none') return statement
  if (facts.resultForm === 'alone' && !inTransaction) return statement
  const sent =
    facts.resultForm === 'alone' ? inDoBlock(facts, statement) : counting(facts, statement)
  return sent.sql.length > maxCharacters ? statement : sent
}

/** How many rows a statement of {@link withoutRows} changed. */
export function changedRows(
  { written }: DataApiStatement,
  { records, numberOfRecordsUpdated = 0 }: DataApiResult,
): number {
  const [count] = records?.[0] ?? []
  const returned = written && count?.longValue
  return returned ?? numberOfRecordsUpdated
}

/** Runs it, and returns how many rows it changed. */
function counting(facts: StatementFacts, { parameters = [] }: DataApiStatement): DataApiStatement {
  const inner = enclosed(facts, parameters)
  const count = qualified`#count(*)`
  const changed = facts.resultForm === 'returning' ? count : qualified`0 #* ${count}`
  return inner.with(`\nselect ${changed} from "${inner.rows}"`)
}

/** A `do` block runs what does not stand inside another statement, such as `call`; it takes no parameters. */
function inDoBlock({ sql }: StatementFacts, statement: DataApiStatement): DataApiStatement {
  if (statement.parameters?.length) return statement
  const sent = `do${literal(`begin execute${literal(sql)}; end`)}`
  return { sql: sent, written: { sql, position: () => undefined } }
}
