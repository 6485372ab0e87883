import * as v from 'valibot'
import { TRANSACTION_MODES } from '../config.ts'
import { CommandError } from '../errors.ts'
import { shown } from './event-value.ts'

const text = v.pipe(v.string(), v.trim(), v.nonEmpty())
const off = v.optional(v.boolean(), false)

/** Who asked and the id of the run, for the history; default: the function's name and the id of the invocation. */
const identity = { who: v.optional(text), runId: v.optional(text) }

/** Default: the environment's. */
const transaction = v.optional(v.picklist(TRANSACTION_MODES))

/** What each command of the invoke event takes. `sql`: answer a script instead of running anything; `verbose`: with the stack of an error. */
const REQUESTS = {
  upgrade: v.strictObject({
    command: v.literal('upgrade'),
    target: v.optional(text, 'heads'),
    strict: off,
    fromScratch: off,
    transaction,
    sql: off,
    verbose: off,
    ...identity,
  }),
  downgrade: v.strictObject({
    command: v.literal('downgrade'),
    target: text,
    transaction,
    sql: off,
    verbose: off,
    ...identity,
  }),
  stamp: v.strictObject({
    command: v.literal('stamp'),
    target: v.union([text, v.pipe(v.array(text), v.nonEmpty())]),
    purge: off,
    sql: off,
    verbose: off,
    ...identity,
  }),
  current: v.strictObject({ command: v.literal('current') }),
  history: v.strictObject({
    command: v.literal('history'),
    range: v.optional(text, ':'),
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)), 50),
    database: v.optional(v.boolean(), true),
  }),
  heads: v.strictObject({ command: v.literal('heads') }),
  branches: v.strictObject({ command: v.literal('branches') }),
  show: v.strictObject({ command: v.literal('show'), target: text }),
  check: v.strictObject({ command: v.literal('check'), strict: off }),
  'ensure-version': v.strictObject({ command: v.literal('ensure-version'), sql: off }),
} as const

type Requests = typeof REQUESTS
export type CommandName = keyof Requests
export type InvokeRequest = { [Name in CommandName]: v.InferOutput<Requests[Name]> }[CommandName]
/** An event before its defaults are filled in. */
export type InvokeEvent = { [Name in CommandName]: v.InferInput<Requests[Name]> }[CommandName]

/** Reads an invoke event; throws a {@link CommandError} that names the wrong key and lists what is allowed. */
export function parseRequest(event: unknown): InvokeRequest {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw refuse(`the event must be an object such as {"command":"upgrade"}`)
  }
  const { command } = event as { command?: unknown }
  if (typeof command !== 'string' || !Object.hasOwn(REQUESTS, command)) {
    const given =
      command === undefined ? 'the event has no command' : `unknown command ${shown(command)}`
    throw refuse(`${given}: allowed are ${Object.keys(REQUESTS).join(', ')}`)
  }
  const parsed = v.safeParse(REQUESTS[command as CommandName], event)
  if (!parsed.success) throw wrongKey(command as CommandName, parsed.issues[0])
  refuseWithScript(parsed.output)
  return parsed.output
}

/** Whether a database has to be asked. */
export function needsDatabase(request: InvokeRequest): boolean {
  switch (request.command) {
    case 'heads':
    case 'branches':
      return false
    case 'show':
      return request.target === 'current'
    case 'history':
      return request.database || request.range.split(':').includes('current')
    case 'current':
    case 'check':
      return true
    default:
      return !request.sql
  }
}

function wrongKey(command: CommandName, issue: v.BaseIssue<unknown>): CommandError {
  const key = issue.path?.map((item) => String(item.key)).join('.') ?? ''
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const allowed = Object.keys(REQUESTS[command].entries).join(', ')
    return refuse(`${command} has no key '${key}': allowed are ${allowed}`)
  }
  if (issue.received === 'undefined') {
    return refuse(`${command} needs '${key}', for example ${EXAMPLES[command]}`)
  }
  return refuse(
    `${command}: '${key}' is ${issue.received}, which is not allowed; for example ${EXAMPLES[command]}`,
  )
}

const EXAMPLES: Record<CommandName, string> = {
  upgrade: '{"command":"upgrade","target":"heads"}',
  downgrade: '{"command":"downgrade","target":"-1"} ("base" takes everything back)',
  stamp: '{"command":"stamp","target":"heads","purge":false}',
  current: '{"command":"current"}',
  history: '{"command":"history","range":"base:heads","limit":50}',
  heads: '{"command":"heads"}',
  branches: '{"command":"branches"}',
  show: '{"command":"show","target":"head"}',
  check: '{"command":"check","strict":true}',
  'ensure-version': '{"command":"ensure-version"}',
}

/** What a script cannot do, because no database is asked for it. */
function refuseWithScript(request: InvokeRequest): void {
  if (!('sql' in request && request.sql)) return
  const refused = (['purge', 'strict', 'fromScratch', 'transaction'] as const).find((key) => {
    const value = (request as Readonly<Record<string, unknown>>)[key]
    return value === true || value === 'run'
  })
  if (refused === undefined) return
  throw refuse(`Can't use '${refused}' with 'sql': a script is written without a database`)
}

function refuse(message: string): CommandError {
  return new CommandError('BadRequest', message)
}
