import { CommandError } from '../errors.ts'
import { Json } from './json-text.ts'
import { noForm, PgArray, requireText, textOf } from './text-forms.ts'
import { textFault } from './unicode.ts'

/**
 * Writes a value as one PostgreSQL constant with a space before it.
 *
 * Strings, dates, bytes, arrays and objects have no type until PostgreSQL sees where they stand, as with psycopg2.
 * The constant is the same whatever `standard_conforming_strings` says, holds no `:name` for the Data API to find, and
 * a negative number cannot become a comment (`-${-1}`). Whether it was put inside quotes or a comment is for
 * `refuseTornLiterals` of `torn-literals.ts` to see.
 *
 * @example literal("it's") // " 'it''s'"
 * @throws CommandError for a value that has no one meaning (undefined, an empty array, a class instance), or that
 * PostgreSQL cannot hold (a NUL character, half a surrogate pair, an invalid Date).
 */
export function literal(value: unknown): string {
  return ` ${constant(value)}`
}

/**
 * Marks an array as a PostgreSQL array. Needed for an empty one, which could as well be JSON, and where Kysely takes
 * a bare array for a list: `where('tags', '=', pgArray(['a']))`.
 */
export function pgArray(values: readonly unknown[]): PgArray {
  return new PgArray(values)
}

/**
 * Marks a value as JSON, for `json` and `jsonb` columns: `json([])`, `json('text')`, `json(null)` (the JSON null).
 *
 * @throws CommandError for what JSON or PostgreSQL cannot hold: NaN, a missing array element, a cycle, a NUL character.
 */
export function json(value: unknown): Json {
  return new Json(value)
}

function constant(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return String(value)
    case 'bigint':
      return numeric(value)
    case 'number':
      return Number.isFinite(value) ? numeric(value) : `'${value}'`
    case 'string':
      return quoted(value)
    case 'object':
      return value === null ? 'null' : quoted(textOf(value))
    case 'undefined':
    case 'function':
    case 'symbol':
      throw noForm(value, 'a value')
  }
}

// Right after the user's own minus sign another would begin a comment: pgjdbc's CVE-2024-1597.
function numeric(value: number | bigint): string {
  return value < 0 ? `(${value})` : String(value)
}

const ESCAPES: Readonly<Record<string, string>> = { "'": "''", '\\': '\\\\', ':': '\\x3a' }

function quoted(text: string): string {
  requireText(text)
  // Only E'…' reads a backslash the same way whatever standard_conforming_strings says; and a colon written as \x3a
  // can never begin what the Data API takes for a named parameter.
  return /[\\:]/.test(text)
    ? `E'${text.replace(/['\\:]/g, (character) => ESCAPES[character] ?? character)}'`
    : `'${text.replaceAll("'", "''")}'`
}

/** A table, index or type: its name, or `schema.name` as Kysely reads it; as an object both parts are taken as they are. */
export type QualifiedName = string | { readonly schema?: string | undefined; readonly name: string }

// PostgreSQL cuts a longer name off and says so only in a notice, which the Data API does not pass on.
const MAX_NAME_BYTES = 63

/**
 * The text of a name as it stands between double quotes.
 *
 * @throws CommandError for a name that PostgreSQL cannot hold: empty, over 63 bytes, with a NUL character.
 */
export function identifierText(name: string): string {
  const shown = JSON.stringify(name.slice(0, 80))
  if (name === '') throw invalidName('a name is empty: it needs at least one character')
  const fault = textFault(name)
  if (fault?.kind === 'NUL') throw invalidName(`the name ${shown} has a NUL character: remove it`)
  if (fault) throw invalidName(`the name ${shown} has half of a surrogate pair in it: remove it`)
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_NAME_BYTES) {
    throw invalidName(
      `the name ${shown} has ${bytes} bytes and PostgreSQL keeps ${MAX_NAME_BYTES}: shorten it`,
    )
  }
  return name.replaceAll('"', '""')
}

/** A name in double quotes: `identifier('say "hi"')` is `"say ""hi"""`. Throws as {@link identifierText} does. */
export function identifier(name: string): string {
  return `"${identifierText(name)}"`
}

/**
 * A name with or without its schema, in double quotes.
 *
 * As in Kysely, a dot in a string separates the schema, and spaces around it do not count;
 * a name that has a dot in it is passed as `{ name }`.
 *
 * @throws CommandError for more than one dot, and as {@link identifierText} does.
 */
export function qualifiedName(name: QualifiedName): string {
  const parts = typeof name === 'string' ? partsOf(name) : [name.schema, name.name]
  return parts
    .filter((part) => part !== undefined)
    .map(identifier)
    .join('.')
}

function partsOf(name: string): string[] {
  const parts = name.split('.')
  if (parts.length === 1) return parts
  if (parts.length === 2) return parts.map((part) => part.trim())
  throw invalidName(
    `the name ${JSON.stringify(name.slice(0, 80))} has ${parts.length - 1} dots and may have one, as in 'schema.name': pass { schema, name } for a name with dots in it`,
  )
}

function invalidName(message: string): CommandError {
  return new CommandError('InvalidName', message)
}
