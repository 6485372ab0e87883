import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { DataApiStatement } from '../data-api/data-api.ts'
import { scan, type Token } from './scanner.ts'

/** The statement with each `:name` of a parameter replaced by what `write` makes of it. */
export function withoutParameters(
  sql: string,
  parameters: readonly SqlParameter[],
  write: (parameter: SqlParameter, index: number) => string,
): string {
  if (parameters.length === 0) return sql
  const texts = new Map(parameters.map((parameter, i) => [parameter.name, write(parameter, i)]))
  return withNames(sql, (name) => texts.get(name))
}

/**
 * The statement as the service reads it rightly: with parameters, it takes every `:name` for one, also that of an array
 * slice (`a[1:n]`). So a space stands after the colon of what is no parameter.
 */
export function withPlainColons(statement: DataApiStatement): DataApiStatement {
  const { sql, parameters = [] } = statement
  if (parameters.length === 0) return statement
  const given = new Set(parameters.map(({ name }) => name))
  const isPlain = [...sql.matchAll(NAME_AFTER_COLON)].every(([, name]) => given.has(name))
  if (isPlain) return statement
  return {
    ...statement,
    sql: withNames(sql, (name) => (given.has(name) ? undefined : `: ${name}`)),
  }
}

/** In a string or comment as well: then the statement is read for sure. */
const NAME_AFTER_COLON = /(?<!:):([\w$\u0080-\uffff]+)/g

/** The statement with each `:name` replaced by what `write` makes of it; it stays where that is undefined. */
function withNames(sql: string, write: (name: string) => string | undefined): string {
  const tokens = [...scan(sql)]
  let written = ''
  let from = 0
  for (const [i, { text, start }] of tokens.entries()) {
    const name = tokens[i + 1]
    if (text !== ':' || isCast(tokens, i) || !isName(name) || name.start !== start + 1) continue
    const value = write(sql.slice(name.start, name.end))
    if (value === undefined) continue
    written += sql.slice(from, start) + value
    from = name.end
  }
  return written + sql.slice(from)
}

function isCast(tokens: readonly Token[], colon: number): boolean {
  const before = tokens[colon - 1]
  return before?.text === ':' && before.end === tokens[colon]?.start
}

function isName(token: Token | undefined): token is Token {
  return token?.kind === 'word' || token?.kind === 'number'
}
