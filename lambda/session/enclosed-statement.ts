import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { DataApiStatement } from '../data-api/data-api.ts'
import type { StatementFacts } from '../sql/statement.ts'
import { unusedName } from '../sql/unused-name.ts'

/** A statement of a revision that runs as the first part of one of ours, once and to its end, whatever reads its rows. */
export interface EnclosedStatement {
  /** The text so far: the rest begins with `, "name" as (…)` or with `select`. */
  readonly begin: string
  /** The name under which the rest finds its rows, in no schema. It begins no other name in the statement. */
  readonly rows: string
  /** The statement to send, with the rest of the text. */
  with(rest: string): DataApiStatement
}

/**
 * Puts a statement whose form is `select` or `returning` in front of one of ours. A `with` in front of it stays in front
 * of all, because PostgreSQL takes one that changes data only there.
 */
export function enclosed(
  { sql, withLength }: StatementFacts,
  parameters: readonly SqlParameter[],
): EnclosedStatement {
  const rows = unusedName('aurora_rows', sql)
  const before = sql.slice(0, withLength)
  const inserted = `${withLength > 0 ? ', ' : 'with '}"${rows}" as materialized (\n`
  const begin = `${before}${inserted}${sql.slice(withLength)}\n)`
  const written = { sql, position: positionIn(sql, [...before].length, inserted.length) }
  const values = parameters.length > 0 && { parameters }
  return { begin, rows, with: (rest) => ({ sql: `${begin}${rest}`, ...values, written }) }
}

/** Our text is inserted into `sql` after some characters, which are not UTF-16 units. */
function positionIn(
  sql: string,
  insertedAt: number,
  inserted: number,
): (sent: number) => number | undefined {
  const length = [...sql].length
  return (sent) => {
    if (sent <= insertedAt) return sent
    const within = sent - inserted
    return within > insertedAt && within <= length ? within : undefined
  }
}

/** A statement with text of ours before it, such as a comment. */
export function behind(before: string, statement: DataApiStatement): DataApiStatement {
  const { sql, written = { sql, position: (sent: number) => sent } } = statement
  const position = (sent: number) => written.position(sent - before.length)
  return { ...statement, sql: before + sql, written: { sql: written.sql, position } }
}

/** The statement as its author wrote it. */
export function asWritten({ sql, parameters, written }: DataApiStatement): DataApiStatement {
  return { sql: written?.sql ?? sql, ...(parameters && { parameters }) }
}
