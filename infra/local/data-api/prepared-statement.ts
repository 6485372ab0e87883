import { databaseError, validationError } from '../service-error.ts'
import type { BoundValues } from './bound-query.ts'
import { bindParameters, type WireParameter } from './parameters.ts'
import { isMultistatement, numberParameters } from './sql-text.ts'

export interface PreparedStatement {
  readonly text: string
  readonly sets: readonly BoundValues[]
}

/** Checks a statement and binds its parameter sets, before anything runs. */
export function prepareStatement(sql: string, sets: readonly unknown[]): PreparedStatement {
  const parameterSets = sets.map(parametersOf)
  // Without parameters the text is not looked into: `:name` in it reaches PostgreSQL.
  const parametrised = parameterSets.some(({ length }) => length > 0)
  const { text, names } = parametrised ? numbered(sql) : { text: sql, names: [] }
  if (isMultistatement(text)) throw validationError("Multistatements aren't supported")
  return { text, sets: parameterSets.map((parameters) => bindParameters(names, parameters)) }
}

function numbered(sql: string): { readonly text: string; readonly names: readonly string[] } {
  const statement = numberParameters(sql)
  // The service's answer to text that no scanner can read, such as a torn dollar quote.
  if (statement === undefined) throw databaseError('Database returned SQL Exception')
  return statement
}

function parametersOf(set: unknown): readonly WireParameter[] {
  const valid =
    Array.isArray(set) && set.every((entry) => typeof entry === 'object' && entry !== null)
  if (!valid) throw validationError('Parameters must be a list of objects with a name and a value')
  return set
}
