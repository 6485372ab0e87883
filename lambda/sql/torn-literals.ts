import { CommandError } from '../errors.ts'
import { lineAt, scan, type Token } from './scanner.ts'

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
