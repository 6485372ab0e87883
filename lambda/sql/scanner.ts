import { CommandError } from '../errors.ts'
import { textFault } from './unicode.ts'

/** `word`: a keyword or an unquoted name; `name`: one in double quotes; `symbol`: `..`, or one character of anything else;
 * `command`: a psql command to the end of its line, see {@link scan}. */
export type TokenKind = 'word' | 'name' | 'string' | 'number' | 'parameter' | 'symbol' | 'command'

/** One token of SQL, from `start` up to but not including `end`. */
export interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
  /** A word in lower case, a symbol as it is; empty for every other kind. */
  readonly text: string
}

/**
 * The tokens of PostgreSQL text, with comments and white space left out; the rules are those of its scan.l, with
 * `standard_conforming_strings` on. String constants that a line break joins (`'a'⏎'b'`) are one token, as in PostgreSQL.
 *
 * @throws CommandError for a quote or comment that is never closed, for a psql command (`\d`), and for a character that no
 * PostgreSQL text holds.
 */
export function* scan(
  sql: string,
  { from = 0, commands = false }: ScanOptions = {},
): Generator<Token, void, undefined> {
  if (from === 0) refuseFault(sql)
  let at = skipBlank(sql, from === 0 && sql.startsWith('\uFEFF') ? 1 : from)
  while (at < sql.length) {
    const token = commands && sql[at] === '\\' ? commandToken(sql, at) : tokenAt(sql, at)
    yield token
    at = skipBlank(sql, token.end)
  }
}

interface ScanOptions {
  /** Where to begin. Default: 0. */
  readonly from?: number
  /** Gives psql commands as tokens. Default: false, they are refused. */
  readonly commands?: boolean
}

function commandToken(sql: string, start: number): Token {
  const length = sql.slice(start).search(/[\n\r]/)
  return { kind: 'command', start, end: length < 0 ? sql.length : start + length, text: '' }
}

// `\u0080-\uffff`: PostgreSQL takes every character beyond ASCII for a letter, be it a space to Unicode.
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const NUMBER = /(?:0[xXoObB]\w+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)/y
const NUMBER_START = /\.?\d/y
const PARAMETER = /\$\d+/y
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const QUOTE_PREFIX = /(?:[eE]|[bB]|[xX]|[uU]&)?(?=['"])/y

function tokenAt(sql: string, start: number): Token {
  const prefix = match(QUOTE_PREFIX, sql, start)
  if (prefix !== undefined) {
    const quote = sql[start + prefix.length] as '"' | "'"
    if (quote === "'") return stringToken(sql, start, prefix.toLowerCase())
    if (prefix === '' || prefix.endsWith('&')) {
      const end = closing(sql, start, start + prefix.length + 1, quote, 'doubled')
      return { kind: 'name', start, end, text: '' }
    }
  }
  const word = match(WORD, sql, start)
  if (word !== undefined) {
    return { kind: 'word', start, end: start + word.length, text: word.toLowerCase() }
  }
  if (match(NUMBER_START, sql, start) !== undefined) return numberToken(sql, start)
  if (sql[start] === '$') return dollarToken(sql, start)
  if (sql[start] === '\\') throw psqlCommand(sql, start)
  const text = sql.startsWith('..', start) ? '..' : (sql[start] ?? '')
  return { kind: 'symbol', start, end: start + text.length, text }
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(sql)?.[0]
}

function stringToken(sql: string, start: number, prefix: string): Token {
  const quoting =
    prefix === 'e' ? 'escaped' : prefix === 'b' || prefix === 'x' ? 'plain' : 'doubled'
  let end = closing(sql, start, start + prefix.length + 1, "'", quoting)
  for (;;) {
    const next = skipSpaceAndLineComments(sql, end)
    if (sql[next] !== "'" || !/[\n\r]/.test(sql.slice(end, next))) break
    end = closing(sql, start, next + 1, "'", quoting)
  }
  return { kind: 'string', start, end, text: '' }
}

/** Where a quoted part ends whose content begins at `at`. */
function closing(
  sql: string,
  start: number,
  at: number,
  quote: '"' | "'",
  quoting: 'plain' | 'doubled' | 'escaped',
): number {
  const stop = quoting === 'escaped' ? /['\\]/g : quote === '"' ? /"/g : /'/g
  stop.lastIndex = at
  for (let found = stop.exec(sql); found !== null; found = stop.exec(sql)) {
    const { index } = found
    if (found[0] === quote && (quoting === 'plain' || sql[index + 1] !== quote)) return index + 1
    stop.lastIndex = index + 2
  }
  throw torn(sql, start, quote === '"' ? 'a quoted name' : 'a string', quote)
}

function numberToken(sql: string, start: number): Token {
  const length = match(NUMBER, sql, start)?.length ?? 1
  // What touches a number is part of it: PostgreSQL refuses `1abc` as one token since version 15.
  const junk = match(WORD, sql, start + length)?.length ?? 0
  return { kind: 'number', start, end: start + length + junk, text: '' }
}

function dollarToken(sql: string, start: number): Token {
  const parameter = match(PARAMETER, sql, start)
  if (parameter !== undefined) {
    return { kind: 'parameter', start, end: start + parameter.length, text: '' }
  }
  const tag = match(DOLLAR_QUOTE, sql, start)
  if (tag === undefined) return { kind: 'symbol', start, end: start + 1, text: '$' }
  const close = sql.indexOf(tag, start + tag.length)
  if (close < 0) throw torn(sql, start, 'a dollar-quoted string', tag)
  return { kind: 'string', start, end: close + tag.length, text: '' }
}

/** Where the next token begins: after white space and comments of both kinds. */
function skipBlank(sql: string, from: number): number {
  let at = skipSpaceAndLineComments(sql, from)
  while (sql.startsWith('/*', at)) at = skipSpaceAndLineComments(sql, endOfComment(sql, at))
  return at
}

const SPACE = /[ \t\n\r\f\v]+/y
const LINE_COMMENT = /--[^\n\r]*/y

function skipSpaceAndLineComments(sql: string, from: number): number {
  let at = from
  for (;;) {
    const skipped = match(SPACE, sql, at) ?? match(LINE_COMMENT, sql, at)
    if (skipped === undefined) return at
    at += skipped.length
  }
}

function endOfComment(sql: string, start: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = start
  let depth = 0
  for (let found = mark.exec(sql); found !== null; found = mark.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  throw torn(sql, start, 'a comment', '*/')
}

/** The number of the line that `index` stands on; the first is 1. */
export function lineAt(sql: string, index: number): number {
  return sql.slice(0, index).split(/\r\n|\n|\r/).length
}

function refuseFault(sql: string): void {
  const fault = textFault(sql)
  if (fault === undefined) return
  const line = lineAt(sql, fault.index)
  throw new CommandError(
    'NotUnicode',
    fault.kind === 'NUL'
      ? `line ${line}: the SQL has a NUL character, which PostgreSQL cannot hold: remove it`
      : `line ${line}: the SQL has half of a surrogate pair (was a text cut in the middle of a character?), which is not Unicode text and would be stored as U+FFFD: remove it, or call toWellFormed() on the text`,
  )
}

function torn(sql: string, start: number, what: string, end: string): CommandError {
  return new CommandError(
    'TornSql',
    `line ${lineAt(sql, start)}: ${what} begins here and is never closed: add its closing ${end}`,
  )
}

function psqlCommand(sql: string, start: number): CommandError {
  return new CommandError(
    'PsqlCommand',
    `line ${lineAt(sql, start)}: ${psqlCommandMessage(sql, start)}`,
  )
}

/** Why a command of psql that begins at `start` is refused. */
export function psqlCommandMessage(sql: string, start: number): string {
  const command = /^\\\S{0,20}/.exec(sql.slice(start, start + 21))?.[0] ?? '\\'
  return `${command} is not SQL: only psql understands commands that begin with a backslash; remove it, or write the SQL that it stands for`
}
