import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { identifierText } from '../data-api/literals.ts'
import { CommandError } from '../errors.ts'
import { invalidArgument } from './arguments.ts'
import { isJsonNull, jsonValue } from './json-value.ts'
import { locatedError } from './located-error.ts'
import { plainJson } from './plain-json.ts'

/** One row to insert or update. */
export type GivenRow = Readonly<Record<string, unknown>>

/** A column of a chunk. */
export interface ChunkColumn {
  readonly name: string
  /** Its value is `json(null)` in each row. */
  readonly isJsonNull: boolean
}

/** Rows with the same columns. */
export interface RowChunk {
  readonly columns: readonly ChunkColumn[]
  /** The rows, each as a JSON object. */
  readonly objects: readonly string[]
  /** Where each of them stood in the input. */
  readonly indexes: readonly number[]
}

export interface ChunkLimits {
  /** What the rows of a chunk may take of a request. Default: {@link MAX_CHUNK_BYTES}. */
  readonly chunkBytes?: number | undefined
  /** What a row is expected to take of the answer, as {@link MAX_ANSWER_BYTES} counts. Default: nothing. */
  readonly answerBytes?: ((row: GivenRow, object: string) => number) | undefined
}

/** A request has 4 MiB: the rest is for the statement, the ARNs and the headers. Rows are JSON inside its JSON there. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024 - 256 * 1024
/** An answer has 1 MiB, and a larger one ends the transaction. */
const MAX_ANSWER_BYTES = 800_000

/**
 * Puts rows with the same columns together, in chunks that fit a request. Chunks come in the order of their first rows,
 * rows within a chunk in the order of the input.
 *
 * @throws CommandError naming row and column, before anything is sent.
 */
export function chunkRows(rows: readonly GivenRow[], limits: ChunkLimits): RowChunk[] {
  const chunks: OpenChunk[] = []
  const open = new Map<string, OpenChunk>()
  const keys = new ColumnKeys()
  for (const [index, row] of rows.entries()) {
    const object = objectOf(row, index)
    const bytes = requestBytes(object)
    if (bytes > MAX_CHUNK_BYTES) throw tooLarge(row, index, bytes)
    const answer = limits.answerBytes?.(row, object) ?? 0
    const key = keys.of(row)
    let chunk = open.get(key)
    if (!chunk?.hasRoom(bytes, answer, limits.chunkBytes ?? MAX_CHUNK_BYTES)) {
      chunk = new OpenChunk(columnsOf(row, index))
      open.set(key, chunk)
      chunks.push(chunk)
    }
    chunk.add(index, object, bytes, answer)
  }
  return chunks
}

class OpenChunk implements RowChunk {
  readonly columns: readonly ChunkColumn[]
  readonly objects: string[] = []
  readonly indexes: number[] = []
  #bytes = 0
  #answer = 0

  constructor(columns: readonly ChunkColumn[]) {
    this.columns = columns
  }

  hasRoom(bytes: number, answer: number, chunkBytes: number): boolean {
    return this.#bytes + bytes <= chunkBytes && this.#answer + answer <= MAX_ANSWER_BYTES
  }

  add(index: number, object: string, bytes: number, answer: number): void {
    this.indexes.push(index)
    this.objects.push(object)
    this.#bytes += bytes
    this.#answer += answer
  }
}

/** Says which rows of the input a chunk holds. */
export function rowsOf({ indexes, columns }: RowChunk): string {
  const first = indexes[0] ?? 0
  const last = indexes.at(-1) ?? 0
  if (indexes.length === 1) return `rows[${first}]`
  if (last - first + 1 === indexes.length) return `rows[${first}] to rows[${last}]`
  const names = columns.map(({ name }) => name).join(', ')
  return `${indexes.length} rows between rows[${first}] and rows[${last}], those with ${names}`
}

/** An array of plain objects, as Alembic asks for a list of dictionaries. */
export function requireRows(rows: unknown): GivenRow[] {
  if (!Array.isArray(rows)) throw invalidArgument('rows', rows, 'an array of plain objects')
  return Array.from(rows, (row: unknown, index) => {
    if (isPlain(row)) return row
    throw invalidArgument(`rows[${index}]`, row, 'a plain object, one property a column')
  })
}

/** A number of bytes that a request has room for. */
export function requireChunkBytes(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && value >= 1 && value <= MAX_CHUNK_BYTES) return value
  throw invalidArgument('chunkBytes', value, `a number from 1 to ${MAX_CHUNK_BYTES}`)
}

/** The rows of a chunk as the parameter `:rows`. */
export function rowsParameter({ objects }: RowChunk): SqlParameter[] {
  return [{ name: 'rows', value: { stringValue: `[${objects.join(',')}]` } }]
}

function isPlain(value: unknown): value is GivenRow {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function objectOf(row: GivenRow, index: number): string {
  const plain = plainJson(row)
  if (plain !== undefined) return plain
  const members = Object.entries(row).map(([name, value]) => {
    try {
      return `${JSON.stringify(name)}:${jsonValue(value)}`
    } catch (error) {
      throw locatedError(error, `rows[${index}].${name}`)
    }
  })
  return `{${members.join(',')}}`
}

/** What rows with the same columns have in common, in whatever order they name them. */
class ColumnKeys {
  #names: readonly string[] = []
  #key = ''

  /** Mostly a row has the columns of the one before it, in the same order: that is a tenth of the work. */
  of(row: GivenRow): string {
    if (!this.#isLikeLast(row)) {
      const names = Object.keys(row)
      const marked = names.map((name) => (isJsonNull(row[name]) ? `${name}\0` : name))
      // A JSON null is written into the statement, so the next row without one is not like this.
      this.#names = marked.some((name, i) => name !== names[i]) ? [] : names
      this.#key = marked.sort().join('\0')
    }
    return this.#key
  }

  #isLikeLast(row: GivenRow): boolean {
    let count = 0
    for (const name in row) {
      if (name !== this.#names[count] || isJsonNull(row[name])) return false
      count += 1
    }
    return count > 0 && count === this.#names.length
  }
}

function columnsOf(row: GivenRow, index: number): ChunkColumn[] {
  const columns = Object.entries(row).map(([name, value]) => {
    try {
      identifierText(name)
    } catch (error) {
      throw locatedError(error, `rows[${index}]`)
    }
    return { name, isJsonNull: isJsonNull(value) }
  })
  if (columns.length > 0) return columns
  throw invalidArgument(`rows[${index}]`, row, 'an object with at least one property')
}

const QUOTE = 34
const BACKSLASH = 92

/** What an object takes in the request, with the comma after it: UTF-8, and JSON once more. */
function requestBytes(json: string): number {
  let escapes = 0
  for (let i = 0; i < json.length; i += 1) {
    const code = json.charCodeAt(i)
    if (code === QUOTE || code === BACKSLASH) escapes += 1
  }
  return Buffer.byteLength(json) + escapes + 1
}

function tooLarge(row: GivenRow, index: number, bytes: number): CommandError {
  const widths = Object.entries(row).map(([name, value]) => ({
    name,
    width: requestBytes(jsonValue(value)),
  }))
  const widest = widths.reduce((one, other) => (other.width > one.width ? other : one))
  return new CommandError(
    'RowTooLarge',
    `rows[${index}] takes ${bytes} bytes of a request, column ${widest.name} alone ${widest.width}, and at most ${MAX_CHUNK_BYTES} fit: insert it with part of the value, and append the rest with op.execute`,
  )
}
