import { nameText } from './constant-text.ts'
import { innerStatements } from './inner-statements.ts'
import type { Token } from './scanner.ts'

/**
 * How a statement returns rows: `select` and `returning` can run inside a `with … as materialized (…)`, `alone` may
 * return rows but can only be sent as it is, `none` returns none.
 */
export type ResultForm = 'select' | 'returning' | 'alone' | 'none'

const HEAD_TOKENS = 60

/** The beginning of a statement for patterns to look at: words in lower case, symbols, `?` for everything else. */
export function headOf(tokens: readonly Token[]): string {
  return tokens
    .slice(0, HEAD_TOKENS)
    .map(({ text }) => text || '?')
    .join(' ')
}

const AUTOCOMMIT_ONLY = [
  /^create (unique )?index concurrently\b/,
  /^drop index concurrently\b/,
  /^reindex\b.* concurrently\b/,
  /^reindex (\(.*\) )?(schema|database|system)\b/,
  /^alter table .* detach partition .* concurrently\b/,
  /^vacuum\b/,
  /^(create|drop) (database|tablespace)\b/,
  /^alter database \S+ set tablespace\b/,
  /^alter system\b/,
]

/**
 * What is different in a subtransaction. PostgreSQL lets a transaction use a new value of an enum only where the type is
 * as new, and it forgets both facts when a subtransaction makes the type or adds the value. The script of an extension
 * may do the same.
 */
const TOP_LEVEL = [
  /^create type .*\bas enum\b/,
  /^alter type .*\badd value\b/,
  /^(create|alter) extension\b/,
]

const REPEATABLE = [
  // Without a name PostgreSQL makes a new one each time.
  /^create (unique )?index concurrently (?!on\b)/,
  /^drop index concurrently\b/,
  /^reindex\b.* concurrently\b/,
  /^vacuum\b/,
  /^analy[sz]e\b/,
  /^alter type .* add value if not exists\b/,
]

/** See `StatementFacts.autocommitOnly`. */
export function refusesTransactions(head: string): boolean {
  return AUTOCOMMIT_ONLY.some((pattern) => pattern.test(head))
}

/** See `StatementFacts.topLevel`. */
export function needsTopLevel(sql: string, tokens: readonly Token[]): boolean {
  // EXECUTE of PL/pgSQL refuses `select … into`.
  return isSelectInto(tokens) || differsInSubtransaction(sql, tokens)
}

function differsInSubtransaction(sql: string, tokens: readonly Token[]): boolean {
  if (TOP_LEVEL.some((pattern) => pattern.test(headOf(tokens)))) return true
  if (tokens.some((token) => nameText(sql, token) === 'pg_export_snapshot')) return true
  if (verbOf(tokens) !== 'do') return false
  return [...innerStatements(sql, tokens)].some((inner) =>
    differsInSubtransaction(inner.sql, inner.tokens),
  )
}

/** See `StatementFacts.repeatable`. */
export function mayRepeat(head: string): boolean {
  return REPEATABLE.some((pattern) => pattern.test(head))
}

/** The first keyword, which may stand in parentheses: `(select 1) union (select 2)`. */
export function verbOf(tokens: readonly Token[]): string {
  return tokens.find(({ text }) => text !== '(')?.text ?? ''
}

const CHANGES = new Set(['insert', 'update', 'delete', 'merge'])
const QUERIES = new Set(['select', 'values', 'table'])
const UTILITIES = new Set(['explain', 'show', 'fetch', 'call', 'execute'])

export function resultFormOf(tokens: readonly Token[]): ResultForm {
  const verb = verbOf(tokens)
  if (UTILITIES.has(verb)) return 'alone'
  if (verb !== 'with' && !QUERIES.has(verb) && !CHANGES.has(verb)) return 'none'
  const main = mainOf(tokens)
  const changes = CHANGES.has(tokens[main]?.text ?? '')
  if (changes ? !hasReturning(tokens) : hasInto(tokens)) return 'none'
  // Inside another statement, a parenthesis too many would make something else of it.
  if (!isBalanced(tokens)) return 'alone'
  // PostgreSQL takes a `with` that changes data only at the top, so it must be known where it ends.
  if (main === tokens.length && tokens.some((_, index) => beginsChange(tokens, index))) {
    return 'alone'
  }
  return changes ? 'returning' : 'select'
}

/** Where the statement itself begins after `with a as (…), b as (…)`; undefined without a `with` in front of it. */
export function mainAfterWith(tokens: readonly Token[]): Token | undefined {
  return tokens[0]?.text === 'with' ? tokens[mainOf(tokens)] : undefined
}

/** Whether the rows that it touches are counted as changed: `insert`, `update`, `delete`, `merge`, also after a `with`. */
export function changesRowsOf(tokens: readonly Token[]): boolean {
  return CHANGES.has(tokens[mainOf(tokens)]?.text ?? '')
}

/** `select … into`, which makes a table. */
function isSelectInto(tokens: readonly Token[]): boolean {
  const verb = verbOf(tokens)
  return (verb === 'with' || QUERIES.has(verb)) && !changesRowsOf(tokens) && hasInto(tokens)
}

/** After these comes a name, which may be a keyword, as in `with update as (…)`. */
const BEFORE_NAMES = new Set(['with', 'recursive', ',', 'by', 'cycle', 'set', 'using'])

/** Where, after `with a as (…), b as (…)`, the statement itself begins; the end if that is not found. */
function mainOf(tokens: readonly Token[]): number {
  if (verbOf(tokens) !== 'with') return 0
  let depth = 0
  const main = tokens.findIndex(({ text }, index) => {
    const before = tokens[index - 1]?.text ?? ''
    if (depth === 0 && text === '(' && before === ')') return true
    if (text === '(') depth++
    if (text === ')') depth--
    return depth === 0 && !BEFORE_NAMES.has(before) && (QUERIES.has(text) || CHANGES.has(text))
  })
  return main < 0 ? tokens.length : main
}

/** May also be a column that is named like the keyword: then the statement is only sent as it is. */
function beginsChange(tokens: readonly Token[], index: number): boolean {
  return (
    CHANGES.has(tokens[index]?.text ?? '') && ['(', ')'].includes(tokens[index - 1]?.text ?? '')
  )
}

function isBalanced(tokens: readonly Token[]): boolean {
  let depth = 0
  const closes = tokens.some(({ text }) => {
    if (text === '(') depth++
    if (text === ')') depth--
    return depth < 0
  })
  return !closes && depth === 0
}

function hasReturning(tokens: readonly Token[]): boolean {
  let depth = 0
  return tokens.some(({ text }, index) => {
    if (text === '(') depth++
    if (text === ')') depth--
    return depth === 0 && text === 'returning' && !isLabel(tokens, index)
  })
}

function hasInto(tokens: readonly Token[]): boolean {
  return tokens.some(
    ({ text }, index) =>
      text === 'into' &&
      !isLabel(tokens, index) &&
      !['insert', 'merge'].includes(tokens[index - 1]?.text ?? ''),
  )
}

/** Reserved words may be column labels and the part after a dot. */
function isLabel(tokens: readonly Token[], index: number): boolean {
  return ['as', '.'].includes(tokens[index - 1]?.text ?? '')
}
