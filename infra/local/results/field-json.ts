import { unsupportedResult } from '../service-error.ts'
import { arrayElements } from './array-elements.ts'
import { compactJson } from './compact-json.ts'
import { dateText, timestampText, timeText } from './date-time-text.ts'
import type { FieldKind, ResultType } from './result-types.ts'

/** How the caller wants 64-bit integers and numerics; the service's defaults. */
export interface ResultSetOptions {
  readonly longReturnType: 'LONG' | 'STRING'
  readonly decimalReturnType: 'STRING' | 'DOUBLE_OR_LONG'
}

/** The JSON of one value inside a Field member, and the member it belongs to. */
export interface FieldContent {
  readonly member: 'booleanValue' | 'longValue' | 'doubleValue' | 'stringValue' | 'blobValue'
  /** Written by hand, because a JavaScript number would lose digits of a 64-bit one. */
  readonly json: string
}

/** Writes one column value as the JSON of a Field. */
export function fieldJson(
  text: string | null,
  type: ResultType,
  options: ResultSetOptions,
): string {
  if (text === null) return '{"isNull":true}'
  if (type.element !== undefined) {
    const { member, list } = arrayList(text, type, type.element, options)
    return `{"arrayValue":{"${member}":${list}}}`
  }
  const { member, json } = fieldContent(text, type.kind, options)
  return `{"${member}":${json}}`
}

/** The value alone, for `formatRecordsAs: JSON`. */
export function plainJson(
  text: string | null,
  type: ResultType,
  options: ResultSetOptions,
): string {
  if (text === null) return 'null'
  if (type.element !== undefined) return arrayList(text, type, type.element, options).list
  return fieldContent(text, type.kind, options).json
}

/** Decodes the text PostgreSQL sent for a value that is neither NULL nor an array. */
export function fieldContent(
  text: string,
  kind: FieldKind,
  options: ResultSetOptions,
): FieldContent {
  switch (kind) {
    case 'boolean':
      return { member: 'booleanValue', json: String(text === 't') }
    case 'long':
      if (options.longReturnType === 'STRING') return stringContent(text)
      return { member: 'longValue', json: text }
    case 'double':
      return { member: 'doubleValue', json: doubleJson(text) }
    case 'decimal':
      return decimalContent(text, options)
    case 'date':
      return stringContent(dateText(text))
    case 'time':
      return stringContent(timeText(text))
    case 'timestamp':
    case 'timestamptz':
      return stringContent(timestampText(text))
    case 'json':
      return stringContent(compactJson(text))
    case 'blob':
      return { member: 'blobValue', json: `"${blob(text).toString('base64')}"` }
    case 'string':
    case 'unsupported':
      return stringContent(text)
  }
}

function stringContent(text: string): FieldContent {
  return { member: 'stringValue', json: JSON.stringify(text) }
}

/** JSON has no NaN and no infinities: the protocol spells them as strings. */
function doubleJson(text: string): string {
  return Number.isFinite(Number(text)) ? text : `"${text}"`
}

function decimalContent(text: string, options: ResultSetOptions): FieldContent {
  if (options.decimalReturnType === 'STRING') return stringContent(text)
  const whole = /^-?\d+$/.test(text)
  if (whole && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) {
    return { member: 'longValue', json: text }
  }
  return { member: 'doubleValue', json: doubleJson(String(Number(text))) }
}

/** Text of a bytea, in either of its output styles. */
function blob(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex')
  const bytes = text.replace(/\\(\\|[0-3][0-7]{2})/g, (_, escaped: string) =>
    escaped === '\\' ? '\\' : String.fromCharCode(Number.parseInt(escaped, 8)),
  )
  return Buffer.from(bytes, 'latin1')
}

function arrayList(
  text: string,
  type: ResultType,
  element: FieldKind,
  options: ResultSetOptions,
): { readonly member: string; readonly list: string } {
  const elements = arrayElements(text)
  if (elements === undefined) {
    throw unsupportedResult(`The result contains the unsupported data type ${type.displayName}.`)
  }
  // An array of decimals stays text: its list can hold one kind of member only.
  const kind = element === 'decimal' ? 'string' : element
  const items = elements.map((item) =>
    item === null ? 'null' : fieldContent(item, kind, options).json,
  )
  return { member: arrayMember(kind, options), list: `[${items}]` }
}

/** The member is chosen by type and not by content, so that empty arrays have one as well. */
function arrayMember(kind: FieldKind, options: ResultSetOptions): string {
  if (kind === 'boolean') return 'booleanValues'
  if (kind === 'double') return 'doubleValues'
  if (kind === 'long' && options.longReturnType === 'LONG') return 'longValues'
  return 'stringValues'
}
