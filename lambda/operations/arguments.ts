import { inspect } from 'node:util'
import type { ColumnDataType, Expression } from 'kysely'
import { CommandError } from '../errors.ts'
import { identifierText, qualifiedName } from '../sql/literals.ts'

// Revisions are bundled without a type check, so what TypeScript would refuse can get here.

/** The type of a column: one that Kysely knows, or any other as sql`…`. */
export type ColumnType = ColumnDataType | Expression<unknown>

/** What may stand where a column's type is asked for. */
export const COLUMN_TYPES =
  "a type that Kysely knows, such as 'integer', 'text', 'numeric(20, 4)' or 'timestamptz', or any other as sql`…`"

/** A table's name, or `schema.name`. */
export function tableName(value: unknown, argument = 'table'): string {
  const name = text(value, argument, "the name of a table, as in 'players' or 'stats.players'")
  // Kysely would drop what stands after a second dot.
  qualifiedName(name)
  return name
}

/** A name that is taken as it is: of a column, a constraint, an index method. */
export function simpleName(value: unknown, argument: string): string {
  const name = text(value, argument, 'a name')
  identifierText(name)
  return name
}

/** The name of something that lives in the schema of its table, whatever its own name says. */
export function unqualifiedName(value: unknown, argument: string, fix: string): string {
  const name = simpleName(value, argument)
  if (name.includes('.')) throw invalidArgument(argument, value, `a name without schema: ${fix}`)
  return name
}

/** At least one element, each checked by `element`. */
export function listOf<T>(
  value: unknown,
  argument: string,
  element: (value: unknown, argument: string) => T,
): T[] {
  if (!Array.isArray(value)) throw invalidArgument(argument, value, 'an array')
  if (value.length === 0)
    throw invalidArgument(argument, value, 'an array with at least one element')
  return Array.from(value, (item: unknown, index) => element(item, `${argument}[${index}]`))
}

/** SQL written with the `sql` template. */
export function sqlExpression(value: unknown, argument: string): Expression<unknown> {
  if (isExpression(value)) return value
  throw invalidArgument(argument, value, 'SQL, written as sql`…`')
}

/** Whether a value is SQL (a `sql` template or a Kysely builder) and no data. */
export function isExpression(value: unknown): value is Expression<unknown> {
  return typeof value === 'object' && value !== null && 'toOperationNode' in value
}

/** One of a few words. */
export function oneOf<T extends string>(
  value: unknown,
  argument: string,
  allowed: readonly T[],
): T {
  const found = allowed.find((word) => word === value)
  if (found !== undefined) return found
  throw invalidArgument(argument, value, allowed.map((word) => `'${word}'`).join(', '))
}

/** A text that PostgreSQL keeps, or null. */
export function textOrNull(value: unknown, argument: string): string | null {
  if (typeof value === 'string' || value === null) return value
  throw invalidArgument(argument, value, 'a string')
}

/** The last argument, of which no key may be misspelt. */
export function optionsOf<T extends object>(value: T, allowed: readonly (keyof T & string)[]): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isExpression(value)) {
    throw invalidArgument('the last argument', value, `an object of options: ${allowed.join(', ')}`)
  }
  const unknown = Object.keys(value).find((key) => !allowed.some((known) => known === key))
  if (unknown === undefined) return value
  throw invalidArgument('option', unknown, allowed.map((key) => `'${key}'`).join(', '))
}

/** The error for an argument that cannot be what it is; the call puts the method before it. */
export function invalidArgument(argument: string, value: unknown, allowed: string): CommandError {
  const shown = inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
  return new CommandError(
    'InvalidArgument',
    `${argument} is ${shown.slice(0, 100)}: pass ${allowed}`,
  )
}

function text(value: unknown, argument: string, allowed: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value
  throw invalidArgument(argument, value, allowed)
}
