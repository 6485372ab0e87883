import { expect, test } from 'vitest'
import { listed, shown } from '../../lambda/revisions/listed.ts'

test.each([
  [[], '(none)'],
  [['a'], 'a'],
  [['a', 'b'], 'a, b'],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], 'a, b, c, d, e, f, g, h'],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'], 'a, b, c, d, e, f, g, h and 2 more'],
])('lists %j as a message shows it', (names, text) => {
  expect(listed(names)).toBe(text)
})

test.each([
  ['alpha@head', 'alpha@head'],
  ['two\nlines\u2028and\u0000more', 'two lines and more'],
  ['a\ud800', 'a\ufffd'],
  ['x'.repeat(81), `${'x'.repeat(80)}…`],
])('shows %j in one line', (text, expected) => {
  expect(shown(text)).toBe(expected)
})
