import { internalFailure } from '../service-error.ts'

/** Deeper nesting breaks the service's JSON parser. */
const depthLimit = 127

/** The digits of a number as they were written. */
class JsonNumber {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown

/**
 * Re-serialises JSON as the service does (its traits are those of Rust's serde_json): no spaces,
 * keys in byte order, integers of 64 bits exact, every other number the nearest double, and a
 * breakdown for a number no double can hold, a lone surrogate or very deep nesting.
 */
export function compactJson(text: string): string {
  const exact: SourceReviver = (_, value, { source }) =>
    typeof value === 'number' && source !== undefined ? new JsonNumber(source) : value
  return write(parse(text, exact), 0)
}

function parse(text: string, reviver: SourceReviver): unknown {
  try {
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown)
  } catch {
    // PostgreSQL has checked the syntax: only nesting too deep for the stack is left.
    throw internalFailure()
  }
}

function write(value: unknown, depth: number): string {
  if (value instanceof JsonNumber) return numberText(value.source)
  if (typeof value === 'string') return stringText(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (depth >= depthLimit) throw internalFailure()
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(',')}]`
  const members = Object.entries(value)
    .map(([key, item]) => ({
      key: Buffer.from(key),
      text: `${stringText(key)}:${write(item, depth + 1)}`,
    }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
  return `{${members.map(({ text }) => text).join(',')}}`
}

function stringText(value: string): string {
  if (!value.isWellFormed()) throw internalFailure()
  return JSON.stringify(value)
}

function numberText(source: string): string {
  if (/^-?\d+$/.test(source) && source !== '-0') {
    const integer = BigInt(source)
    if (integer >= -(2n ** 63n) && integer < 2n ** 64n) return String(integer)
  }
  const number = Number(source)
  if (!Number.isFinite(number)) throw internalFailure()
  return doubleText(number)
}

/** Shortest digits like JavaScript's, but laid out as Rust prints a double in JSON. */
function doubleText(number: number): string {
  if (number === 0) return Object.is(number, -0) ? '-0.0' : '0.0'
  const [mantissa = '', power = '0'] = number.toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -5 || exponent >= 16) return `${mantissa}e${exponent}`
  const plain = String(number)
  return plain.includes('.') ? plain : `${plain}.0`
}
