import type { Token } from './scanner.ts'

/** A word in lower case, or the name that stands in double quotes; empty for every other token. */
export function nameText(sql: string, { kind, start, end, text }: Token): string {
  if (kind !== 'name') return kind === 'word' ? text : ''
  const quoted = sql.slice(start, end)
  return quoted.startsWith('"')
    ? quoted.slice(1, -1).replaceAll('""', '"')
    : unescaped(quoted.slice(3, -1).replaceAll('""', '"'), UNICODE)
}

/** The text that a string constant holds, of `'…'`, `E'…'`, `U&'…'` and `$$…$$`; undefined for bits. */
export function stringText(sql: string, { start, end }: Token): string | undefined {
  const constant = sql.slice(start, end)
  const tag = /^\$[^$]*\$/.exec(constant)?.[0]
  if (tag !== undefined) return constant.slice(tag.length, -tag.length)
  const prefix = constant.slice(0, constant.indexOf("'")).toLowerCase()
  const found = constant.slice(prefix.length).match(prefix === 'e' ? ESCAPED_PART : PART) ?? []
  const parts = found.filter((part) => part.startsWith("'"))
  const text = parts.map((part) => part.slice(1, -1).replaceAll("''", "'")).join('')
  if (prefix === '') return text
  if (prefix === 'e') return unescaped(text, ESCAPE)
  return prefix === 'u&' ? unescaped(text, UNICODE) : undefined
}

/** The parts of a constant that line breaks join. A comment between them may hold quotes. */
const PART = /'(?:[^']|'')*'|--[^\n\r]*/g
const ESCAPED_PART = /'(?:[^'\\]|''|\\.)*'|--[^\n\r]*/gs

const ESCAPE =
  /\\(?:u(?<four>[\da-fA-F]{4})|U(?<eight>[\da-fA-F]{8})|x(?<hex>[\da-fA-F]{1,2})|(?<octal>[0-7]{1,3})|(?<other>.))/gs
const UNICODE = /\\(?:\+(?<eight>[\da-fA-F]{6})|(?<four>[\da-fA-F]{4})|(?<other>\\))/g

const LETTERS: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function unescaped(text: string, pattern: RegExp): string {
  return text.replace(pattern, (found, ...rest: unknown[]) => {
    const { four, eight, hex, octal, other } = rest.at(-1) as Record<string, string | undefined>
    if (other !== undefined) return pattern === ESCAPE ? (LETTERS[other] ?? other) : other
    const code = octal ? Number.parseInt(octal, 8) : Number.parseInt(four ?? eight ?? hex ?? '', 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : found
  })
}

/** What may stand between the strings of a constant without changing the text that they are together. */
const JOINING = new Set(
  ', ( ) | : . cast as text varchar character varying char bpchar n pg_catalog collate concat lower upper'.split(
    ' ',
  ),
)

/**
 * The text of an expression that is made of string constants alone: joined, cast, or in another case. Undefined for
 * any other expression.
 */
export function constantText(sql: string, tokens: readonly Token[]): string | undefined {
  let text = ''
  let strings = 0
  for (const token of tokens) {
    if (token.kind === 'string') {
      const part = stringText(sql, token)
      if (part === undefined) return undefined
      text += part
      strings += 1
    } else if (token.kind === 'number' || !JOINING.has(nameText(sql, token) || token.text)) {
      return undefined
    }
  }
  return strings === 0 ? undefined : text
}
