import fc from 'fast-check'
import { expect, test } from 'vitest'
import { oneLine, rowsText } from '../../lambda/handlers/failure-line.ts'

const bytes = (text: string) => Buffer.byteLength(JSON.stringify(text)) - 2
const anyText = fc.string({ unit: 'binary', maxLength: 3_000 })

test('a line is one line that fits, whatever it is made of, and keeps its end', () => {
  fc.assert(
    fc.property(anyText, fc.string({ maxLength: 300 }), (head, tail) => {
      const line = oneLine(head, `; ${tail}; end`)
      expect(bytes(line)).toBeLessThanOrEqual(1_500)
      expect(line).not.toMatch(/[\n\r\u2028\u2029]/)
      expect(line.endsWith('; end')).toBe(true)
      expect(line.isWellFormed()).toBe(true)
    }),
  )
})

test('a line that fits is not changed, and a longer one is cut in its middle', () => {
  expect(oneLine('short', '; end')).toBe('short; end')
  const cut = oneLine(`begin ${'x'.repeat(2_000)} last`, '; end')
  expect(cut).toMatch(/^begin x+ … x+ last; end$/)
  expect(bytes(cut)).toBe(1_500)
})

test('version rows are whole ids, as many as fit, and the number of the others', () => {
  expect(rowsText([])).toBe('base')
  expect(rowsText(['a', 'b'])).toBe('a,b')
  const ids = Array.from({ length: 60 }, (_, i) => `${i}`.padStart(32, 'r'))
  const text = rowsText(ids)
  const [listed = '', more] = text.split(' and ')
  expect(listed.split(',')).toEqual(ids.slice(0, 30))
  expect(more).toBe('30 more')
  expect(rowsText(ids.slice(0, 30)).split(',')).toEqual(ids.slice(0, 30))
  // Characters that take six bytes of JSON each.
  expect(bytes(rowsText(ids.map((id) => id.replaceAll('r', '\u0001'))))).toBeLessThanOrEqual(1_020)
})
