import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { invalidArgument } from '../arguments.ts'
import { type GivenColumn, type GivenRow, MAX_CHUNK_BYTES, type RowGroup } from './row-groups.ts'

/** How rows travel. */
export interface RowForm {
  /** What a row takes of a request besides its values, in bytes. */
  sizeBesideValues(columns: readonly GivenColumn[]): number
  /** How many rows a statement has the characters for. Default: any number. */
  mostRows?(columns: readonly GivenColumn[]): number
  /** The rows as part of an `insert`. */
  written(columns: readonly GivenColumn[], rows: readonly GivenRow[]): WrittenRows
}

export interface WrittenRows {
  /** What stands before `insert`. */
  readonly before: string
  /** What stands after the names of the columns: `select …` or `values …`. */
  readonly rows: string
  readonly parameters: readonly SqlParameter[]
}

/** Rows of a group that fit a request. */
export interface RowChunk {
  readonly form: RowForm
  readonly columns: readonly GivenColumn[]
  readonly isMixed: boolean
  readonly rows: readonly GivenRow[]
  /** Where each of them stood in the input. */
  readonly indexes: readonly number[]
}

export interface ChunkLimits {
  /** What the rows of a chunk may take of a request. Default: {@link MAX_CHUNK_BYTES}. */
  readonly chunkBytes?: number | undefined
  /** What a row is expected to take of the answer, given its size, as {@link MAX_ANSWER_BYTES} counts. Default: nothing. */
  readonly answerBytes?: ((row: GivenRow, size: number) => number) | undefined
}

/** An answer has 1 MiB, and a larger one ends the transaction. */
const MAX_ANSWER_BYTES = 800_000

/** Divides groups into what fits a request; chunks come in the order of their first rows. */
export function chunkRows(
  groups: readonly RowGroup[],
  formOf: (group: RowGroup) => RowForm,
  limits: ChunkLimits,
): RowChunk[] {
  return groups
    .flatMap((group) => divided(group, formOf(group), limits))
    .sort((one, other) => (one.indexes[0] ?? 0) - (other.indexes[0] ?? 0))
}

function divided(group: RowGroup, form: RowForm, limits: ChunkLimits): RowChunk[] {
  const { columns, isMixed, rows, indexes, sizes } = group
  const { chunkBytes = MAX_CHUNK_BYTES, answerBytes } = limits
  const part = (from: number, to: number): RowChunk => ({
    form,
    columns,
    isMixed,
    rows: rows.slice(from, to),
    indexes: indexes.slice(from, to),
  })
  const more = form.sizeBesideValues(columns)
  const most = form.mostRows?.(columns) ?? Number.POSITIVE_INFINITY
  const chunks: RowChunk[] = []
  let first = 0
  let bytes = 0
  let answer = 0
  for (let i = 0; i < rows.length; i += 1) {
    const size = (sizes[i] ?? 0) + more
    const expected = answerBytes?.(rows[i] ?? {}, size) ?? 0
    const isFull = bytes + size > chunkBytes || answer + expected > MAX_ANSWER_BYTES
    if (i > first && (isFull || i - first === most)) {
      chunks.push(part(first, i))
      first = i
      bytes = 0
      answer = 0
    }
    bytes += size
    answer += expected
  }
  return [...chunks, part(first, rows.length)]
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

/** A number of bytes that a request has room for. */
export function requireChunkBytes(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && value >= 1 && value <= MAX_CHUNK_BYTES) return value
  throw invalidArgument('chunkBytes', value, `a number from 1 to ${MAX_CHUNK_BYTES}`)
}
