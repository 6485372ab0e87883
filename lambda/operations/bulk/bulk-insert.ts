import { setImmediate } from 'node:timers/promises'
import type { Row } from '../../data-api/values.ts'
import { CommandError } from '../../errors.ts'
import type { Session, Turn } from '../../session/session.ts'
import { identifier, qualifiedName } from '../../sql/literals.ts'
import { Statement } from '../../sql/statement.ts'
import { listOf, optionsOf, simpleName, tableName } from '../arguments.ts'
import { locatedError } from '../located-error.ts'
import type { SendVoid } from '../session-operations.ts'
import { columnTexts, fitColumnTexts } from './column-texts.ts'
import { columnTypes } from './column-types.ts'
import { refusedPlace } from './refused-value.ts'
import {
  type ChunkLimits,
  chunkRows,
  type RowChunk,
  type RowForm,
  requireChunkBytes,
} from './row-chunks.ts'
import { type GivenRow, type RowGroup, requireRows } from './row-groups.ts'
import { rowObjects } from './row-objects.ts'
import { groupInOrder } from './row-runs.ts'
import { fitValues, rowValues } from './row-values.ts'

export interface BulkInsertOptions {
  /** Columns of the new rows to answer. Default: nothing is answered. */
  readonly returning?: readonly string[]
  /** Takes the values given for a `generated always as identity` column. Default: PostgreSQL refuses them. */
  readonly overridingSystemValue?: boolean
  /** How many bytes of a request the rows of one call may take. Default and most: 3.75 MiB. */
  readonly chunkBytes?: number
}

/** Is told a statement. */
type Note = (sql: string) => void

/** Carries out `op.bulkInsert` without `returning`, see there. */
export async function bulkInsert(
  session: Session,
  [table, rows, options]: BulkInsertArguments,
  note: Note,
  send: SendVoid,
): Promise<void> {
  const insert = checkedInsert(table, rows, options)
  const { target, groups, limits, forms } = insert
  const chunks = chunkRows(groups, formOf(forms), limits)
  if (!isDivided(chunks, groups)) {
    await allInLine(insert, chunks, note, (_, statement) => send(statement))
    return
  }
  const title = `insert into ${target}`
  note(title)
  await session.inOneTurn(new Statement(title), async (turn) => {
    const types = await columnTypes(turn, target)
    const texts = columnTexts(types)
    const form = formOf(forms)
    const faster = (group: RowGroup) =>
      !group.isMixed && fitColumnTexts(group, types) ? texts : form(group)
    await sendInTurn(insert, chunkRows(groups, faster, limits), turn)
  })
}

/** Whether rows with the same columns take several calls. */
function isDivided(chunks: readonly RowChunk[], groups: readonly RowGroup[]): boolean {
  const alike = groups.filter(({ isMixed }) => !isMixed)
  return chunks.filter(({ isMixed }) => !isMixed).length > alike.length
}

/** Sends one chunk after the other, and writes each while the database is busy with the one before it. */
async function sendInTurn(
  insert: CheckedInsert,
  chunks: readonly RowChunk[],
  { execute }: Turn,
): Promise<void> {
  const [first] = chunks
  if (!first) return
  let statement = insertStatement(insert, first)
  for (const [i, chunk] of chunks.entries()) {
    const next = chunks[i + 1]
    const running = located(insert, chunk, execute(statement))
    // By then it is on its way.
    const writing = setImmediate().then(() => next && insertStatement(insert, next))
    const [, written] = await Promise.all([running, writing])
    if (written) statement = written
  }
}

/** Carries out `op.bulkInsert` with `returning`, see there. */
export async function bulkInsertReturning(
  session: Session,
  [table, rows, options]: BulkInsertArguments,
  note: Note,
): Promise<Row[]> {
  const insert = checkedInsert(table, rows, options)
  const chunks = chunkRows(insert.groups, formOf(insert.forms), insert.limits)
  const answers = await allInLine(insert, chunks, note, async (chunk, statement) =>
    matched(chunk, await session.query(statement)),
  )
  return answers.flat()
}

/** Puts the statements of all chunks in line at once, so that no statement of a later call comes in between. */
function allInLine<T>(
  insert: CheckedInsert,
  chunks: readonly RowChunk[],
  note: Note,
  send: (chunk: RowChunk, statement: Statement) => Promise<T>,
): Promise<T[]> {
  return Promise.all(
    chunks.map((chunk) => {
      const statement = insertStatement(insert, chunk)
      note(statement.sql)
      return located(insert, chunk, send(chunk, statement))
    }),
  )
}

/** As they were passed to `op.bulkInsert`. */
type BulkInsertArguments = readonly [table: string, rows: unknown, options: BulkInsertOptions]

/** The arguments of `op.bulkInsert`, checked. */
interface CheckedInsert {
  readonly table: string
  /** The table as SQL. */
  readonly target: string
  readonly options: BulkInsertOptions
  readonly rows: readonly GivenRow[]
  readonly groups: readonly RowGroup[]
  readonly limits: ChunkLimits
  readonly forms: Forms
}

/** Forms of rows that any table takes. */
interface Forms {
  readonly objects: RowForm
  readonly values: RowForm
}

function formOf({ objects, values }: Forms): (group: RowGroup) => RowForm {
  return ({ isMixed }) => (isMixed ? values : objects)
}

function checkedInsert(table: string, rows: unknown, options: BulkInsertOptions): CheckedInsert {
  const given = optionsOf(options, ['returning', 'overridingSystemValue', 'chunkBytes'])
  const target = qualifiedName(tableName(table))
  const returning = given.returning && listOf(given.returning, 'returning', simpleName)
  const checked = requireRows(rows)
  return {
    table,
    target,
    options: given,
    rows: checked,
    groups: groupInOrder(checked, fitValues),
    forms: { objects: rowObjects(target), values: rowValues(target) },
    limits: {
      chunkBytes: requireChunkBytes(given.chunkBytes),
      answerBytes: returning && answerBytes(returning),
    },
  }
}

/** What a statement answers; its error says which rows it is about. */
async function located<T>(insert: CheckedInsert, chunk: RowChunk, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const place = refusedPlace(error, chunk, insert.rows)
    throw locatedError(error, `op.bulkInsert into '${insert.table}', ${place}`)
  }
}

function insertStatement(
  { target, options }: CheckedInsert,
  { columns, rows, form }: RowChunk,
): Statement {
  const { before, rows: written, parameters } = form.written(columns, rows)
  const names = columns.map(({ name }) => identifier(name)).join(', ')
  const overriding = options.overridingSystemValue ? 'overriding system value ' : ''
  const answer = options.returning
    ? ` returning ${options.returning.map(identifier).join(', ')}`
    : ''
  const sql = `${before}insert into ${target} (${names}) ${overriding}${written}${answer}`
  return new Statement(sql, parameters)
}

/** What one row is expected to take of the answer: numbers, ids and dates where nothing better is known. */
function answerBytes(returning: readonly string[]): (row: Row, size: number) => number {
  return (row, size) =>
    48 + 64 * returning.length + (returning.some((name) => name in row) ? size : 0)
}

// `insert … select` inserts in the order it selects, and returning answers in the order it inserts: it has always been
// so, though PostgreSQL's manual says only the first. A trigger that drops rows would shift them, which the count tells.
function matched({ indexes }: RowChunk, answer: readonly Row[]): readonly Row[] {
  if (answer.length !== indexes.length) {
    throw new CommandError(
      'RowsNotMatched',
      `${indexes.length} rows were given and ${answer.length} came back, so a trigger or rule changes what is inserted: insert without returning, and read the rows with op.query`,
    )
  }
  return answer
}
