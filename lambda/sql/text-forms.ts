import { CommandError } from '../errors.ts'
import { Json, jsonText } from './json-text.ts'
import { textFault } from './unicode.ts'

/** What `pgArray()` makes: written as a PostgreSQL array, even when it is empty. */
export class PgArray {
  readonly values: readonly unknown[]

  constructor(values: readonly unknown[]) {
    this.values = Object.freeze([...values])
    Object.freeze(this)
  }

  /** Inside JSON it is an array like any other. */
  toJSON(): readonly unknown[] {
    return this.values
  }
}

/**
 * The text that PostgreSQL reads as this value, before any quoting: dates in UTC, bytes in hexadecimal,
 * arrays as `{…}`, plain objects as JSON.
 *
 * @throws CommandError for a value that has no one meaning, or that PostgreSQL cannot hold.
 */
export function textOf(value: object): string {
  if (isArray(value)) return arrayText(value instanceof PgArray ? value.values : full(value))
  return scalarText(value) ?? jsonText(plain(value))
}

/** The text of what is one value to PostgreSQL; undefined for an object of any other kind. */
function scalarText(value: object): string | undefined {
  if (value instanceof Date) return dateText(value)
  if (value instanceof Uint8Array) return bytesText(value)
  if (value instanceof Json) return value.text
  return temporalText(value)
}

function bytesText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return `\\x${Buffer.from(buffer, byteOffset, byteLength).toString('hex')}`
}

// PostgreSQL's calendar begins on 24 November 4714 BC; it ends after JavaScript's.
const FIRST_INSTANT = Date.UTC(-4713, 10, 24)

function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) {
    throw invalidValue(
      "a Date is invalid (its time is NaN): check what it was made from, or pass null, or 'infinity' as a string",
    )
  }
  if (date.getTime() < FIRST_INSTANT) {
    throw invalidValue(
      `a Date is ${date.toISOString()}, before PostgreSQL's first, 4714-11-24 BC: pass '-infinity' as a string for "always"`,
    )
  }
  // PostgreSQL knows neither the signed six-digit years of ISO 8601 nor a year 0.
  const year = date.getUTCFullYear()
  const rest = date.toISOString().slice(-'-01-01T00:00:00.000Z'.length)
  return `${String(year > 0 ? year : 1 - year).padStart(4, '0')}${rest}${year > 0 ? '' : ' BC'}`
}

const TEMPORAL = /^Temporal\.(Instant|PlainDate|PlainTime|PlainDateTime)$/
const TEMPORAL_TEXT = /^((?!0000)\d{4}-\d\d-\d\d)?T?(\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?$/

function temporalText(value: object): string | undefined {
  const tag: unknown = Reflect.get(value, Symbol.toStringTag)
  if (typeof tag !== 'string' || !TEMPORAL.test(tag)) return undefined
  // The calendar is noted in brackets; the fields before it are those of the ISO calendar all the same.
  const text = String(value).replace(/\[.*$/, '')
  if (TEMPORAL_TEXT.test(text)) return text
  throw invalidValue(
    `a ${tag} is ${text.slice(0, 40)}, not within the years 0001 to 9999: pass what PostgreSQL should read as a string`,
  )
}

const MAX_DIMENSIONS = 6

function arrayText(values: readonly unknown[], dimension = 1): string {
  if (dimension > MAX_DIMENSIONS) {
    throw invalidValue(
      `an array is nested more than ${MAX_DIMENSIONS} deep, PostgreSQL's limit: pass it as json(…)`,
    )
  }
  const lengths = new Set(Array.from(values, (value) => (isArray(value) ? full(value).length : -1)))
  if (lengths.size > 1) {
    throw invalidValue(
      'an array holds arrays of different lengths, or arrays beside other values, and a PostgreSQL array is rectangular: pass it as json(…), or fill it up with null',
    )
  }
  return `{${Array.from(values, (value) => elementText(value, dimension)).join(',')}}`
}

function elementText(value: unknown, dimension: number): string {
  switch (typeof value) {
    case 'string':
      return elementInQuotes(value)
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object': {
      if (value === null) return 'NULL'
      if (isArray(value)) return arrayText(full(value), dimension + 1)
      const text = scalarText(value)
      if (text !== undefined) return elementInQuotes(text)
      plain(value)
      throw invalidValue(
        'an array holds a plain object, so it may be an SQL array or JSON: pass json([…]) for one JSON value, or [json({…}), …] for a json[] or jsonb[] column',
      )
    }
    case 'undefined':
    case 'function':
    case 'symbol':
      throw noForm(value, 'an array element')
  }
}

const elementInQuotes = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

const isArray = (value: unknown): value is readonly unknown[] | PgArray =>
  Array.isArray(value) || value instanceof PgArray

function full(array: readonly unknown[] | PgArray): readonly unknown[] {
  const values = array instanceof PgArray ? array.values : array
  if (values.length > 0) return values
  throw invalidValue(
    'an empty array may be an SQL array or JSON: pass pgArray([]) for the first, json([]) for the second',
  )
}

function plain(value: object): object {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return value
  if (value instanceof Promise) {
    throw invalidValue(
      "a value is a Promise, whose result is still to come: add the missing 'await'",
    )
  }
  throw invalidValue(
    `an object of class ${className(value)} has no SQL form: pass a string, number, bigint, boolean, null, Date, Uint8Array, array or plain object (String(value) or json(value) may be what you mean)`,
  )
}

function className(value: object): string {
  const maker: unknown = value.constructor
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'unknown'
}

/** @throws CommandError for a string that PostgreSQL text cannot hold. */
export function requireText(text: string): void {
  const fault = textFault(text)
  if (fault?.kind === 'NUL') {
    throw invalidValue(
      `a string has a NUL character at index ${fault.index}, which PostgreSQL text cannot hold: remove it, or store the bytes in a bytea column as a Uint8Array`,
    )
  }
  if (fault) {
    throw invalidValue(
      'a string has half of a surrogate pair in it (was it cut in the middle of a character?), which is not Unicode text: call toWellFormed() on it, or store the bytes as a Uint8Array',
    )
  }
}

/** The error for what is no value at all: undefined, a function, a symbol. */
export function noForm(value: unknown, what: string): CommandError {
  if (value === undefined) {
    return invalidValue(
      `${what} is undefined: pass null for NULL, or leave the column out (is a property misspelt?)`,
    )
  }
  return invalidValue(
    `${what} is a ${typeof value}, which has no SQL form: pass a string, number, bigint, boolean, null, Date, Uint8Array, array or plain object`,
  )
}

/** The error for a value that cannot be written. */
export function invalidValue(message: string): CommandError {
  return new CommandError('InvalidValue', message)
}
