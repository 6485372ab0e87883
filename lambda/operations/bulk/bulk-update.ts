import { StatementError } from '../../data-api/errors.ts'
import type { Row } from '../../data-api/values.ts'
import { CommandError } from '../../errors.ts'
import type { Session, Turn } from '../../session/session.ts'
import { qualifiedName } from '../../sql/literals.ts'
import { Statement } from '../../sql/statement.ts'
import { invalidArgument, listOf, oneOf, optionsOf, simpleName, tableName } from '../arguments.ts'
import { locatedError } from '../located-error.ts'
import { jsonValue } from './json-value.ts'
import { type KeyOperators, keyOperatorsOf, keyOperatorsStatement } from './key-operators.ts'
import { refusedPlace } from './refused-value.ts'
import { chunkRows, type RowChunk, requireChunkBytes } from './row-chunks.ts'
import { type GivenRow, groupRows, requireRows } from './row-groups.ts'
import { rowObjects, rowsParameter } from './row-objects.ts'
import { missingRows, repeatedRows, type Update, updateStatement } from './update-statement.ts'

export interface BulkUpdateOptions {
  /** The columns by which rows are found; each row has to give them. */
  readonly key: readonly string[]
  /** What to do when a row's key is not in the table. Default: `'error'`. */
  readonly missing?: 'error' | 'ignore'
  /** How many bytes of a request the rows of one call may take. Default and most: 3.75 MiB. */
  readonly chunkBytes?: number
}

/** Carries out `op.bulkUpdate`, see there; `note` is told the first statement. */
export async function bulkUpdate(
  session: Session,
  table: string,
  rows: unknown,
  options: BulkUpdateOptions,
  note: (statement: string) => void,
): Promise<number> {
  const given = optionsOf(options, ['key', 'missing', 'chunkBytes'])
  const target = qualifiedName(tableName(table))
  const key = listOf(given.key, 'key', simpleName)
  const missing = oneOf(given.missing ?? 'error', 'missing', ['error', 'ignore'])
  const checked = requireRows(rows)
  const chunkBytes = requireChunkBytes(given.chunkBytes)
  const objects = rowObjects(target)
  const chunks = chunkRows(groupRows(checked), () => objects, { chunkBytes })
  requireKeys(checked, key)
  if (chunks.length === 0) return 0
  const title = `update ${target}`
  note(title)
  const operators = askForOperators(session, target, key)
  const update = { target, key, requiresMatch: missing === 'error', isDivided: chunks.length > 1 }
  const changed = session.inOneTurn(new Statement(title), async (turn) => {
    const whole = { ...update, operators: await operators }
    return await sendChunks(turn, whole, chunks, new UpdateErrors(table, key, checked, chunks))
  })
  // What is wrong with the first is also wrong with the second, which knows more of it.
  operators.catch(() => 'the transaction remembers it')
  return await changed
}

/** In line at once. Where statements travel together it travels with those before, and costs no call. */
function askForOperators(
  session: Session,
  target: string,
  key: readonly string[],
): Promise<KeyOperators | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<KeyOperators | undefined>()
  const books = {
    sql: () => keyOperatorsStatement(target, key),
    check: (row: Row) => resolve(keyOperatorsOf(row)),
  }
  session.keepBooks(books).catch(reject)
  return promise
}

async function sendChunks(
  { execute }: Turn,
  update: Update,
  chunks: readonly RowChunk[],
  errors: UpdateErrors,
): Promise<number> {
  let changed = 0
  for (const [index, chunk] of chunks.entries()) {
    const sql = updateStatement(update, chunk, index === 0)
    try {
      changed += await execute(new Statement(sql, [rowsParameter(chunk.columns, chunk.rows)]))
    } catch (error) {
      throw errors.of(error, chunk)
    }
  }
  return changed
}

/** The errors of an `op.bulkUpdate`, which name rows. */
class UpdateErrors {
  readonly #table: string
  readonly #key: readonly string[]
  readonly #rows: readonly GivenRow[]
  readonly #chunks: readonly RowChunk[]

  constructor(
    table: string,
    key: readonly string[],
    rows: readonly GivenRow[],
    chunks: readonly RowChunk[],
  ) {
    this.#table = table
    this.#key = key
    this.#rows = rows
    this.#chunks = chunks
  }

  /** What to throw for an error of a chunk. */
  of(error: unknown, chunk: RowChunk): unknown {
    const message = error instanceof StatementError ? error.message : ''
    const missing = missingRows(message)
    if (missing) return this.#missing(missing, chunk, error)
    const repeated = repeatedRows(message)
    if (repeated) return this.#repeated(repeated, error)
    return locatedError(error, `${this.#place}, ${refusedPlace(error, chunk, this.#rows)}`)
  }

  get #place(): string {
    return `op.bulkUpdate of '${this.#table}'`
  }

  #missing(
    { count, first }: { readonly count: number; readonly first: number },
    { indexes }: RowChunk,
    cause: unknown,
  ): CommandError {
    const more = count === 1 ? '' : ` (and ${count - 1} more like it)`
    return new CommandError(
      'RowsNotMatched',
      `${this.#place}: ${this.#shown(indexes[first - 1])} matches no row${more}: correct the key, or pass { missing: 'ignore' } to update the others`,
      { cause },
    )
  }

  #repeated(
    { first, last }: { readonly first: number; readonly last: number },
    cause: unknown,
  ): CommandError {
    const indexes = this.#chunks.flatMap((chunk) => chunk.indexes)
    const [one = 0, other = 0] = [indexes[first - 1], indexes[last - 1]].sort(
      (a = 0, b = 0) => a - b,
    )
    return new CommandError(
      'DuplicateKey',
      `${this.#place}: ${this.#shown(one)} and ${this.#shown(other)} have the same key to PostgreSQL, which would apply either: leave one of them out`,
      { cause },
    )
  }

  #shown(index = 0): string {
    return `rows[${index}] with ${shownKey(this.#rows[index], this.#key)}`
  }
}

function shownKey(row: GivenRow | undefined, key: readonly string[]): string {
  return key.map((name) => `${name} = ${jsonValue(row?.[name]).slice(0, 80)}`).join(', ')
}

/** Each row must say which row it changes, and what; and no two the same one. */
function requireKeys(rows: readonly GivenRow[], key: readonly string[]): void {
  const seen = new Map<string, number>()
  for (const [index, row] of rows.entries()) {
    const lacking = key.find((name) => row[name] === undefined || row[name] === null)
    if (lacking !== undefined) {
      throw invalidArgument(`rows[${index}].${lacking}`, row[lacking], 'a value: it is in the key')
    }
    if (Object.keys(row).every((name) => key.includes(name))) {
      throw invalidArgument(`rows[${index}]`, row, 'at least one column that is not in the key')
    }
    // 7 and '7' are the same key to PostgreSQL.
    const text = key.map((name) => jsonValue(row[name]).replace(/^"|"$/g, '')).join('\n')
    const other = seen.get(text)
    if (other !== undefined) throw duplicateKey(other, index, row, key)
    seen.set(text, index)
  }
}

function duplicateKey(
  first: number,
  second: number,
  row: GivenRow,
  key: readonly string[],
): CommandError {
  return new CommandError(
    'DuplicateKey',
    `rows[${first}] and rows[${second}] both have ${shownKey(row, key)}, and PostgreSQL would apply either: leave one of them out`,
  )
}
