import { inspect, types } from 'node:util'

/** A value was thrown that is no sound `Error`; its message shows the value. */
class ThrownValue extends Error {
  override readonly name = 'ThrownValue'
}

/** What was thrown, as an `Error` that can be read without surprises. A sound `Error` stays itself. */
export function asError(thrown: unknown): Error {
  return isSound(thrown) ? thrown : new ThrownValue(messageOf(thrown))
}

/** What a thrown value says, in a text that is never empty. JavaScript can throw anything, so reading it may throw, too. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === 'string' && thrown.trim() !== '') return thrown
  try {
    const { message, name } = Object(thrown) as { message?: unknown; name?: unknown }
    if (typeof message === 'string' && message.trim() !== '') return message
    if (thrown instanceof Error && typeof name === 'string' && name !== '') return name
  } catch {
    // What Node shows of it is better than nothing.
  }
  return inspected(thrown)
}

/** How many errors of a chain are looked at: a cause may lead back to the error it caused. */
const MOST_CAUSES = 50

/** The error and its causes, outermost first. It ends at the first that is no `Error`, or cannot be read. */
export function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = []
  let cause = error
  while (causes.length < MOST_CAUSES && isSound(cause)) {
    causes.push(cause)
    try {
      cause = cause.cause
    } catch {
      break
    }
  }
  return causes
}

function isSound(thrown: unknown): thrown is Error {
  try {
    const isError = !types.isProxy(thrown) && thrown instanceof Error
    return isError && typeof thrown.message === 'string'
  } catch {
    return false
  }
}

const SHOWN_CHARACTERS = 200
const ONE_LINE = { depth: 1, compact: true, breakLength: Number.POSITIVE_INFINITY }

/** The first line of what Node shows of a value. No getter runs, and a proxy shows what is behind it. */
function inspected(value: unknown): string {
  try {
    const [line = ''] = inspect(value, { ...ONE_LINE, customInspect: false }).split('\n')
    return line.slice(0, SHOWN_CHARACTERS)
  } catch {
    return 'a value that cannot be shown'
  }
}
