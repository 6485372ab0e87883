import { StatementError } from '../data-api/errors.ts'
import { type RowChunk, rowsOf } from './row-chunks.ts'
import type { GivenRow } from './row-groups.ts'

// invalid input syntax for type integer: "x" · value "3000000000" is out of range for type integer
const QUOTED = /(?:: |value )"(?<text>.*)"(?: is out of range[^"]*)? \(SQLSTATE/s

/** Where PostgreSQL's error comes from, as closely as can be told: it names neither the row nor the column. */
export function refusedPlace(error: unknown, chunk: RowChunk, rows: readonly GivenRow[]): string {
  const text =
    error instanceof StatementError ? QUOTED.exec(error.message)?.groups?.text : undefined
  const cells = text === undefined ? [] : cellsWith(text, chunk, rows)
  const [first] = cells
  // In two columns it may be right in one and wrong in the other.
  return first !== undefined && cells.every(({ column }) => column === first.column)
    ? `rows[${first.index}].${first.column}`
    : rowsOf(chunk)
}

interface Cell {
  readonly index: number
  readonly column: string
}

function cellsWith(text: string, { indexes }: RowChunk, rows: readonly GivenRow[]): Cell[] {
  return indexes.flatMap((index) =>
    Object.entries(rows[index] ?? {})
      .filter(([, value]) => typeof value !== 'object' && String(value) === text)
      .map(([column]) => ({ index, column })),
  )
}
