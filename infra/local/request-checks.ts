import { ServiceError, validationError } from './service-error.ts'

export const longestTransactionId = 192

/** A request body: an object of which nothing else has been checked. */
export type WireRequest = Readonly<Record<string, unknown>>

/** Parses a body; integers beyond 2^53 in `longValue` come out as their digits. */
export function parseBody(body: string): WireRequest {
  let parsed: unknown
  try {
    parsed = /"longValue"\s*:\s*-?\d{16}/.test(body)
      ? JSON.parse(body, exactLong as Reviver)
      : JSON.parse(body)
  } catch {
    throw new ServiceError('SerializationException', 400, 'The request body is not valid JSON')
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
    return parsed as WireRequest
  }
  throw new ServiceError('SerializationException', 400, 'The request body is not a JSON object')
}

type Reviver = (key: string, value: unknown) => unknown

function exactLong(key: string, value: unknown, context: { source?: string }): unknown {
  if (key !== 'longValue' || typeof value !== 'number') return value
  return Number.isSafeInteger(value) ? value : context.source
}

export function requiredString(request: WireRequest, member: string, longest: number): string {
  const value = optionalString(request, member, longest)
  if (value !== undefined) return value
  throw constraintError(member, 'Member must not be null')
}

export function optionalString(
  request: WireRequest,
  member: string,
  longest: number,
): string | undefined {
  const value = request[member] ?? undefined
  if (value === undefined) return undefined
  if (typeof value !== 'string') {
    throw new ServiceError('SerializationException', 400, `${member} is not a string`)
  }
  if (value.length <= longest) return value
  throw constraintError(member, `Member must have length less than or equal to ${longest}`)
}

const arnLength = { shortest: 11, longest: 570 }

/** The member of a request that names a cluster or a secret. */
export function requiredArn(request: WireRequest, member: string): string {
  const value = requiredString(request, member, arnLength.longest)
  if (value.length >= arnLength.shortest) return value
  const least = `Member must have length greater than or equal to ${arnLength.shortest}`
  throw constraintError(member, least)
}

export function flag(request: WireRequest, member: string): boolean {
  const value = request[member] ?? false
  if (typeof value === 'boolean') return value
  throw new ServiceError('SerializationException', 400, `${member} is not a boolean`)
}

/** One of the given words, or the first of them when the member is absent. */
export function oneOf<Word extends string>(
  request: WireRequest,
  member: string,
  words: readonly [Word, ...Word[]],
): Word {
  const value = request[member] ?? words[0]
  const word = words.find((candidate) => candidate === value)
  if (word !== undefined) return word
  throw constraintError(member, `Member must satisfy enum value set: [${words.join(', ')}]`)
}

export function list(request: WireRequest, member: string): readonly unknown[] {
  const value = request[member] ?? []
  if (Array.isArray(value)) return value
  throw new ServiceError('SerializationException', 400, `${member} is not a list`)
}

export function object(request: WireRequest, member: string): WireRequest {
  const value = request[member] ?? {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as WireRequest
  throw new ServiceError('SerializationException', 400, `${member} is not an object`)
}

export function sqlOf(request: WireRequest, longest: number): string {
  const sql = requiredString(request, 'sql', Number.POSITIVE_INFINITY)
  // Counted in UTF-16 units: the strictest of the readings of "characters".
  if (sql.length > longest) {
    throw validationError(`Number of characters in SQLStatement is longer than ${longest}`)
  }
  if (sql.includes('\0')) throw validationError('The SQL statement contains a NUL character')
  return sql
}

export function refuseSchema(request: WireRequest): void {
  if (request.schema === undefined || request.schema === null) return
  throw validationError("The schema parameter isn't supported")
}

function constraintError(member: string, constraint: string): ServiceError {
  return validationError(
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}
