import type { Client } from 'pg'
import type { QueryOutcome } from '../data-api/bound-query.ts'
import type { FieldKind, ResultType } from './result-types.ts'

/** How PostgreSQL reads its own text of a value again. Without an abbreviated zone, which may be that of another place. */
const readAgain: Partial<Record<FieldKind, string>> = {
  date: 'v::date',
  timestamp: 'v::timestamp',
  timestamptz: String.raw`regexp_replace(v, ' [[:alpha:]]{3,}( BC)?$', '\1')::timestamptz`,
}

const iso = /^(\d{4,}-\d\d-\d\d|-?infinity$)/

/**
 * The rows with dates and times in the ISO style, whatever `DateStyle` the session has. The service reads them in binary
 * form, so the setting does not reach it. Must be called on the connection of the statement, before its next one.
 */
export async function inIsoStyle(
  client: Client,
  outcome: QueryOutcome,
  types: readonly ResultType[],
): Promise<QueryOutcome> {
  const rows = outcome.rows.map((row) => [...row])
  for (const [column, { kind, element }] of types.entries()) {
    const cast = readAgain[element ?? kind]
    if (cast === undefined) continue
    const other = rows.filter((row) => isOtherStyle(row[column]))
    const texts = other.map((row) => row[column] ?? '')
    const again = await rewritten(client, texts, element === undefined ? cast : inArray(cast))
    for (const [index, row] of other.entries()) row[column] = again[index] ?? null
  }
  return { ...outcome, rows }
}

function isOtherStyle(value: string | null | undefined): boolean {
  if (value === null || value === undefined) return false
  const texts = value.startsWith('{') ? value.slice(1, -1).split(',') : [value]
  const known = texts.map((one) => one.replaceAll('"', ''))
  return known.some((one) => one !== '' && one !== 'NULL' && !iso.test(one))
}

/** JSON has dates in the ISO style always. */
const text = (cast: string) => `replace(to_json(${cast}) #>> '{}', 'T', ' ')`

const inArray = (cast: string) =>
  `(select array_agg(${text(cast)} order by i)::text from unnest(v::text[]) with ordinality e (v, i))`

async function rewritten(
  client: Client,
  texts: readonly string[],
  expression: string,
): Promise<readonly (string | null)[]> {
  if (texts.length === 0) return []
  const value = expression.startsWith('(') ? expression : text(expression)
  const { rows } = await client.query<{ value: string | null }>(
    `select ${value} as value from unnest($1::text[]) with ordinality given (v, n) order by n`,
    [texts],
  )
  return rows.map((row) => row.value)
}
