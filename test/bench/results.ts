import type { Cell, Goal, Section, Table } from './bench.ts'

/** RESULTS.md: the machine, each work item, and the goals. */
export function resultsText(facts: readonly string[], sections: readonly Section[]): string {
  const goals = sections.flatMap((section) => section.goals)
  return [
    '# Benchmark of record',
    '',
    'Written by `npm run bench`; do not edit. Medians, ours beside the peers on the same local Aurora in the same run.',
    '',
    ...facts.map((fact) => `- ${fact}`),
    '',
    ...sections.flatMap((section) => sectionLines(section)),
    ...goalLines(goals),
  ].join('\n')
}

/** The same for a terminal. */
export function sectionLines({ title, about, tables }: Section): string[] {
  return [
    `## ${title}`,
    '',
    ...about.flatMap((line) => [line, '']),
    ...tables.flatMap((table) => tableLines(table)),
  ]
}

export function goalLines(goals: readonly Goal[]): string[] {
  const rows = goals.map(({ work, goal, measured, met }) => [
    `(${work})`,
    goal,
    measured,
    met ? 'met' : '**missed**',
  ])
  const table = { title: '', columns: ['work', 'goal', 'measured', ''], rows }
  return ['## Goals', '', 'At the largest latency unless said otherwise.', '', ...tableLines(table)]
}

function tableLines({ title, columns, rows, notes = [] }: Table): string[] {
  const full = rows.map((row) => columns.map((_, i) => cellText(row[i] ?? '')))
  const widths = columns.map((name, i) =>
    Math.max(3, name.length, ...full.map((row) => row[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => padded(cell, widths[i] ?? 0, i)).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  const head = title === '' ? [] : [`**${title}**`, '']
  const below = notes.length === 0 ? [] : [...notes.map((note) => `- ${note}`), '']
  return [...head, line(columns), line(rule), ...full.map(line), '', ...below]
}

function padded(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}

function cellText(cell: Cell): string {
  return String(cell).replaceAll('|', '\\|')
}
