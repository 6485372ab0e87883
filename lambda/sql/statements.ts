import { CommandError } from '../errors.ts'
import {
  changesRowsOf,
  headOf,
  mainAfterWith,
  mayRepeat,
  needsTopLevel,
  type ResultForm,
  refusesTransactions,
  resultFormOf,
  verbOf,
} from './classification.ts'
import { refusalOf } from './refusals.ts'
import { lineAt, psqlCommandMessage, scan, type Token } from './scanner.ts'
import { longStatement, refusedStatement, type ScriptFault, scriptError } from './script-faults.ts'

/** One statement of a script. */
export interface ScriptStatement {
  /** From its first token to its last: without comments around it and without the semicolon. */
  readonly sql: string
  /** The line of the script on which it begins. */
  readonly line: number
}

/** What the text of a statement tells about it. */
export interface StatementFacts {
  /** The statement without comments around it and without its semicolon. */
  readonly sql: string
  /** Its first keyword, in lower case. */
  readonly verb: string
  readonly resultForm: ResultForm
  /** Characters before the statement itself when a `with` stands in front of it: `with a as (…), b as (…) `. Otherwise 0. */
  readonly withLength: number
  /** It counts the rows it changes. */
  readonly changesRows: boolean
  /** PostgreSQL refuses it inside a transaction block. */
  readonly autocommitOnly: boolean
  /**
   * It has to be sent as it is: PostgreSQL refuses it, or does something else, where a function carries it out in a
   * subtransaction. A `do` block counts by the statements that its text shows.
   */
  readonly topLevel: boolean
  /**
   * An autocommit block may send it again when nobody knows whether it was carried out: concurrent create and drop of
   * a named index, reindex concurrently, vacuum, analyze, `add value if not exists`. (Where the first time succeeded,
   * a create or drop without `if [not] exists` then fails and changes nothing.)
   */
  readonly repeatable: boolean
}

/**
 * Splits a script at the semicolons that end statements: not those in strings, quoted names, comments, parentheses
 * (`create rule`) and `begin atomic … end`. Empty pieces and comments around statements are left out.
 *
 * @throws CommandError with the line: a quote or comment that is never closed, a psql command, `copy … from stdin`. One
 * error names all of them, up to the first quote or comment that is not closed.
 */
export function splitStatements(script: string): ScriptStatement[] {
  return readScript(script, () => undefined)
}

/**
 * The statements of a script that a revision runs.
 *
 * @throws CommandError as {@link splitStatements} does, for statements that {@link refuseStatement} refuses, and for those
 * that are too long. One error names all the places.
 */
export function revisionStatements(script: string): ScriptStatement[] {
  return readScript(script, (tokens) => {
    const { start, end } = extent(tokens)
    return (
      refusedStatement(script, tokens, shownHead(script, tokens)) ??
      longStatement(script, start, end)
    )
  })
}

function readScript(
  script: string,
  faultOf: (tokens: readonly Token[]) => ScriptFault | undefined,
): ScriptStatement[] {
  let line = 1
  let counted = 0
  const faults: ScriptFault[] = []
  const statements: ScriptStatement[] = []
  try {
    for (const tokens of statementsOf(script, (fault) => faults.push(fault))) {
      const { start, end } = extent(tokens)
      line += lineAt(script.slice(counted, start), start - counted) - 1
      counted = start
      statements.push({ sql: script.slice(start, end), line })
      const fault = faultOf(tokens)
      if (fault) faults.push(fault)
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    faults.push({ kind: error.kind, line: undefined, message: error.message })
  }
  const [first, ...others] = faults
  if (first) throw scriptError([first, ...others])
  return statements
}

/**
 * Reads what the text of one statement tells about it.
 *
 * @throws CommandError for no statement, more than one, and as {@link splitStatements} does.
 */
export function statementFacts(sql: string): StatementFacts {
  const tokens = onlyStatement(sql)
  const { start, end } = extent(tokens)
  return {
    sql: sql.slice(start, end),
    verb: verbOf(tokens),
    resultForm: resultFormOf(tokens),
    withLength: (mainAfterWith(tokens)?.start ?? start) - start,
    changesRows: changesRowsOf(tokens),
    autocommitOnly: refusesTransactions(headOf(tokens)),
    topLevel: needsTopLevel(sql, tokens),
    repeatable: mayRepeat(headOf(tokens)),
  }
}

/** The `resultForm` of {@link statementFacts}. */
export function resultForm(sql: string): ResultForm {
  return statementFacts(sql).resultForm
}

/** The `repeatable` of {@link statementFacts}. */
export function isRepeatable(sql: string): boolean {
  return statementFacts(sql).repeatable
}

/** `rollback to savepoint`, the one statement that may follow a failed one. */
export function isRollbackToSavepoint(sql: string): boolean {
  if (!/rollback/i.test(sql)) return false
  return /^rollback (work |transaction )?to /.test(headOf(onlyStatement(sql)))
}

/**
 * Refuses what the SQL of a revision may not hold: more than one statement, statements that end or begin a
 * transaction, and those whose effect stays on a pooled connection (`set` without `local`, `listen`, `prepare`,
 * session-level advisory locks, …).
 *
 * @throws CommandError naming the right form.
 */
export function refuseStatement(sql: string): void {
  const tokens = onlyStatement(sql)
  const fix = refusalOf(sql, tokens)
  if (fix === undefined) return
  throw new CommandError(
    'StatementNotAllowed',
    `'${shownHead(sql, tokens)}' is not allowed in a revision: ${fix}`,
  )
}

/** The first words of a statement. What follows may be a value. */
function shownHead(sql: string, tokens: readonly Token[]): string {
  const [first, second] = tokens
  const words = second?.kind === 'word' || second?.kind === 'name' ? [first, second] : [first]
  const { start, end } = extent(words.filter((token) => token !== undefined))
  return sql.slice(start, end).replace(/\s+/g, ' ')
}

/**
 * Refuses a statement in which a value did not stay one constant: it was put inside quotes, a dollar-quoted body or a
 * comment, where its text would be read as something else, or it touches the text beside it (`${1}0`).
 *
 * @param literals where `literal()` wrote: start and end of each, in order.
 * @throws CommandError
 */
export function refuseTornLiterals(
  sql: string,
  literals: Iterable<readonly [start: number, end: number]>,
): void {
  const tokens = [...scan(sql)]
  let next = 0
  for (const [start, end] of literals) {
    while ((tokens[next]?.end ?? Infinity) <= start) next++
    const first = next
    while ((tokens[next]?.start ?? Infinity) < end) next++
    if (!isWholeLiteral(tokens.slice(first, next), start, end)) {
      throw new CommandError(
        'TornLiteral',
        `line ${lineAt(sql, start)}: a value stands inside quotes, a dollar-quoted body or a comment, or touches the text beside it: write \${value} by itself, as in '%' || \${value} || '%'; where SQL takes no value, write the text with sql.raw()`,
      )
    }
  }
}

function isWholeLiteral(tokens: readonly Token[], start: number, end: number): boolean {
  if (tokens[0]?.start !== start + 1 || tokens.at(-1)?.end !== end) return false
  const [open, minus, number, close] = tokens
  return (
    tokens.length === 1 ||
    (tokens.length === 4 &&
      open?.text === '(' &&
      minus?.text === '-' &&
      number?.kind === 'number' &&
      close?.text === ')')
  )
}

/** Where a statement went wrong. */
export interface SqlPosition {
  readonly line: number
  /** Counted in characters, from 1. */
  readonly column: number
  /** The text of the line. */
  readonly text: string
}

/** Turns the `Position` of a database error, which counts characters (not UTF-16 units) from 1, into a line and a column. */
export function positionToLine(sql: string, position: number): SqlPosition {
  const before = [...sql].slice(0, Math.max(0, position - 1)).join('')
  const line = lineAt(sql, before.length)
  const begin = Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1
  return {
    line,
    column: [...before.slice(begin)].length + 1,
    text: /^.*/.exec(sql.slice(begin))?.[0] ?? '',
  }
}

/** Notes a place that has to change, or throws. */
type Refuse = (fault: ScriptFault) => void

const refuseAtOnce: Refuse = (fault) => {
  throw scriptError([fault])
}

/** What is no SQL is given to `refuse`, and skipped. */
function* statementsOf(script: string, refuse: Refuse = refuseAtOnce): Generator<Token[]> {
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

function onlyStatement(sql: string): Token[] {
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

function extent(tokens: readonly Token[]): { start: number; end: number } {
  return { start: tokens[0]?.start ?? 0, end: tokens.at(-1)?.end ?? 0 }
}
