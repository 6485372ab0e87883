import { identifier, qualifiedName } from '../data-api/literals.ts'
import type { Session } from '../data-api/session.ts'
import type { Row } from '../data-api/values.ts'
import { CommandError } from '../errors.ts'
import { listOf, optionsOf, simpleName, tableName } from './arguments.ts'
import { locatedError } from './located-error.ts'
import { refusedPlace } from './refused-value.ts'
import {
  type ChunkColumn,
  chunkRows,
  type RowChunk,
  requireChunkBytes,
  requireRows,
  rowsParameter,
} from './row-chunks.ts'
import type { SendVoid } from './session-operations.ts'

export interface BulkInsertOptions {
  /** Columns of the new rows to answer. Default: nothing is answered. */
  readonly returning?: readonly string[]
  /** Takes the values given for a `generated always as identity` column. Default: PostgreSQL refuses them. */
  readonly overridingSystemValue?: boolean
  /** How many bytes of a request the rows of one call may take. Default and most: 3.75 MiB. */
  readonly chunkBytes?: number
}

/** How the statements of `op.bulkInsert` reach the database. */
interface BulkInsertWay {
  /** Sends one that answers the new rows. */
  readonly ask?: Session['query']
  /** Sends one that answers nothing. */
  readonly send?: SendVoid
  /** Is told a statement. */
  note(statement: string): void
}

/** Carries out `op.bulkInsert`, see there. */
export async function bulkInsert(
  { ask, send, note }: BulkInsertWay,
  table: string,
  rows: unknown,
  options: BulkInsertOptions,
): Promise<Row[]> {
  const given = optionsOf(options, ['returning', 'overridingSystemValue', 'chunkBytes'])
  const target = qualifiedName(tableName(table))
  const returning = given.returning && listOf(given.returning, 'returning', simpleName)
  const checked = requireRows(rows)
  const chunks = chunkRows(checked, {
    chunkBytes: requireChunkBytes(given.chunkBytes),
    answerBytes: returning && answerBytes(returning),
  })
  // All are put in line at once, so that no statement of a later call comes in between.
  const answers = chunks.map(async (chunk) => {
    const sql = insertStatement(target, chunk.columns, given)
    note(sql)
    try {
      if (ask) return matched(chunk, await ask(sql, rowsParameter(chunk)))
      await send?.(sql, rowsParameter(chunk))
      return []
    } catch (error) {
      throw locatedError(
        error,
        `op.bulkInsert into '${table}', ${refusedPlace(error, chunk, checked)}`,
      )
    }
  })
  return inOrder(await Promise.all(answers))
}

function insertStatement(
  target: string,
  columns: readonly ChunkColumn[],
  { returning, overridingSystemValue }: BulkInsertOptions,
): string {
  const names = columns.map(({ name }) => identifier(name)).join(', ')
  const values = columns.map(({ name, isJsonNull }) => (isJsonNull ? "'null'" : identifier(name)))
  const overriding = overridingSystemValue ? 'overriding system value ' : ''
  const answer = returning ? ` returning ${returning.map(identifier).join(', ')}` : ''
  return `insert into ${target} (${names}) ${overriding}select ${values.join(', ')} from json_populate_recordset(null::${target}, :rows::json)${answer}`
}

/** What one row is expected to take of the answer: numbers, ids and dates where nothing better is known. */
function answerBytes(returning: readonly string[]): (row: Row, object: string) => number {
  return (row, object) =>
    48 + 64 * returning.length + (returning.some((name) => name in row) ? object.length : 0)
}

interface Answer {
  readonly index: number
  readonly row: Row
}

// `insert … select` inserts in the order it selects, and returning answers in the order it inserts: it has always been
// so, though PostgreSQL's manual says only the first. A trigger that drops rows would shift them, which the count tells.
function matched({ indexes }: RowChunk, answer: readonly Row[]): Answer[] {
  if (answer.length !== indexes.length) {
    throw new CommandError(
      'RowsNotMatched',
      `${indexes.length} rows were given and ${answer.length} came back, so a trigger or rule changes what is inserted: insert without returning, and read the rows with op.query`,
    )
  }
  return answer.map((row, position) => ({ index: indexes[position] ?? 0, row }))
}

function inOrder(answers: readonly Answer[][]): Row[] {
  return answers
    .flat()
    .sort((one, other) => one.index - other.index)
    .map(({ row }) => row)
}
