import { StatementError } from '../data-api/errors.ts'
import { identifier, qualifiedName } from '../data-api/literals.ts'
import { qualified } from '../data-api/qualified.ts'
import type { Session } from '../data-api/session.ts'
import { unusedName } from '../data-api/unused-name.ts'
import { CommandError } from '../errors.ts'
import { invalidArgument, listOf, oneOf, optionsOf, simpleName, tableName } from './arguments.ts'
import { jsonValue } from './json-value.ts'
import { locatedError } from './located-error.ts'
import { refusedPlace } from './refused-value.ts'
import { chunkRows, type RowChunk, requireChunkBytes } from './row-chunks.ts'
import { type GivenRow, groupRows, requireRows } from './row-groups.ts'
import { objectsSource, rowObjects } from './row-objects.ts'

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
  const counts = chunks.map(async (chunk) => {
    const { from, parameters } = objectsSource(target, chunk.columns, chunk.rows)
    const sql = updateStatement(target, chunk, from, key, missing)
    note(sql)
    try {
      return await session.execute(sql, parameters)
    } catch (error) {
      const place = `op.bulkUpdate of '${table}'`
      throw (
        missingError(error, place, chunk, checked, key) ??
        locatedError(error, `${place}, ${refusedPlace(error, chunk, checked)}`)
      )
    }
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

/** Names in the statement that neither the table has nor any column that is given. */
type Names = Readonly<Record<'given' | 'row' | 'target' | 'present', string>>

function updateStatement(
  target: string,
  { columns }: RowChunk,
  source: string,
  key: readonly string[],
  missing: 'error' | 'ignore',
): string {
  const names = unusedNames(`${target} ${columns.map(({ name }) => name).join(' ')}`)
  const given = (column: string) => `"${names.given}".${identifier(column)}`
  const changes = columns
    .filter(({ name }) => !key.includes(name))
    .map(({ name, isJsonNull }) => `${identifier(name)} = ${isJsonNull ? "'null'" : given(name)}`)
  // By the = of the columns' types, which for a type of an extension is not PostgreSQL's own. Like that of the revision's
  // own statements it is looked up along the search path.
  const found = (alias: string) =>
    key.map((name) => `"${alias}".${identifier(name)} = ${given(name)}`).join(' and ')
  // Not `*`: that is all columns of the table, of which any may be named like the number of the row.
  const values = columns.map(({ name }) => given(name)).join(', ')
  const all = missing === 'error' ? ` and ${allFound(target, found(names.present), names)}` : ''
  return qualified`with "${names.given}" as materialized (select #row_number() over () as "${names.row}", ${values} from ${source} as "${names.given}") update ${target} as "${names.target}" set ${changes.join(', ')} from "${names.given}" where ${found(names.target)}${all}`
}

function unusedNames(text: string): Names {
  const unused = (base: string) => unusedName(`aurora_${base}`, text)
  return {
    given: unused('given'),
    row: unused('row'),
    target: unused('target'),
    present: unused('present'),
  }
}

/**
 * A condition that is true, or fails with a text that says what is missing: in the statement itself, so that nothing is
 * changed, no second call is needed, and the check also stands in what offline mode prints.
 */
function allFound(target: string, found: string, { given, row, present }: Names): string {
  return qualified`(select case when #count(*) #= 0 then true else ('${MISSING} ' #|| #count(*) #|| ' from ' #|| #min("${row}"))::#bool end from "${given}" where not exists (select from ${target} as "${present}" where ${found}))`
}

const MISSING = 'aurora-migrations bulkUpdate, rows without a match,'

const MISSING_MESSAGE = new RegExp(`${MISSING} (?<count>\\d+) from (?<first>\\d+)`)

/** Reads the error that {@link allFound} makes; undefined for any other. */
function missingError(
  error: unknown,
  place: string,
  { indexes }: RowChunk,
  rows: readonly GivenRow[],
  key: readonly string[],
): CommandError | undefined {
  const found = error instanceof StatementError && MISSING_MESSAGE.exec(error.message)?.groups
  if (!found) return undefined
  const index = indexes[Number(found.first) - 1] ?? 0
  const shown = key.map((name) => `${name} = ${jsonValue(rows[index]?.[name]).slice(0, 80)}`)
  const more = found.count === '1' ? '' : ` (and ${Number(found.count) - 1} more like it)`
  return new CommandError(
    'RowsNotMatched',
    `${place}: rows[${index}] with ${shown.join(', ')} matches no row${more}: correct the key, or pass { missing: 'ignore' } to update the others`,
    { cause: error },
  )
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
  const shown = key.map((name) => `${name} = ${jsonValue(row[name]).slice(0, 80)}`)
  return new CommandError(
    'DuplicateKey',
    `rows[${first}] and rows[${second}] both have ${shown.join(', ')}, and PostgreSQL would apply either: leave one of them out`,
  )
}
