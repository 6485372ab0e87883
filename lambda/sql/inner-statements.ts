import { stringText } from './constant-text.ts'
import { scan, type Token } from './scanner.ts'

/** A statement inside another one: its text from its first token on. */
export interface InnerStatement {
  /** What the places of the tokens count in. */
  readonly sql: string
  readonly tokens: readonly Token[]
}

/** What comes before a statement in PL/pgSQL. */
const STARTS_AFTER = new Set([';', 'begin', 'then', 'else', 'loop', '>'])

/**
 * The statements that a `do` block of PL/pgSQL carries out, as far as its text shows them: those of its body, and those
 * in constants that it executes. What a function does that it calls is not seen.
 */
export function* innerStatements(sql: string, tokens: readonly Token[]): Generator<InnerStatement> {
  const language = tokens.findIndex(({ text }) => text === 'language')
  const named = language < 0 ? undefined : tokens[language + 1]
  if (named !== undefined && named.text !== 'plpgsql' && named.kind !== 'name') return
  const body = tokens.find((token) => token.kind === 'string')
  const text = body && stringText(sql, body)
  if (text === undefined) return
  yield* statementsIn(text)
}

function* statementsIn(sql: string): Generator<InnerStatement> {
  const tokens = tokensOf(sql)
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1]?.text
    if (before === undefined || STARTS_AFTER.has(before))
      yield { sql, tokens: statement(tokens, index) }
    const isExecuted =
      token.kind === 'string' &&
      (before === 'execute' || (before === '(' && tokens[index - 3]?.text === 'execute'))
    const executed = isExecuted ? stringText(sql, token) : undefined
    if (executed !== undefined) yield* statementsIn(executed)
  }
}

function statement(tokens: readonly Token[], from: number): Token[] {
  const end = tokens.findIndex(({ text }, index) => index > from && text === ';')
  return tokens.slice(from, end < 0 ? undefined : end)
}

/** None for a text that is no SQL. */
function tokensOf(sql: string): Token[] {
  try {
    return [...scan(sql)]
  } catch {
    return []
  }
}
