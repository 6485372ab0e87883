import { loadModule, parseSync, type ScanToken, scanSync } from 'libpg-query'

await loadModule()

/** The text PostgreSQL gets: each occurrence of `:name` has become its own `$n`. */
export interface NumberedSql {
  readonly text: string
  readonly names: readonly string[]
}

const semicolon = 59
const colon = 58
const comments = new Set(['SQL_COMMENT', 'C_COMMENT'])
const cacheSize = 500
const numberedCache = new Map<string, NumberedSql | undefined>()

/** Replaces the named parameters; undefined when PostgreSQL's scanner cannot read the text. */
export function numberParameters(sql: string): NumberedSql | undefined {
  if (!sql.includes(':')) return { text: sql, names: [] }
  const cached = numberedCache.get(sql)
  if (cached !== undefined) return cached
  const numbered = number(sql)
  if (numberedCache.size >= cacheSize) numberedCache.clear()
  if (sql.length < 10_000) numberedCache.set(sql, numbered)
  return numbered
}

function number(sql: string): NumberedSql | undefined {
  const bytes = Buffer.from(sql)
  const tokens = scan(sql)
  if (tokens === undefined) return undefined
  const names: string[] = []
  let text = ''
  let copied = 0
  tokens.forEach((token, index) => {
    const name = tokens[index + 1]
    if (token.tokenType !== colon || name?.start !== token.end) return
    const word = bytes.toString('utf8', name.start, name.end)
    if (!/^[\p{L}\p{N}_$]+$/u.test(word)) return
    names.push(word)
    text += `${bytes.toString('utf8', copied, token.start)}$${names.length}`
    copied = name.end
  })
  return { text: text + bytes.toString('utf8', copied), names }
}

/** Splits a script at its top-level semicolons; PostgreSQL's own grammar finds them. */
export function splitStatements(sql: string): string[] {
  const bytes = Buffer.from(sql)
  return (parseSync(sql).stmts ?? []).map(({ stmt_location: start = 0, stmt_len: length }) =>
    bytes.toString('utf8', start, length === undefined ? undefined : start + length).trim(),
  )
}

/** Whether the text holds more than one statement. */
export function isMultistatement(sql: string): boolean {
  const first = sql.indexOf(';')
  if (first === -1 || /^[;\s]*$/.test(sql.slice(first))) return false
  try {
    return splitStatements(sql).length > 1
  } catch {
    // Not grammatical (or with named parameters in it): semicolons of the scanner decide.
    return hasInnerSemicolon(sql)
  }
}

function hasInnerSemicolon(sql: string): boolean {
  const tokens = scan(sql)?.filter(({ tokenName }) => !comments.has(tokenName)) ?? []
  const first = tokens.findIndex(({ tokenType }) => tokenType === semicolon)
  return first > 0 && tokens.slice(first).some(({ tokenType }) => tokenType !== semicolon)
}

function scan(sql: string): readonly ScanToken[] | undefined {
  try {
    // The scanner answers invalid JSON for a token with a control character; DEL reads the same.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
    return scanSync(sql.replace(/[\x01-\x08\x0e-\x1f]/g, '\x7f')).tokens
  } catch {
    return undefined
  }
}
