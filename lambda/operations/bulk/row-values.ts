import { identifier } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'
import { MAX_SQL_CHARACTERS } from '../../sql/statement-length.ts'
import { isJsonNull } from './json-value.ts'
import type { RowForm } from './row-chunks.ts'
import { cellJson, type GivenColumn, type GivenRow, namesSize } from './row-groups.ts'

// Only a list of VALUES has a word for the default of a column, row by row. Each value is looked up in an array of rows
// that PostgreSQL makes of a JSON array, so that it has the type of its column; this takes half a millisecond a row.

/** What the statement needs for names of tables and columns outside of the list. */
const ROOM = 8_192
const LONGEST_INDEX = 6

/** Whether a statement has the characters to name all the values of a row. */
export function fitValues(columns: readonly GivenColumn[]): boolean {
  return mostRows(columns) > 0
}

/** Rows of which each lacks other columns, in the order given. */
export function rowValues(target: string): RowForm {
  const given = target.includes('"g"') ? '"given"' : '"g"'
  const record = qualified`#json_populate_recordset(row((null::${target}).*)::${target}, :rows::#json)`
  return {
    sizeBesideValues: namesSize,
    mostRows,
    written: (columns, rows) => {
      const lists = rows.map(
        (row, i) => `(${columns.map((of) => cell(of, row, i + 1, given)).join(', ')})`,
      )
      return {
        before: qualified`with ${given} as materialized (select #array_agg(row("r".*)::${target}) as r from ${record} as "r") `,
        rows: `values ${lists.join(', ')}`,
        parameters: [{ name: 'rows', value: { stringValue: rowsJson(columns, rows) } }],
      }
    },
  }
}

function mostRows(columns: readonly GivenColumn[]): number {
  const row = columns
    .map(({ name }) => cellText(name, 10 ** LONGEST_INDEX - 1, '"given"'))
    .join(', ')
  return Math.floor((MAX_SQL_CHARACTERS - ROOM) / (row.length + '(), '.length))
}

function cell({ name }: GivenColumn, row: GivenRow, place: number, given: string): string {
  if (!Object.hasOwn(row, name)) return 'default'
  return isJsonNull(row[name]) ? "'null'" : cellText(name, place, given)
}

const cellText = (name: string, place: number, given: string): string =>
  `(select (r[${place}]).${identifier(name)} from ${given})`

function rowsJson(columns: readonly GivenColumn[], rows: readonly GivenRow[]): string {
  const objects = rows.map((row) => {
    const members = columns
      .filter(({ name }) => Object.hasOwn(row, name))
      .map((column) => `${JSON.stringify(column.name)}:${cellJson(column, row)}`)
    return `{${members.join(',')}}`
  })
  return `[${objects.join(',')}]`
}
