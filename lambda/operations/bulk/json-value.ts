import { Json, jsonText } from '../../sql/json-text.ts'
import { invalidValue, noForm, PgArray, requireText, textOf } from '../../sql/text-forms.ts'
import { isExpression } from '../arguments.ts'

const MAX_DEPTH = 100

/**
 * A column's value as JSON for `json_populate_recordset`, which gives it the column's type.
 *
 * What JSON has no form for is a string in PostgreSQL's own: `NaN`, dates, bytes. An array may be empty, because the
 * column says whether it is an SQL array or JSON.
 *
 * @throws CommandError for what has no one meaning, or what PostgreSQL cannot hold.
 */
export function jsonValue(value: unknown, depth = 0): string {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`
    case 'object':
      return value === null ? 'null' : objectJson(value, depth)
    case 'string':
      requireText(value)
      return JSON.stringify(value)
    case 'bigint':
    case 'boolean':
      return jsonText(value)
    case 'undefined':
    case 'function':
    case 'symbol':
      throw noForm(value, 'the value')
  }
}

/** `json(null)`: in the rows' JSON null is the SQL NULL, so the statement has to write it. */
export function isJsonNull(value: unknown): boolean {
  return value instanceof Json && value.text === 'null'
}

function objectJson(value: object, depth: number): string {
  if (value instanceof PgArray) return arrayJson(value.values, depth)
  if (Array.isArray(value)) return arrayJson(value, depth)
  if (value instanceof Date || value instanceof Uint8Array) return jsonText(textOf(value))
  if (!isExpression(value)) return jsonText(value)
  throw invalidValue(
    'the value is SQL, and rows hold data only: leave the column out to get its default, or write the statement with op.execute',
  )
}

function arrayJson(values: readonly unknown[], depth: number): string {
  if (depth === MAX_DEPTH) {
    throw invalidValue(
      `the value is an array nested more than ${MAX_DEPTH} deep, or contains itself`,
    )
  }
  const elements = Array.from(values, (value) => {
    if (!isJsonNull(value)) return jsonValue(value, depth + 1)
    throw invalidValue(
      'the value is an array that holds json(null), which would become the SQL NULL: pass the whole array as json([…]) for a JSON column, or write the statement with op.execute',
    )
  })
  return `[${elements.join(',')}]`
}
