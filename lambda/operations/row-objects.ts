import { identifier } from '../data-api/literals.ts'
import { qualified } from '../data-api/qualified.ts'
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
    value: ({ name }) => identifier(name),
    source: (columns, rows) => ({
      from: qualified`#json_populate_recordset(row((null::${target}).*)::${target}, :rows::#json)`,
      parameters: [{ name: 'rows', value: { stringValue: objectsJson(columns, rows) } }],
    }),
  }
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
