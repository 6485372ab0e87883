import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { scan } from './scanner.ts'

/** The statement with each `:name` of a parameter replaced by what `write` makes of it. */
export function withoutParameters(
  sql: string,
  parameters: readonly SqlParameter[],
  write: (parameter: SqlParameter, index: number) => string,
): string {
  if (parameters.length === 0) return sql
  const texts = new Map(parameters.map((parameter, i) => [parameter.name, write(parameter, i)]))
  const tokens = [...scan(sql)]
  let written = ''
  let from = 0
  for (const [i, { text, start }] of tokens.entries()) {
    const name = tokens[i + 1]
    const isCast = tokens[i - 1]?.text === ':' && tokens[i - 1]?.end === start
    if (text !== ':' || isCast || name?.kind !== 'word' || name.start !== start + 1) continue
    const value = texts.get(sql.slice(name.start, name.end))
    if (value === undefined) continue
    written += sql.slice(from, start) + value
    from = name.end
  }
  return written + sql.slice(from)
}
