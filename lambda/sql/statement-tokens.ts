import { CommandError } from '../errors.ts'
import { headOf } from './classification.ts'
import { lineAt, psqlCommandMessage, scan, type Token } from './scanner.ts'
import { type ScriptFault, scriptError } from './script-faults.ts'

/** Notes a place that has to change, or throws. */
export type Refuse = (fault: ScriptFault) => void

const refuseAtOnce: Refuse = (fault) => {
  throw scriptError([fault])
}

/** The tokens of each statement. What is no SQL is given to `refuse`, and skipped. */
export function* statementsOf(script: string, refuse: Refuse = refuseAtOnce): Generator<Token[]> {
  let tokens: Token[] = []
  let parentheses = 0
  let blocks = 0
  let scanned = scan(script, { commands: true })
  for (let next = scanned.next(); !next.done; next = scanned.next()) {
    const token = next.value
    const isCommand = token.kind === 'command'
    if (isCommand) refuse(psqlCommand(script, token))
    if (isCommand || (token.text === ';' && parentheses === 0 && blocks === 0)) {
      const copy = copyOf(tokens)
      if (copy) refuse(copyFault(script, tokens))
      else if (tokens.length > 0) yield tokens
      if (copy === 'from stdin')
        scanned = scan(script, { from: endOfData(script, token.end), commands: true })
      tokens = []
      parentheses = 0
      blocks = 0
      continue
    }
    if (token.text === '(') parentheses++
    if (token.text === ')' && parentheses > 0) parentheses--
    if (token.kind === 'word') blocks += blockChange(token, tokens, blocks)
    tokens.push(token)
  }
  if (copyOf(tokens)) refuse(copyFault(script, tokens))
  else if (tokens.length > 0) yield tokens
}

const ROUTINE = /^create (or replace )?(function|procedure) /

/** `begin atomic` opens the body of a routine. The `end` that closes it stands where a statement begins. */
function blockChange(token: Token, before: readonly Token[], blocks: number): -1 | 0 | 1 {
  const previous = before.at(-1)?.text
  const isOpened = (text: string | undefined) =>
    text === 'atomic' && before.at(-2)?.text === 'begin'
  if (blocks === 0) {
    const opens = token.text === 'atomic' && previous === 'begin'
    return opens && ROUTINE.test(headOf(before)) ? 1 : 0
  }
  return token.text === 'end' && (previous === ';' || isOpened(previous)) ? -1 : 0
}

/** Whether a statement copies rows over the connection; its columns, or its query, are in parentheses. */
function copyOf(tokens: readonly Token[]): 'from stdin' | 'to stdout' | undefined {
  if (tokens[0]?.text !== 'copy') return undefined
  let depth = 0
  for (const [index, { text }] of tokens.entries()) {
    if (text === '(') depth++
    if (text === ')') depth--
    const next = tokens[index + 1]?.text
    if (depth === 0 && text === 'from' && next === 'stdin') return 'from stdin'
    if (depth === 0 && text === 'to' && next === 'stdout') return 'to stdout'
  }
  return undefined
}

function copyFault(script: string, tokens: readonly Token[]): ScriptFault {
  return {
    kind: 'CopyNotAllowed',
    line: lineAt(script, extent(tokens).start),
    message:
      'copy from stdin and copy to stdout need a connection of their own, which the Data API has not: use op.bulkInsert, or insert statements (pg_dump --inserts)',
  }
}

/** Where the data ends that follows `copy … from stdin;`: after the line `\\.`. */
function endOfData(script: string, from: number): number {
  const end = /^\\\.[ \t]*$/gm
  end.lastIndex = from
  return end.exec(script) ? end.lastIndex : script.length
}

function psqlCommand(script: string, { start }: Token): ScriptFault {
  const message = psqlCommandMessage(script, start)
  return { kind: 'PsqlCommand', line: lineAt(script, start), message }
}

/** The tokens of a text that is one statement. */
export function onlyStatement(sql: string): Token[] {
  const [first, second] = statementsOf(sql)
  if (first === undefined) {
    throw new CommandError(
      'EmptyStatement',
      'a statement is empty, or only a comment: write one SQL statement, or leave the call out',
    )
  }
  if (second === undefined) return first
  throw new CommandError(
    'SeveralStatements',
    `a second statement begins on line ${lineAt(sql, extent(second).start)}, and the Data API takes one per call: use op.executeScript for several`,
  )
}

/** From where to where they stand in the text. */
export function extent(tokens: readonly Token[]): { start: number; end: number } {
  return { start: tokens[0]?.start ?? 0, end: tokens.at(-1)?.end ?? 0 }
}

/** The first words of a statement. What follows may be a value. */
export function shownHead(sql: string, tokens: readonly Token[]): string {
  const [first, second] = tokens
  const words = second?.kind === 'word' || second?.kind === 'name' ? [first, second] : [first]
  const { start, end } = extent(words.filter((token) => token !== undefined))
  return sql.slice(start, end).replace(/\s+/g, ' ')
}
