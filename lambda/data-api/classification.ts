import { nameText } from './constant-text.ts'
import { innerStatements } from './inner-statements.ts'
import type { Token } from './scanner.ts'

/**
 * How the rows of a statement can be had: `select` and `returning` may stand in a `with … as materialized (…)`,
 * `unmeasured` may answer rows but stands only by itself, `none` answers none.
 */
export type ResultForm = 'select' | 'returning' | 'unmeasured' | 'none'

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
const ANSWERS = new Set(['explain', 'show', 'fetch', 'call', 'execute'])

export function resultFormOf(tokens: readonly Token[]): ResultForm {
  const verb = verbOf(tokens)
  if (ANSWERS.has(verb)) return 'unmeasured'
  if (verb !== 'with' && !QUERIES.has(verb) && !CHANGES.has(verb)) return 'none'
  const main = mainOf(tokens)
  const changes = CHANGES.has(tokens[main]?.text ?? '')
  if (changes ? !hasReturning(tokens) : hasInto(tokens)) return 'none'
  // PostgreSQL takes a `with` that changes data only at the top.
  if (tokens.some((_, index) => index !== main && beginsChange(tokens, index))) return 'unmeasured'
  return changes ? 'returning' : 'select'
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

/** Where, after `with a as (…), b as (…)`, the statement itself begins; its end if that is in parentheses. */
function mainOf(tokens: readonly Token[]): number {
  if (verbOf(tokens) !== 'with') return 0
  let depth = 0
  const main = tokens.findIndex(({ text }, index) => {
    if (text === '(') depth++
    if (text === ')') depth--
    // A query may be named like a keyword, as in `with update as (…)`.
    const named = ['with', 'recursive', ','].includes(tokens[index - 1]?.text ?? '')
    return depth === 0 && !named && (QUERIES.has(text) || CHANGES.has(text))
  })
  return main < 0 ? tokens.length : main
}

/** May also be a column that is named like the keyword: then a statement is only sent unmeasured. */
function beginsChange(tokens: readonly Token[], index: number): boolean {
  return (
    CHANGES.has(tokens[index]?.text ?? '') && ['(', ')'].includes(tokens[index - 1]?.text ?? '')
  )
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
