import * as v from 'valibot'
import { CommandError } from '../errors.ts'

const target = v.pipe(v.string(), v.trim(), v.nonEmpty())

/** What each command of the invoke event takes. */
const REQUESTS = {
  upgrade: v.strictObject({ command: v.literal('upgrade'), target: v.optional(target, 'heads') }),
  downgrade: v.strictObject({ command: v.literal('downgrade'), target }),
  stamp: v.strictObject({
    command: v.literal('stamp'),
    target: v.union([target, v.pipe(v.array(target), v.nonEmpty())]),
    purge: v.optional(v.boolean(), false),
  }),
  current: v.strictObject({ command: v.literal('current') }),
  history: v.strictObject({
    command: v.literal('history'),
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)), 50),
  }),
  heads: v.strictObject({ command: v.literal('heads') }),
} as const

type Requests = typeof REQUESTS
export type CommandName = keyof Requests
export type InvokeRequest = { [Name in CommandName]: v.InferOutput<Requests[Name]> }[CommandName]

/** Reads an invoke event; throws a {@link CommandError} that names the wrong key and lists what is allowed. */
export function parseRequest(event: unknown): InvokeRequest {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw refuse(`the event must be an object such as {"command":"upgrade"}`)
  }
  const { command } = event as { command?: unknown }
  if (typeof command !== 'string' || !Object.hasOwn(REQUESTS, command)) {
    const given =
      command === undefined ? 'the event has no command' : `unknown command ${show(command)}`
    throw refuse(`${given}: allowed are ${Object.keys(REQUESTS).join(', ')}`)
  }
  const schema = REQUESTS[command as CommandName]
  const parsed = v.safeParse(schema, event)
  if (parsed.success) return parsed.output
  const allowed = Object.keys(schema.entries).join(', ')
  const [issue] = parsed.issues
  const key = issue.path?.map((item) => String(item.key)).join('.') ?? ''
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    throw refuse(`${command} has no key '${key}': allowed are ${allowed}`)
  }
  if (issue.received === 'undefined') {
    throw refuse(`${command} needs '${key}', for example ${EXAMPLES[command as CommandName]}`)
  }
  throw refuse(
    `${command}: '${key}' is ${issue.received}, which is not allowed; for example ${EXAMPLES[command as CommandName]}`,
  )
}

const EXAMPLES: Record<CommandName, string> = {
  upgrade: '{"command":"upgrade","target":"heads"}',
  downgrade: '{"command":"downgrade","target":"-1"} ("base" takes everything back)',
  stamp: '{"command":"stamp","target":"heads","purge":false}',
  current: '{"command":"current"}',
  history: '{"command":"history","limit":50}',
  heads: '{"command":"heads"}',
}

function refuse(message: string): CommandError {
  return new CommandError('BadRequest', message)
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? String(value)
}
