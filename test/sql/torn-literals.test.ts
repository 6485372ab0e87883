import { describe, expect, it, test } from 'vitest'
import { CommandError } from '../../lambda/errors.ts'
import { literal } from '../../lambda/sql/literals.ts'
import { refuseTornLiterals } from '../../lambda/sql/torn-literals.ts'

describe('refuseTornLiterals', () => {
  const check = (before: string, value: unknown, after: string) => () => {
    const written = literal(value)
    const end = before.length + written.length
    refuseTornLiterals(`${before}${written}${after}`, [[before.length, end]])
  }

  test.each<[string, unknown, string]>([
    ["select '", 'x', "'"],
    ["select 'a", 'it', " b'"],
    ["select '", '; drop table t; --', "'"],
    ['select "', 1, '"'],
    ['do $$ begin perform ', '$$; drop table t; --', '; end $$'],
    ['do $$ begin perform ', 1, '; end $$'],
    ['select 1 -- ', 'a\n; drop table t', ''],
    ['select /* ', '*/ 1', ' */'],
    ["select 'a'\n", 'b', ''],
    ["select 'a' -- comment\n", 'b', ''],
    ['select ', 'a', "\n'b'"],
    ['select ', 'a', "'b'"],
    ['select ', 1, '0'],
    ['select ', 1, '.5'],
    ['select ', true, 'x'],
    ['select ', null, 'a'],
  ])('refuses a value between %o, %o and %o', (before, value, after) => {
    expect(check(before, value, after)).toThrow(CommandError)
  })

  it('names the line and the fix', () => {
    expect(check("select 1,\n '", 'x', "'")).toThrow(
      /^line 2: a value stands inside quotes.*: write \$\{value\} by itself, as in '%' \|\| \$\{value\} \|\| '%'/,
    )
  })

  test.each<[string, unknown, string]>([
    ["select 'a',", 'b', ",\n'c'"],
    ['select -', -1, '::int'],
    ['select a-', -1.5, ''],
    ['select f(', null, ')'],
    ["select '%' ||", 'x', " || '%'"],
    ['select ', "it's:\\", ' -- comment'],
    ['select ', [1, 2], '::int[]'],
  ])('lets a value between %o, %o and %o pass', (before, value, after) => {
    expect(check(before, value, after)).not.toThrow()
  })

  it('looks at every value of a statement', () => {
    const parts = ['select', literal(1), ',', literal('a'), ", '", literal(2), "'"]
    const sql = parts.join('')
    const starts = parts.map((_, index) => parts.slice(0, index).join('').length)
    const spans = [1, 3, 5].map((index): [number, number] => [
      starts[index] ?? 0,
      starts[index + 1] ?? 0,
    ])
    expect(() => refuseTornLiterals(sql, spans)).toThrow(CommandError)
    expect(() => refuseTornLiterals(sql, spans.slice(0, 2))).not.toThrow()
  })
})
