import { CommandError } from '../../errors.ts'
import { identifierText } from '../../sql/literals.ts'
import { invalidArgument } from '../arguments.ts'
import { locatedError } from '../located-error.ts'
import { isJsonNull, jsonValue } from './json-value.ts'
import { jsonSize, plainSize } from './request-size.ts'

/** One row to insert or update. */
export type GivenRow = Readonly<Record<string, unknown>>

/** A column of a group. */
export interface GivenColumn {
  readonly name: string
  /** Its value is `json(null)` in each row. */
  readonly isJsonNull: boolean
  /** `JSON.stringify` writes its values as PostgreSQL has to get them, in each row. */
  readonly isPlain: boolean
}

/** Rows with the same columns, or a mixture. */
export interface RowGroup {
  /** Of a mixture, the columns that any of its rows has. */
  readonly columns: readonly GivenColumn[]
  /** The columns change from row to row. */
  readonly isMixed: boolean
  readonly rows: readonly GivenRow[]
  /** Where each of them stood in the input. */
  readonly indexes: readonly number[]
  /** What the values of each take of a request, in bytes. */
  readonly sizes: readonly number[]
}

/** A request has 4 MiB: the rest is for the statement, the ARNs and the headers. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024 - 256 * 1024

/** An array of plain objects, as Alembic asks for a list of dictionaries. */
export function requireRows(rows: unknown): GivenRow[] {
  if (!Array.isArray(rows)) throw invalidArgument('rows', rows, 'an array of plain objects')
  const checked: GivenRow[] = []
  for (let index = 0; index < rows.length; index += 1) {
    const row: unknown = rows[index]
    if (!isPlain(row)) {
      throw invalidArgument(`rows[${index}]`, row, 'a plain object, one property a column')
    }
    checked.push(row)
  }
  return checked
}

/**
 * Checks and measures rows, and puts those with the same columns together: groups in the order of their first rows,
 * rows within a group in the order of the input. Nothing is written as text yet.
 *
 * @throws CommandError naming row and column.
 */
export function groupRows(rows: readonly GivenRow[]): RowGroup[] {
  const groups = new Map<string, OpenGroup>()
  let last: OpenGroup | undefined
  rows.forEach((row, index) => {
    // Mostly a row has the columns of the one before it.
    if (last?.takes(row, index)) return
    const key = keyOf(row)
    last = groups.get(key)
    last?.add(row, index)
    last ??= new OpenGroup(row, index)
    groups.set(key, last)
  })
  return [...groups.values()]
}

/** What the names in a row take of a request where it is an object, with all that is between the values. */
export function namesSize(columns: readonly GivenColumn[]): number {
  return columns.reduce((size, { name }) => size + jsonSize(JSON.stringify(name)) + 2, 2)
}

/** A column's value in a row, as JSON. */
export function cellJson({ name, isPlain }: GivenColumn, row: GivenRow): string {
  return isPlain ? JSON.stringify(row[name]) : jsonValue(row[name])
}

interface GroupColumn extends GivenColumn {
  isPlain: boolean
}

/** Rows with the same columns, to which others are added. */
export class OpenGroup implements RowGroup {
  readonly columns: readonly GroupColumn[]
  readonly isMixed = false
  readonly rows: GivenRow[] = []
  readonly indexes: number[] = []
  readonly sizes: number[] = []
  readonly #namesSize: number

  constructor(row: GivenRow, index: number) {
    this.columns = columnsOf(row, index)
    this.#namesSize = namesSize(this.columns)
    this.add(row, index)
  }

  /** Adds a row if it has these columns in this order; false if it does not. */
  takes(row: GivenRow, index: number): boolean {
    let count = 0
    let size = 0
    for (const name in row) {
      const column = this.columns[count]
      const value = row[name]
      if (column?.name !== name || isJsonNull(value) !== column.isJsonNull) return false
      size += sizeIn(column, value, index)
      count += 1
    }
    if (count < this.columns.length) return false
    this.#add(row, index, size)
    return true
  }

  /** Adds a row that has these columns. */
  add(row: GivenRow, index: number): void {
    let size = 0
    for (const column of this.columns) size += sizeIn(column, row[column.name], index)
    this.#add(row, index, size)
  }

  #add(row: GivenRow, index: number, size: number): void {
    if (size + this.#namesSize > MAX_CHUNK_BYTES) throw tooLarge(row, index, size + this.#namesSize)
    this.rows.push(row)
    this.indexes.push(index)
    this.sizes.push(size)
  }
}

/** What a value takes of a request; notes the column of one that is not to be left to `JSON.stringify`. */
function sizeIn(column: GroupColumn, value: unknown, index: number): number {
  const size = plainSize(value)
  if (size !== undefined) return size
  column.isPlain = false
  try {
    return jsonSize(jsonValue(value))
  } catch (error) {
    throw locatedError(error, `rows[${index}].${column.name}`)
  }
}

function isPlain(value: unknown): value is GivenRow {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** What rows with the same columns have in common, in whatever order they name them. */
export function keyOf(row: GivenRow): string {
  // A JSON null is written into the statement, so it makes a column of its own.
  const names = Object.keys(row).map((name) => (isJsonNull(row[name]) ? `${name}\0` : name))
  return names.sort().join('\0')
}

function columnsOf(row: GivenRow, index: number): GroupColumn[] {
  const columns = Object.entries(row).map(([name, value]) => {
    try {
      identifierText(name)
    } catch (error) {
      throw locatedError(error, `rows[${index}]`)
    }
    return { name, isJsonNull: isJsonNull(value), isPlain: true }
  })
  if (columns.length > 0) return columns
  throw invalidArgument(`rows[${index}]`, row, 'an object with at least one property')
}

function tooLarge(row: GivenRow, index: number, bytes: number): CommandError {
  const widths = Object.entries(row).map(([name, value]) => ({
    name,
    width: jsonSize(jsonValue(value)),
  }))
  const widest = widths.reduce((one, other) => (other.width > one.width ? other : one))
  return new CommandError(
    'RowTooLarge',
    `rows[${index}] takes ${bytes} bytes of a request, column ${widest.name} alone ${widest.width}, and at most ${MAX_CHUNK_BYTES} fit: insert it with part of the value, and append the rest with op.execute`,
  )
}
