import { lineAt } from './scanner.ts'

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
