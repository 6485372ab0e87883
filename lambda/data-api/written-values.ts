import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { literal } from './literals.ts'
import { scan } from './scanner.ts'

/** A statement with its parameters, which carry text such as bulk data, in their places as literals. */
export function withValues(sql: string, parameters: readonly SqlParameter[]): string {
  if (parameters.length === 0) return sql
  const values = new Map(parameters.map(({ name, value }) => [name, value?.stringValue]))
  const tokens = [...scan(sql)]
  let written = ''
  let from = 0
  for (const [i, { text, start }] of tokens.entries()) {
    const name = tokens[i + 1]
    const isCast = tokens[i - 1]?.text === ':' && tokens[i - 1]?.end === start
    if (text !== ':' || isCast || name?.kind !== 'word' || name.start !== start + 1) continue
    const value = values.get(sql.slice(name.start, name.end))
    if (value === undefined) continue
    written += sql.slice(from, start) + literal(value).trimStart()
    from = name.end
  }
  return written + sql.slice(from)
}
