import { type ServiceError, validationError } from '../service-error.ts'
import type { BoundValues } from './bound-query.ts'

/** A parameter as it arrives; nothing about it has been checked yet. */
export interface WireParameter {
  readonly name?: unknown
  readonly value?: unknown
  readonly typeHint?: unknown
}

interface BoundValue {
  readonly type: number
  readonly value: string | Buffer | null
}

const oid = {
  undeclared: 0,
  bool: 16,
  bytea: 17,
  int8: 20,
  text: 25,
  float8: 701,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
}

/** Binds one set of parameters to the occurrences of their names in the text. */
export function bindParameters(
  occurrences: readonly string[],
  parameters: readonly WireParameter[],
): BoundValues {
  const byName = new Map<string, BoundValue>()
  for (const parameter of parameters) {
    const { name } = parameter
    if (typeof name !== 'string' || name === '') {
      throw validationError('A parameter has no name: give every entry of parameters a name')
    }
    if (byName.has(name)) throw validationError(`Parameter ${name} is given twice`)
    byName.set(name, bindValue(name, parameter))
  }
  const bound = occurrences.map((name) => {
    const value = byName.get(name)
    if (value !== undefined) return value
    throw validationError(`Parameter ${name} is in the SQL statement and was not sent`)
  })
  const used = new Set(occurrences)
  for (const name of byName.keys()) {
    if (!used.has(name)) {
      throw validationError(`Parameter ${name} was sent and is not in the SQL statement`)
    }
  }
  return { types: bound.map(({ type }) => type), values: bound.map(({ value }) => value) }
}

function bindValue(name: string, parameter: WireParameter): BoundValue {
  const members = Object.entries(parameter.value ?? {}).filter(([, value]) => value !== null)
  const [member, content] = members[0] ?? []
  if (members.length !== 1 || member === undefined) {
    throw validationError(`Parameter ${name} needs exactly one value member, not ${members.length}`)
  }
  if (member === 'arrayValue') throw validationError('Array parameters are not supported')
  if (member === 'isNull' && content === true) return { type: oid.undeclared, value: null }
  const hint = parameter.typeHint ?? undefined
  if (hint !== undefined) return bindHinted(name, hint, member, content)
  const bound = bindPlain(member, content)
  if (bound !== undefined) return bound
  throw validationError(`Parameter ${name} has the invalid value ${member}: ${short(content)}`)
}

function bindPlain(member: string, content: unknown): BoundValue | undefined {
  switch (member) {
    case 'stringValue':
      return typeof content === 'string' ? { type: oid.text, value: content } : undefined
    case 'longValue':
      return isInt8(content) ? { type: oid.int8, value: String(content) } : undefined
    case 'doubleValue':
      return isDouble(content) ? { type: oid.float8, value: String(content) } : undefined
    case 'booleanValue':
      return typeof content === 'boolean' ? { type: oid.bool, value: String(content) } : undefined
    case 'blobValue':
      return typeof content === 'string'
        ? { type: oid.bytea, value: Buffer.from(content, 'base64') }
        : undefined
    default:
      return undefined
  }
}

function isInt8(content: unknown): boolean {
  if (typeof content === 'number') return Number.isSafeInteger(content)
  // Long digits reach this point as text, so that none is lost.
  if (typeof content !== 'string' || !/^-?\d+$/.test(content)) return false
  return BigInt.asIntN(64, BigInt(content)) === BigInt(content)
}

function isDouble(content: unknown): boolean {
  return typeof content === 'number' || /^(?:NaN|-?Infinity)$/.test(String(content))
}

const time = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$/
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

interface TypeHint {
  readonly type: number
  readonly accepts: (text: string) => boolean
  readonly refusal: (text: string) => string
}

const unparsableTime = (text: string) => `Cannot parse date or time "${short(text)}"`

const hints: Readonly<Record<string, TypeHint>> = {
  DATE: { type: oid.date, accepts: isDate, refusal: unparsableTime },
  TIME: { type: oid.time, accepts: (text) => time.test(text), refusal: unparsableTime },
  TIMESTAMP: {
    type: oid.timestamp,
    accepts: (text) => isDate(text.slice(0, 10)) && text[10] === ' ' && time.test(text.slice(11)),
    refusal: unparsableTime,
  },
  DECIMAL: {
    type: oid.numeric,
    accepts: (text) => decimal.test(text),
    refusal: (text) => `Cannot parse decimal "${short(text)}"`,
  },
  UUID: {
    type: oid.uuid,
    accepts: (text) => uuid.test(text),
    refusal: (text) => `Cannot parse UUID "${short(text)}"`,
  },
  JSON: {
    type: oid.jsonb,
    accepts: isJson,
    refusal: (text) => `Cannot parse JSON "${short(text)}"`,
  },
}

function bindHinted(name: string, hint: unknown, member: string, content: unknown): BoundValue {
  const known = typeof hint === 'string' && Object.hasOwn(hints, hint) ? hints[hint] : undefined
  if (known === undefined) throw unknownHint(name, hint)
  if (member !== 'stringValue' || typeof content !== 'string') {
    throw validationError(
      `Parameter ${name} has type hint ${hint} on ${member}: send it as stringValue`,
    )
  }
  if (!known.accepts(content)) throw validationError(known.refusal(content))
  return { type: known.type, value: content }
}

function unknownHint(name: string, hint: unknown): ServiceError {
  return validationError(
    `Parameter ${name} has type hint ${short(hint)}: use one of ${Object.keys(hints).join(', ')}`,
  )
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(text)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
