import { CommandError } from '../errors.ts'
import { refusalOf } from './refusals.ts'
import { lineAt, scan, type Token } from './scanner.ts'

/** A place of a script that has to change. */
export interface ScriptFault {
  readonly kind: string
  /** Undefined where the message names it. */
  readonly line: number | undefined
  readonly message: string
  /** The statement that does the same and is allowed, if there is one. */
  readonly instead?: string | undefined
}

const MOST_SHOWN = 40
const MOST_CHARACTERS = 120

/** The error for all that has to change in a script: what to write where, in one message. */
export function scriptError(faults: readonly [ScriptFault, ...ScriptFault[]]): CommandError {
  const [{ kind, line, message }, ...others] = faults
  if (others.length === 0) {
    return new CommandError(kind, line === undefined ? message : `line ${line}: ${message}`)
  }
  const lines = new Map<string, number[]>()
  for (const { line: at, message: text, instead } of faults) {
    const advice = instead === undefined ? text : `write ${shortened(instead)}`
    lines.set(advice, [...(lines.get(advice) ?? []), ...(at === undefined ? [] : [at])])
  }
  const shown = [...lines].slice(0, MOST_SHOWN).map(([advice, at]) => placed(advice, at))
  const more = lines.size > MOST_SHOWN ? `; and ${lines.size - MOST_SHOWN} more` : ''
  return new CommandError(
    kind,
    `${faults.length} places have to change, because the Data API shares its connections and takes SQL alone: ${shown.join('; ')}${more}`,
  )
}

function placed(advice: string, lines: readonly number[]): string {
  if (lines.length === 0) return advice
  return `line${lines.length > 1 ? 's' : ''} ${lines.join(', ')}: ${advice}`
}

function shortened(sql: string): string {
  const line = sql.replace(/\s+/g, ' ')
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line
}

/** The fault of a statement that a revision may not send, because of `refusal`. */
export function refusedStatement(
  script: string,
  tokens: readonly Token[],
  { kind, message }: CommandError,
): ScriptFault {
  const line = lineAt(script, tokens[0]?.start ?? 0)
  return { kind, line, message, instead: allowedForm(script, tokens) }
}

/** The statement with `local`, or with a `set_config` that ends with the transaction; undefined where that is refused, too. */
function allowedForm(script: string, tokens: readonly Token[]): string | undefined {
  const written = localForm(script, tokens)
  if (written === undefined) return undefined
  return refusalOf(written, [...scan(written)]) === undefined ? written : undefined
}

function localForm(script: string, tokens: readonly Token[]): string | undefined {
  const [first, second] = tokens
  const end = tokens.at(-1)?.end
  if (first === undefined || second === undefined) return undefined
  const from = ({ start }: Token) => script.slice(start, end)
  if (first.text === 'reset') return `SET LOCAL ${from(second)} TO DEFAULT`
  if (first.text === 'set') {
    const third = tokens[2]
    const isScope = second.text === 'session' && third?.text !== 'authorization'
    return `SET LOCAL ${from(isScope && third ? third : second)}`
  }
  const [last, close] = tokens.slice(-2)
  if (last?.text !== 'false' || close?.text !== ')') return undefined
  return `${script.slice(first.start, last.start)}true)`
}
