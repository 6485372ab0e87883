const MAX_DEPTH = 50
/** The Dates that ISO 8601 and PostgreSQL write alike: years 1 to 9999. */
const FIRST_DATE = -62_135_596_800_000
const LAST_DATE = 253_402_300_799_999
const DATE_SIZE = 28

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const DELETE = 0x7f

/** A character that next to no text holds, and that JSON does not escape. */
export const SEPARATOR = '\x7f'

/**
 * How many bytes of a request a value takes: as JSON, within the JSON of the request, so that a quote takes four.
 *
 * Undefined for a value that `JSON.stringify` would not write as PostgreSQL has to get it: it loses something (NaN, a
 * bigint, bytes), or PostgreSQL refuses it (NUL, half of a surrogate pair); also for one that holds {@link SEPARATOR}.
 */
export function plainSize(value: unknown, depth = 0): number | undefined {
  if (typeof value === 'string') return stringSize(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value).length : undefined
  if (typeof value === 'boolean') return value ? 4 : 5
  if (value === null) return 4
  return typeof value === 'object' && depth <= MAX_DEPTH ? objectSize(value, depth) : undefined
}

/** How many bytes of a request a JSON text takes. */
export function jsonSize(json: string): number {
  let size = Buffer.byteLength(json)
  for (let i = 0; i < json.length; i += 1) {
    const code = json.charCodeAt(i)
    if (code === QUOTE || code === BACKSLASH) size += 1
  }
  return size
}

function objectSize(value: object, depth: number): number | undefined {
  if (value instanceof Date) {
    return value.getTime() >= FIRST_DATE && value.getTime() <= LAST_DATE ? DATE_SIZE : undefined
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Array.prototype) return arraySize(value as readonly unknown[], depth)
  return prototype === Object.prototype ? recordSize(value, depth) : undefined
}

function arraySize(values: readonly unknown[], depth: number): number | undefined {
  let size = 2 + Math.max(0, values.length - 1)
  // A hole in an array is undefined, here and in JSON.stringify's eyes.
  for (const value of values) {
    const inner = plainSize(value, depth + 1)
    if (inner === undefined) return undefined
    size += inner
  }
  return size
}

function recordSize(record: object, depth: number): number | undefined {
  let size = 1
  for (const key in record) {
    const name = stringSize(key)
    const inner = plainSize((record as Record<string, unknown>)[key], depth + 1)
    if (name === undefined || inner === undefined) return undefined
    size += name + inner + 2
  }
  return Math.max(2, size)
}

function stringSize(text: string): number | undefined {
  let size = text.length + 4
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code >= DELETE) {
      if (code === DELETE) return undefined
      size += code < 0x800 ? 1 : 2
      if (code < 0xd800 || code > 0xdfff) continue
      if (!isPair(code, text.charCodeAt(i + 1))) return undefined
      // Two units of two bytes each.
      i += 1
    } else if (code < SPACE) {
      if (code === 0) return undefined
      size += controlSize(code)
    } else if (code === QUOTE || code === BACKSLASH) {
      size += 3
    }
  }
  return size
}

function isPair(high: number, low: number): boolean {
  return high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff
}

/** What a control character takes beyond its own byte: `\\n`, or `\\u001f` for one without a letter. */
function controlSize(code: number): number {
  const hasLetter = code >= 0x08 && code <= 0x0d && code !== 0x0b
  return hasLetter ? 2 : 6
}
