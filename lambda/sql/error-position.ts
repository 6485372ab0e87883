import { statementFacts } from './statement.ts'

/** An error that PL/pgSQL has caught of a statement that it executed. */
export interface CaughtError {
  readonly code: string
  readonly message: string
  /** `pg_exception_context`. */
  readonly context?: string | null | undefined
}

/**
 * Where PostgreSQL saw an error: characters into the statement, from 1; `undefined` when that cannot be said for sure.
 *
 * PL/pgSQL keeps no position of an error that it catches. But it keeps the context, which tells the errors of the
 * statement itself from those of a trigger or function that it runs; and most messages quote the word at fault. Where
 * the statement has this word once, that is the place.
 */
export function caughtPosition(
  sql: string,
  { code, message, context }: CaughtError,
): number | undefined {
  if (!OF_A_TEXT.test(code) || !isOfItself(sql, context ?? '')) return undefined
  if (message === 'syntax error at end of input') return [...sql].length + 1
  const word = WORD_AT_FAULT.exec(message)
    ?.slice(1)
    .find((found) => found !== undefined)
  const index = word === undefined ? undefined : onlyIndexOf(sql, word)
  return index === undefined ? undefined : [...sql.slice(0, index)].length + 1
}

/** Of the syntax, of names and types, and of constants. */
const OF_A_TEXT = /^(?:42|22P02|22007)/

/** Messages that begin otherwise, as of what exists already, have no position in PostgreSQL either. */
const WORD_AT_FAULT =
  /^(?:syntax error at or near "(.+)"$|(?:relation|column|type|schema|collation) "(.+?)" does not exist$|column (\S+) does not exist$|(?:function|procedure|aggregate) ([^\s(]+)\(.*\) does not exist$|missing FROM-clause entry for table "(.+)"$|column reference "(.+)" is ambiguous$|invalid input (?:syntax for type|value for enum) [^:]+: "(.+)"$)/s

const EXECUTED = /(?:^|\n)PL\/pgSQL function [^\n]+ line \d+ at EXECUTE$/
const HAS_CODE = /^(?:create (?:or replace )?(?:function|procedure)|do)\b/i

/** Whether the error is not one of code that the statement runs. The text of a function that it makes is its own. */
function isOfItself(sql: string, context: string): boolean {
  if (!EXECUTED.test(context)) return false
  const inner = context.replace(EXECUTED, '')
  // PostgreSQL names the statement where it knows no position in it, and where that is in a text within it.
  const { sql: bare } = statementFacts(sql)
  return inner === '' || (HAS_CODE.test(bare) && inner === `SQL statement "${bare}"`)
}

/** Where a word stands, with the quotes around it, in a text that has it once, in upper or lower case. */
function onlyIndexOf(text: string, word: string): number | undefined {
  // With the flag u a pattern may escape these characters and no others.
  const quoted = word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  const [start, end] = [/^\w/, /\w$/].map((edge) => edge.test(word))
  const pattern = `${start ? '(?<![\\w$])' : ''}${quoted}${end ? '(?![\\w$])' : ''}`
  const [first, second] = text.matchAll(new RegExp(pattern, 'giu'))
  if (first === undefined || second !== undefined) return undefined
  const quote = /(?:(?:\bE)?'|(?:\bU&)?")$/i.exec(text.slice(0, first.index))?.[0] ?? ''
  const isQuoted = quote !== '' && text[first.index + first[0].length] === quote.at(-1)
  return isQuoted ? first.index - quote.length : first.index
}
