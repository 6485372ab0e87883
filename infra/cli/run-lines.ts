import type { HistoryRow } from '../../lambda/ledger/history.ts'
import { oneLine } from './output.ts'

/** History rows as a table, newest first; an error is a line of its own below its row. */
export function runLines(runs: readonly HistoryRow[]): string[] {
  const heads = ['when', 'run', 'what', 'revision', 'outcome', 'ms', 'who', 'doc']
  const cells = runs.map((row) => [
    row.startedAt.replace(/\.\d+Z$/, 'Z'),
    row.runId.slice(0, 8),
    row.direction,
    row.revision,
    row.outcome,
    row.ms === null ? '' : String(row.ms),
    oneLine(`${row.who} (${row.source})`),
    oneLine(row.doc),
  ])
  const widths = heads.map((head, i) =>
    Math.max(head.length, ...cells.map((row) => row[i]?.length ?? 0)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) =>
        heads[i] === 'ms' ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [
    line(heads),
    ...cells.flatMap((row, i) => {
      const { error } = runs[i] as HistoryRow
      return error === null ? [line(row)] : [line(row), `    ${oneLine(error)}`]
    }),
  ]
}
