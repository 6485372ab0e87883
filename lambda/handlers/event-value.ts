/** A value of an event in an error message: as JSON, and not the whole of a long one. */
export function shown(value: unknown, characters = 80): string {
  const text = JSON.stringify(value)
  if (text === undefined) return 'missing'
  return text.length > characters ? `${text.slice(0, characters)}…` : text
}

/** The keys of an object; of anything else, none. */
export function keysOf(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Readonly<Record<string, unknown>>) : {}
}

/** The id of a request or job: what AWS makes is a UUID, and what is longer could not be kept in the history. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value)
}
