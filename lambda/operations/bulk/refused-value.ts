import { StatementError } from '../../data-api/errors.ts'
import { type RowChunk, rowsOf } from './row-chunks.ts'
import type { GivenRow } from './row-groups.ts'

/** Where PostgreSQL's error comes from, as closely as can be told: it names no row, and seldom a column. */
export function refusedPlace(error: unknown, chunk: RowChunk, rows: readonly GivenRow[]): string {
  const isSuspect = error instanceof StatementError ? suspicion(error.message) : undefined
  const cells = isSuspect ? cellsWith(isSuspect, chunk, rows) : []
  const [first] = cells
  // In two columns it may be right in one and wrong in the other.
  return first !== undefined && cells.every(({ column }) => column === first.column)
    ? `rows[${first.index}].${first.column}`
    : rowsOf(chunk)
}

type Suspicion = (value: unknown, column: string) => boolean

// invalid input syntax for type integer: "x" · value "3000000000" is out of range for type integer
const QUOTED = /(?:: |value )"(?<text>.*)"(?: is out of range[^"]*)? \(SQLSTATE/s
const TOO_LONG = /value too long for type character(?: varying)?\((?<most>\d+)\)/
const NO_NULL = /null value in column "(?<name>.*)" of relation "/s
const NO_COLUMN = /(?:^|: )column "(?<name>.*)" of relation ".*" does not exist/s

/** Which values an error may be about. */
function suspicion(message: string): Suspicion | undefined {
  const name = NO_NULL.exec(message)?.groups?.name
  if (name !== undefined) return (value, column) => column === name && value === null
  const unknown = NO_COLUMN.exec(message)?.groups?.name
  if (unknown !== undefined) return (_, column) => column === unknown
  const most = TOO_LONG.exec(message)?.groups?.most
  if (most !== undefined) return (value) => length(value) > Number(most)
  const text = QUOTED.exec(message)?.groups?.text
  return text === undefined
    ? undefined
    : (value) => typeof value !== 'object' && String(value) === text
}

/** As PostgreSQL counts: in characters, and spaces at the end are cut. */
function length(value: unknown): number {
  return typeof value === 'string' ? [...value.replace(/ +$/, '')].length : 0
}

interface Cell {
  readonly index: number
  readonly column: string
}

function cellsWith(isSuspect: Suspicion, { indexes }: RowChunk, rows: readonly GivenRow[]): Cell[] {
  return indexes.flatMap((index) =>
    Object.entries(rows[index] ?? {})
      .filter(([column, value]) => isSuspect(value, column))
      .map(([column]) => ({ index, column })),
  )
}
