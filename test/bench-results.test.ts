import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '..')
const results = readFileSync(path.join(ROOT, 'test/bench/RESULTS.md'), 'utf8')
const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8')

const cellsOf = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

/** The rows of the first table of a section, by what stands in the first column. */
function firstTable(letter: string): Map<string, readonly string[]> {
  const [, section = ''] = results.split(`\n## (${letter})`)
  const [table = ''] = /^\|.*(?:\n\|.*)*/m.exec(section) ?? []
  return new Map(table.split('\n').map((line) => [cellsOf(line)[0] ?? '', cellsOf(line)]))
}

const [, section = ''] = readme.split('\n## How fast\n')
const [header = '', , ...rows] = /^\|.*(?:\n\|.*)*/m.exec(section)?.[0].split('\n') ?? []

describe('the README section "How fast" quotes the benchmark of record', () => {
  const quoted = rows.flatMap((row) => {
    const [what = '', ...figures] = cellsOf(row)
    return figures.flatMap((figure, i) => {
      const name = what.includes("transaction: 'run'")
        ? "ours, transaction: 'run'"
        : (cellsOf(header)[i + 1] ?? '')
      return figure === '' ? [] : [{ letter: what.charAt(1), name, figure }]
    })
  })

  test.each(quoted)('($letter) of $name: $figure', ({ letter, name, figure }) => {
    const [, calls = '', ms = ''] = /^(\d+) calls?, ([\d.,]+) ms$/.exec(figure) ?? []
    const cells = firstTable(letter).get(name) ?? []
    expect(cells[1]?.replace(' + secret', '')).toBe(calls)
    const title = letter === 'a' ? '20 ms: warm ms' : '20 ms: wall ms'
    const titles = firstTable(letter).get('') ?? []
    expect(cells[titles.indexOf(title)]).toBe(ms)
  })

  test('and no row is left out', () => {
    expect(quoted).toHaveLength(13)
  })

  test('and of (d) and (g)', () => {
    const rates = firstTable('d')
    const at = (rates.get('') ?? []).indexOf('20 ms: rows/s')
    const rate = (name: string) =>
      [...rates].find(([first]) => first.startsWith(name))?.[1][at] ?? 'missing'
    expect(section).toContain(`${rate('op.bulkInsert')} rows/s`)
    expect(section).toContain(`${rate('BatchExecuteStatement, 12,000')} of BatchExecuteStatement`)
    expect(section).toContain(`${rate('COPY')} of COPY`)
    expect(section).toContain(`${firstTable('g').get('ours without ORM')?.[1]} KiB`)
  })
})
