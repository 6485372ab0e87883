import { type ArrayElements, arrayElements } from '../data-api/array-text.ts'
import { type Decode, decoderOf, type Row } from '../data-api/values.ts'
import { CommandError } from '../errors.ts'
import type { TextColumn, TextResult } from './result-text.ts'

/** The types whose values are not the text that PostgreSQL prints. */
const DECODED: ReadonlyMap<number, string> = new Map([
  [16, 'bool'],
  [17, 'bytea'],
  [20, 'int8'],
  [21, 'int2'],
  [23, 'int4'],
  [26, 'oid'],
  [114, 'json'],
  [700, 'float4'],
  [701, 'float8'],
  [1082, 'date'],
  [1083, 'time'],
  [1114, 'timestamp'],
  [1184, 'timestamptz'],
  [1700, 'numeric'],
  [3802, 'jsonb'],
])

/** Types for which node-postgres has objects of its own. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [600, 'point'],
  [718, 'circle'],
  [1186, 'interval'],
])

/**
 * The rows of a result whose values are text, as {@link decodeRows} gives them: those of a type that node-postgres gives
 * as text, too, are that text.
 *
 * @throws CommandError for a value that JavaScript cannot hold and for a type that node-postgres makes an object of its
 * own of, with the cast that reads it.
 */
export function decodeTexts({ columns, rows }: TextResult): Row[] {
  const decoders = columns.map(columnDecoder)
  return rows.map((row) =>
    // fromEntries, because `row[name] = …` would take a column called __proto__ for the prototype.
    Object.fromEntries(
      columns.map(({ name }, index) => [name, decoders[index]?.(row[index] ?? null)]),
    ),
  )
}

function columnDecoder({ name, type, element }: TextColumn): (text: string | null) => unknown {
  const refused = REFUSED.get(element ?? type)
  if (refused !== undefined) throw refusedType(name, refused, element === undefined ? '' : '[]')
  const decode = decoderOf(DECODED.get(element ?? type), { isElement: element !== undefined })
  if (element === undefined) return (text) => decoded(text, decode, name)
  return (text) => text && decodedArray(arrayElements(text), decode, name)
}

function decodedArray(
  elements: ArrayElements,
  decode: Decode | undefined,
  column: string,
): unknown[] {
  return elements.map((element) =>
    Array.isArray(element)
      ? decodedArray(element, decode, column)
      : decoded(element, decode, column),
  )
}

function decoded(text: string | null, decode: Decode | undefined, column: string): unknown {
  return text === null || decode === undefined ? text : decode(text, column)
}

function refusedType(column: string, type: string, array: string): CommandError {
  return new CommandError(
    'UnreadableValue',
    `the column ${JSON.stringify(column)} is of type ${type}${array}, for which JavaScript has no value: select it as text, with ::text${array}`,
  )
}
