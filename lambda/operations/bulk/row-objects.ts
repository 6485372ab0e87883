import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { identifier } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'
import type { RowForm } from './row-chunks.ts'
import { cellJson, type GivenColumn, type GivenRow, namesSize } from './row-groups.ts'

/**
 * Rows as a JSON array of objects, to which PostgreSQL gives the types of the table's columns.
 *
 * The base of each row is a row of nulls that are not checked: with a null as base, PostgreSQL also checks the columns
 * that the rows leave out, and a domain with `not null` refuses them.
 */
export function rowObjects(target: string): RowForm {
  return {
    sizeBesideValues: namesSize,
    written: (columns, rows) => {
      const values = columns.map(({ name, isJsonNull }) =>
        isJsonNull ? "'null'" : identifier(name),
      )
      return {
        before: '',
        rows: `select ${values.join(', ')} from ${recordsOf(target, qualified`:rows::#json`)}`,
        parameters: [rowsParameter(columns, rows)],
      }
    },
  }
}

/** The rows of a JSON array as rows of the table, to select from. */
export function recordsOf(target: string, json: string): string {
  return qualified`#json_populate_recordset(row((null::${target}).*)::${target}, ${json})`
}

/** The rows as a JSON array, the parameter `:rows`. */
export function rowsParameter(
  columns: readonly GivenColumn[],
  rows: readonly GivenRow[],
): SqlParameter {
  return { name: 'rows', value: { stringValue: objectsJson(columns, rows) } }
}

function objectsJson(columns: readonly GivenColumn[], rows: readonly GivenRow[]): string {
  if (columns.every(({ isPlain }) => isPlain)) return JSON.stringify(rows)
  const names = columns.map(({ name }) => JSON.stringify(name))
  const objects = rows.map((row) => {
    const members = columns.map((column, i) => `${names[i]}:${cellJson(column, row)}`)
    return `{${members.join(',')}}`
  })
  return `[${objects.join(',')}]`
}
