import type { Session } from '../../session/session.ts'
import { literal } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'
import { scan, type Token } from '../../sql/scanner.ts'

/** What a `create index concurrently` or `drop index concurrently` is about; names as they are written in it. */
export interface ConcurrentIndex {
  readonly action: 'create' | 'drop'
  /** A create that takes any index of this name. */
  readonly ifNotExists: boolean
  readonly name: string
  /** `undefined` for a drop. */
  readonly table: string | undefined
  /** The statement for an index of another name on another table, not concurrently. */
  readonly definition: (name: string, table: string) => string
}

/** What the catalog says of an index. */
export interface IndexState {
  readonly present: boolean
  readonly valid: boolean
  /** Some backend is at work on it, or on its table (vacuum). */
  readonly building: boolean
}

const WORDS_BETWEEN = new Set(['if', 'not', 'exists', 'only'])

/** Reads a statement; `undefined` when it is another one, or one that drops several indexes. */
export function concurrentIndex(sql: string): ConcurrentIndex | undefined {
  const tokens = [...scan(sql)]
  const action = tokens[0]?.text
  const at = tokens.findIndex(({ text }) => text === 'concurrently')
  if ((action !== 'create' && action !== 'drop') || at < 0 || tokens[at - 1]?.text !== 'index') {
    return undefined
  }
  const name = nameAt(tokens, at + 1)
  if (action === 'drop') {
    const several = tokens.slice(name.end).some(({ text }) => text === ',')
    if (several) return undefined
    const text = textOf(sql, tokens, name)
    return { action, ifNotExists: false, name: text, table: undefined, definition: () => sql }
  }
  const table = nameAt(tokens, name.end + 1)
  const before = tokens.slice(0, at).map((token) => sql.slice(token.start, token.end))
  const after = sql.slice(tokens[table.end]?.start)
  return {
    action,
    ifNotExists: tokens[at + 1]?.text === 'if',
    name: textOf(sql, tokens, name),
    table: textOf(sql, tokens, table),
    definition: (index, on) => `${before.join(' ')} ${index} on ${on} ${after}`,
  }
}

interface Span {
  readonly start: number
  readonly end: number
}

/** Token indexes of a name, `schema.name` included, that begins at `from` or after some keywords. */
function nameAt(tokens: readonly Token[], from: number): Span {
  let start = from
  while (WORDS_BETWEEN.has(tokens[start]?.text ?? '')) start += 1
  let end = start + 1
  while (tokens[end]?.text === '.') end += 2
  return { start, end }
}

function textOf(sql: string, tokens: readonly Token[], { start, end }: Span): string {
  return sql.slice(tokens[start]?.start, tokens[end - 1]?.end)
}

/** Looks the index up: an index stands in the schema of its table, and a dropped one where its name says. */
export async function indexState(session: Session, index: ConcurrentIndex): Promise<IndexState> {
  const [row] = await session.read(
    qualified`select i.indisvalid as valid, exists (select from #pg_locks l where l.locktype #= 'relation' and l.database #= (select d.oid from #pg_database d where d.datname #= #current_database()) and l.relation #= i.indrelid and l.mode #= 'ShareUpdateExclusiveLock' and l.granted) as building from #pg_index i where i.indexrelid #= ${oidOf(index)}`,
  )
  return {
    present: row !== undefined,
    valid: row?.valid === true,
    building: row?.building === true,
  }
}

/** True when the index that is there is what the statement would build: compared on an empty copy of its table. */
export async function isSameIndex(session: Session, index: ConcurrentIndex): Promise<boolean> {
  const copy = 'pg_temp.aurora_migrations_copy'
  const text = (oid: string) =>
    qualified`(select indisunique::#text #|| #substr(#pg_get_indexdef(indexrelid), #strpos(#pg_get_indexdef(indexrelid), ' USING ')) from #pg_index where indexrelid #= ${oid})`
  await session.begin()
  try {
    await session.own(`create temp table ${copy} (like ${index.table})`)
    await session.own(index.definition('aurora_migrations_index', copy))
    const [row] = await session.own(
      qualified`select ${text(oidOf(index))} #= ${text(qualified`#to_regclass('pg_temp.aurora_migrations_index')`)} as same`,
    )
    return row?.same === true
  } finally {
    await session.rollback()
  }
}

/** The index as it is called in SQL, whatever the search path is. */
export function qualifiedIndex({ name, table }: ConcurrentIndex): string {
  if (table === undefined || /^[^"]*\.|"\./.test(name)) return name
  const schema = /^(?<schema>(?:"(?:[^"]|"")*"|[^".]+)\s*\.)/.exec(table)?.groups?.schema
  return schema === undefined ? name : `${schema}${name}`
}

function oidOf(index: ConcurrentIndex): string {
  return qualified`#to_regclass(${literal(qualifiedIndex(index))})`
}
