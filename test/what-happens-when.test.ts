import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { HAPPENINGS, happeningsTable, type ShownBy } from './what-happens-when.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')

/** All sources of the Lambda in one text, with the holes of templates as `…` stands for them in the table. */
const SOURCES = readdirSync(path.join(ROOT, 'lambda'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => read(path.join('lambda', file)))
  .join('\n')

/** The pieces of the messages in a cell that stand between what differs from case to case. */
function messagesIn(cell: string): string[][] {
  return [...cell.matchAll(/`(?<message>[^`]+)`/g)].map(({ groups }) =>
    (groups?.message ?? '').split('…').flatMap((piece) => piece.trim() || []),
  )
}

/** The text of a test file, with the patterns in it as the text that they match. */
const plain = (file: string) => read(file).replaceAll('\\', '')

function isThere({ file, name }: ShownBy): boolean {
  const calls = read(file).replace(/\(\s+/g, '(')
  return ["'", '`', '"'].some((quote) => calls.includes(`(${quote}${name}${quote},`))
}

test('the README has the table as it is made from its rows', () => {
  const section = /^## What happens when\n(?<section>[\s\S]*?)^## /m.exec(read('README.md'))
  const table = section?.groups?.section?.split('\n').filter((line) => line.startsWith('|'))
  expect(table?.join('\n')).toBe(happeningsTable())
})

describe.each(HAPPENINGS)('the row "$when"', ({ see, holds, tests }) => {
  test('is shown by tests that there are', () => {
    expect(tests).not.toEqual([])
    expect(tests.filter((each) => !isThere(each))).toEqual([])
  })

  test('quotes messages of the code, which its tests look for', () => {
    const looked = tests.map(({ file }) => plain(file)).join('\n')
    for (const pieces of [...messagesIn(see), ...messagesIn(holds)]) {
      expect(pieces.filter((piece) => !SOURCES.includes(piece))).toEqual([])
      expect(
        pieces.some((piece) => looked.includes(piece)),
        pieces.join('…'),
      ).toBe(true)
    }
  })
})
