import type { ErrorReport } from '../../lambda/run/report.ts'
import { positionToLine } from '../../lambda/sql/position.ts'

/** Shown of a long line, around the place. */
const SHOWN_CHARACTERS = 60

/**
 * The line of SQL at fault and a caret below the place, as psql shows them; `undefined` where PostgreSQL named none.
 *
 * The line counts from the beginning of the SQL file that the statement is from, or else of the statement.
 */
export function errorExcerpt(error: ErrorReport): readonly [string, string] | undefined {
  const { statement, position, file, line } = error
  if (statement === undefined || position === undefined) return undefined
  const at = positionToLine(statement, position)
  const number = file?.endsWith('.sql') ? line : at.line
  const { before, text } = excerpt(at.text, at.column - 1)
  const head = `LINE ${number}: `
  return [`${head}${text}`, `${' '.repeat(head.length + width(before))}^`]
}

function excerpt(line: string, index: number): { readonly before: string; readonly text: string } {
  // A tab has no width of its own, and a control character may do anything to a terminal.
  const characters = [...line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')]
  const start = Math.max(
    0,
    Math.min(index - SHOWN_CHARACTERS / 2, characters.length - SHOWN_CHARACTERS),
  )
  const end = start + SHOWN_CHARACTERS
  const [left, right] = [start > 0 ? '…' : '', end < characters.length ? '…' : '']
  return {
    before: left + characters.slice(start, index).join(''),
    text: `${left}${characters.slice(start, end).join('')}${right}`,
  }
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** Columns of a terminal. */
function width(text: string): number {
  let columns = 0
  for (const character of text) {
    columns += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  }
  return columns
}
