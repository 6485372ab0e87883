import { constantText, nameText, stringText } from './constant-text.ts'
import type { Token } from './scanner.ts'

/** A setting that a statement changes. */
export interface ChangedSetting {
  readonly name: string
  /** Undefined where the text does not tell it. */
  readonly value: string | undefined
}

/** The setting of `set [session | local] name = value`, which begins with the first token; undefined for any other statement. */
export function settingOf(sql: string, tokens: readonly Token[]): ChangedSetting | undefined {
  if (tokens[0]?.text !== 'set') return undefined
  const scope = ['session', 'local'].includes(tokens[1]?.text ?? '') ? 2 : 1
  const [first, second] = tokens.slice(scope)
  if (first === undefined) return undefined
  const end = tokens.findIndex(({ text }) => text === ';')
  const rest = tokens.slice(scope, end < 0 ? undefined : end)
  if (first.text === 'names')
    return { name: 'client_encoding', value: givenValue(sql, rest.slice(1)) }
  if (second?.text !== '=' && second?.text !== 'to') return undefined
  return { name: nameText(sql, first), value: givenValue(sql, rest.slice(2)) }
}

/** One word, name, number or string; `default` is whatever the role or the database says. */
function givenValue(sql: string, [token, ...others]: readonly Token[]): string | undefined {
  if (token === undefined || others.length > 0 || token.text === 'default') return undefined
  if (token.kind === 'string') return stringText(sql, token)
  return token.kind === 'number' ? sql.slice(token.start, token.end) : nameText(sql, token)
}

/** The setting of a call of `set_config` whose parenthesis opens at `open`; undefined where the text does not tell its name. */
export function settingOfCall(
  sql: string,
  tokens: readonly Token[],
  open: number,
): ChangedSetting | undefined {
  const given = argumentsOf(tokens, open)
  const argument = (name: string, position: number) => {
    const named = given.find(([first, second]) => first?.text === name && isArrow(second))
    return constantText(sql, named?.slice(3) ?? given[position] ?? [])
  }
  const name = argument('setting_name', 0)
  return name === undefined ? undefined : { name, value: argument('new_value', 1) }
}

/** Of `=>` and the older `:=`. */
const isArrow = (token: Token | undefined): boolean => token?.text === '=' || token?.text === ':'

/** The arguments of a call, without the commas between them. */
export function argumentsOf(tokens: readonly Token[], open: number): Token[][] {
  const given: Token[][] = [[]]
  let depth = 0
  for (const token of tokens.slice(open)) {
    if (token.text === ')' || token.text === ']') depth -= 1
    if (depth === 0 && token.text === ')') break
    if (depth === 1 && token.text === ',') given.push([])
    else if (depth > 0) given.at(-1)?.push(token)
    if (token.text === '(' || token.text === '[') depth += 1
  }
  return given
}
