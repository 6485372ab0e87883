import { identifier } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'
import type { ColumnTypes } from './column-types.ts'
import { SEPARATOR } from './request-size.ts'
import type { RowForm } from './row-chunks.ts'
import type { GivenColumn, GivenRow, RowGroup } from './row-groups.ts'

// Rows that take several calls travel as one text a column, with a separator between the values. No name and no quote
// is repeated in every row, and PostgreSQL has half the work of json_populate_recordset. In return it has to be told
// the types, and the values must be ones that JSON.stringify writes rightly.

/** The statement names each column four times, and has 65,536 characters. */
const MAX_COLUMNS = 100

/** Whether rows can travel so. */
export function fitColumnTexts({ columns }: RowGroup, types: ColumnTypes): boolean {
  return (
    columns.length <= MAX_COLUMNS &&
    columns.every(({ name, isPlain }) => isPlain && types.has(name))
  )
}

/** Rows as one text a column. */
export function columnTexts(types: ColumnTypes): RowForm {
  return {
    // The separators: as text a value takes no more than as JSON, which is how it was measured.
    sizeBesideValues: (columns) => columns.length,
    written: (columns, rows) => {
      const casts = columns.map(({ name }) => `${identifier(name)}::${types.get(name)?.name}`)
      const none = noValue(columns, rows)
      const texts = columns.map(({ name }) => columnText(name, rows, none, types.get(name)?.isJson))
      const values = columns.map(
        (_, i) => qualified`#unnest(#string_to_array(:rows_${i + 1}, #chr(127), :rows_none))`,
      )
      const names = columns.map(({ name }) => identifier(name))
      return {
        before: '',
        rows: `select ${casts.join(', ')} from rows from (${values.join(', ')}) as "aurora_given" (${names.join(', ')}) offset 1`,
        parameters: [
          { name: 'rows_none', value: { stringValue: none } },
          ...texts.map((text, i) => ({ name: `rows_${i + 1}`, value: { stringValue: text } })),
        ],
      }
    },
  }
}

/** A text that none of the values is: it stands for NULL. */
function noValue(columns: readonly GivenColumn[], rows: readonly GivenRow[]): string {
  let text = ''
  while (columns.some(({ name }) => rows.some((row) => row[name] === text))) text += 'N'
  return text
}

/** The values of a column, after a NULL to be skipped: an empty text alone would be no element at all. */
function columnText(name: string, rows: readonly GivenRow[], none: string, isJson = false): string {
  const texts = rows.map((row) => valueText(row[name], none, isJson))
  return none + SEPARATOR + texts.join(SEPARATOR)
}

function valueText(value: unknown, none: string, isJson: boolean): string {
  if (value === null) return none
  if (isJson) return JSON.stringify(value)
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
