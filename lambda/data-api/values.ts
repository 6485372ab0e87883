import type {
  ArrayValue,
  ColumnMetadata,
  Field,
  ResultSetOptions,
  SqlParameter,
} from '@aws-sdk/client-rds-data'
import { CommandError } from '../errors.ts'
import { isExactInResult, isExactNumber, parseExactJson } from '../sql/exact-numbers.ts'
import type { DataApiResult, DataApiStatement } from './data-api.ts'

/** One row of a result, by column name. */
export type Row = Record<string, unknown>

/**
 * What a call must ask for, beside `includeResultMetadata`, so that its rows can be decoded: as a JSON number an int8
 * loses the digits above 2^53 before anybody can see them.
 */
export const RESULT_OPTIONS = {
  decimalReturnType: 'STRING',
  longReturnType: 'STRING',
} as const satisfies ResultSetOptions

/** A statement whose rows are to be decoded. */
export function forRows(statement: DataApiStatement): DataApiStatement {
  return { ...statement, includeResultMetadata: true, resultSetOptions: RESULT_OPTIONS }
}

/** {@link forRows} of a text. */
export function asksForRows(
  sql: string,
  parameters: readonly SqlParameter[] = [],
): DataApiStatement {
  return forRows({ sql, ...(parameters.length > 0 && { parameters }) })
}

type Scalar = string | number | boolean | Uint8Array
/** What makes the value of a text, or of another form in which the service sends it. */
export type Decode = (value: Scalar, column: string) => unknown

/**
 * The rows of a result, with the values that node-postgres gives: int8 and numeric as strings, timestamptz as Date
 * (which ends at the millisecond), bytea as Buffer, JSON parsed, arrays as arrays.
 *
 * Three differences: `date`, `timestamp` and `time` stay the text that PostgreSQL prints, because a Date would need a
 * time zone that nobody gave; a value that would lose digits in JSON or in an array of int8 or numeric is refused; and
 * arrays of a type whose arrays node-postgres does not know (name, enums) are arrays here too.
 *
 * @throws CommandError for a value that JavaScript cannot hold, with the cast that reads it.
 */
export function decodeRows({
  records = [],
  columnMetadata,
}: Pick<DataApiResult, 'records' | 'columnMetadata'>): Row[] {
  if (records.length > 0 && columnMetadata === undefined) {
    throw new Error('a result came without column names: send includeResultMetadata with the call')
  }
  const columns = (columnMetadata ?? []).map(columnOf)
  return records.map((record) =>
    // fromEntries, because `row[name] = …` would take a column called __proto__ for the prototype.
    Object.fromEntries(
      columns.map(({ name, type }, index) => [name, decodeField(record[index], type, name)]),
    ),
  )
}

function columnOf({ label, name, typeName }: ColumnMetadata): { name: string; type: string } {
  return { name: label || name || '', type: typeName?.toLowerCase() ?? '' }
}

function decodeField(field: Field | undefined, type: string, column: string): unknown {
  if (field === undefined || field.isNull) return null
  if (field.arrayValue !== undefined)
    return decodeArray(field.arrayValue, elementType(type), column)
  const value = field.stringValue ?? field.longValue ?? field.doubleValue ?? field.booleanValue
  return decodeScalar(value ?? field.blobValue, DECODERS.get(type), column)
}

function decodeScalar(
  value: Scalar | null | undefined,
  decode: Decode | undefined,
  column: string,
): unknown {
  if (value === null || value === undefined) return null
  if (decode !== undefined) return decode(value, column)
  return value instanceof Uint8Array ? bytes(value) : value
}

const elementType = (type: string): string => type.replace(/^_|\[\]$/, '')

function decodeArray(array: ArrayValue, type: string, column: string): unknown[] {
  if (array.arrayValues !== undefined) {
    return array.arrayValues.map((inner: ArrayValue | null) =>
      inner === null ? null : decodeArray(inner, type, column),
    )
  }
  const values: readonly (Scalar | null)[] =
    array.stringValues ?? array.longValues ?? array.doubleValues ?? array.booleanValues ?? []
  const decode = decoderOf(type, { isElement: true })
  return values.map((value) => decodeScalar(value, decode, column))
}

/** How values of a type are read; undefined for those that stay as they come. */
export function decoderOf(
  type: string | undefined,
  { isElement }: { readonly isElement: boolean },
): Decode | undefined {
  if (type === undefined) return undefined
  return isElement && type === 'numeric' ? exactNumber : DECODERS.get(type)
}

// By name, because the field's kind cannot tell: with longReturnType STRING an int4 comes as text like an int8.
const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['bool', (value) => value === true || value === 't'],
  ['int2', Number],
  ['int4', Number],
  ['oid', Number],
  ['int8', exactDigits],
  ['numeric', String],
  ['float4', shortestFloat],
  ['float8', Number],
  ['json', exactJson],
  ['jsonb', exactJson],
  ['bytea', bytes],
  ['timestamptz', instant],
  ['timestamp', printedTime],
  ['time', printedTime],
  ['date', printedTime],
])

function exactDigits(value: Scalar, column: string): string {
  // Should the service not heed longReturnType, as it may in arrays.
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return String(value)
  throw unreadable(column, `an int8 near ${value}, which lost digits on its way`)
}

/** Node-postgres makes numbers of the elements of a numeric[]. */
function exactNumber(value: Scalar, column: string): number {
  const number = Number(value)
  if (typeof value !== 'string' || /^(NaN|-?Infinity)$/.test(value)) return number
  if (isExactNumber(value)) return number
  throw unreadable(column, `the numeric ${value}, which has more digits than a JavaScript number`)
}

function exactJson(value: Scalar, column: string): unknown {
  const refusal = (number: string) =>
    unreadable(
      column,
      `the JSON number ${number.slice(0, 80)}, which has more digits than a JavaScript number`,
    )
  return parseExactJson(String(value), refusal, isExactInResult)
}

/** A float4 may come widened to a double (0.1 as 0.10000000149011612); PostgreSQL prints the fewest digits that name it. */
function shortestFloat(value: Scalar): number {
  const number = Number(value)
  if (number === 0 || number !== Math.fround(number)) return number
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(number.toPrecision(digits))
    // Half-way to the next float4 PostgreSQL does not trust other readers to round as it does.
    const mirrored = 2 * short - number
    const halfWay = mirrored !== number && mirrored === Math.fround(mirrored)
    if (Math.fround(short) === number && !halfWay) return short
  }
  return Number(number.toPrecision(9))
}

function bytes(value: Scalar): unknown {
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
  return typeof value === 'string' && value.startsWith('\\x')
    ? Buffer.from(value.slice(2), 'hex')
    : value
}

const TIMESTAMP =
  /^([+-]?\d{4,6})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?)?( BC)?$/

/** PostgreSQL prints a timestamptz with the offset of the session; the service converts it to UTC and leaves that out. */
function instant(value: Scalar, column: string): Date | number {
  const text = String(value)
  if (text === 'infinity') return Number.POSITIVE_INFINITY
  if (text === '-infinity') return Number.NEGATIVE_INFINITY
  const [, year, month, day, hour, minute, second, fraction = '', sign, ...rest] =
    TIMESTAMP.exec(text) ?? []
  const [hours = 0, minutes = 0, seconds = 0, bc] = rest
  const ahead = sign === '-' ? -1 : 1
  const date = new Date(0)
  date.setUTCFullYear(bc ? 1 - Number(year) : Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(
    Number(hour) - ahead * Number(hours),
    Number(minute) - ahead * Number(minutes),
    Number(second) - ahead * Number(seconds),
    Number(fraction.padEnd(3, '0').slice(0, 3)),
  )
  if (!Number.isNaN(date.getTime())) return date
  throw unreadable(column, `the timestamptz ${text}, which is no JavaScript Date`)
}

/** As PostgreSQL prints it: the service pads a fraction of a second with zeros, and has signed years instead of BC. */
function printedTime(value: Scalar): string {
  return String(value)
    .replace(/(:\d\d)(?:\.0+|(\.\d*?)0+)$/, '$1$2')
    .replace(/^\+/, '')
    .replace(
      /^(?:-(\d{4,6})|0000)(-.*)$/,
      (_, year: string | undefined, rest: string) =>
        `${String(Number(year ?? 0) + 1).padStart(4, '0')}${rest} BC`,
    )
}

function unreadable(column: string, what: string): CommandError {
  return new CommandError(
    'UnreadableValue',
    `the column ${JSON.stringify(column)} holds ${what}: select it as text, with ::text (an array with ::text[])`,
  )
}
