import { CommandError } from '../errors.ts'
import { parseExactJson } from './exact-numbers.ts'
import { textFault } from './unicode.ts'

/** What `json()` makes: written as JSON text, whatever the value is. */
export class Json {
  readonly text: string

  constructor(value: unknown) {
    this.text = jsonText(value)
    Object.freeze(this)
  }

  /** Inside JSON it is the value it was made from. */
  toJSON(): unknown {
    return parseExactJson(this.text, (number) =>
      invalid(
        '$',
        `holds ${number}, which JSON.stringify() would round`,
        'call json() on the whole value',
      ),
    )
  }
}

/**
 * Writes a value as JSON that PostgreSQL takes, without the losses of `JSON.stringify`.
 *
 * A bigint keeps its digits, `toJSON()` is honoured, an undefined property is left out. Refused, with the path:
 * what `JSON.stringify` turns into null or `{}` without a word (NaN, undefined, Map, other classes), cycles, and the
 * characters that PostgreSQL refuses (NUL, half a surrogate pair).
 *
 * @throws CommandError
 */
export function jsonText(value: unknown): string {
  return write(value, '$', [])
}

function write(value: unknown, path: string, parents: readonly object[]): string {
  switch (typeof value) {
    case 'string':
      return text(value, path)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      if (Number.isFinite(value)) return String(value)
      throw invalid(path, `is ${value}`, 'pass null or a string')
    case 'object':
      return value === null ? 'null' : writeObject(value, path, parents)
    case 'undefined':
      throw invalid(path, 'is undefined', 'pass null, or leave it out')
    case 'function':
    case 'symbol':
      throw invalid(path, `is a ${typeof value}`, 'leave it out')
  }
}

function writeObject(value: object, path: string, parents: readonly object[]): string {
  if (value instanceof Json) return value.text
  if (parents.includes(value)) throw invalid(path, 'contains itself', 'pass a value without cycles')
  const inner = [...parents, value]
  if (Array.isArray(value)) {
    return `[${Array.from(value, (element, index) => write(element, `${path}[${index}]`, inner)).join(',')}]`
  }
  if (value instanceof Uint8Array) {
    throw invalid(path, 'is bytes', "pass text, such as Buffer.from(bytes).toString('base64')")
  }
  if (hasToJson(value)) return write(value.toJSON(), path, inner)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) {
    throw invalid(
      path,
      'is an object of a class without toJSON()',
      'pass a plain object or an array',
    )
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${text(key, path)}:${write(member, `${path}.${key}`, inner)}`)
  return `{${members.join(',')}}`
}

const hasToJson = (value: object): value is { toJSON(): unknown } =>
  'toJSON' in value && typeof value.toJSON === 'function'

function text(value: string, path: string): string {
  const fault = textFault(value)
  if (fault?.kind === 'NUL') {
    throw invalid(path, 'has a NUL character in it, which PostgreSQL cannot hold', 'remove it')
  }
  if (fault) {
    throw invalid(path, 'has half of a surrogate pair in it', 'call toWellFormed() on the string')
  }
  return JSON.stringify(value)
}

function invalid(path: string, what: string, fix: string): CommandError {
  return new CommandError(
    'InvalidValue',
    `a JSON value cannot be written: ${path.slice(0, 200)} ${what}; ${fix}`,
  )
}
