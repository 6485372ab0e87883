import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { CommandError } from '../../lambda/errors.ts'
import { identifier, qualifiedName } from '../../lambda/sql/literals.ts'
import { hostileString } from './hostile-values.ts'
import { columnNames } from './parse-tree.ts'

describe('identifier', () => {
  test.each([
    ['a', '"a"'],
    ['say "hi"', '"say ""hi"""'],
    ["it's; -- \\", `"it's; -- \\"`],
    ['select', '"select"'],
    ['é'.repeat(31), `"${'é'.repeat(31)}"`],
    ['schema.table', '"schema.table"'],
  ])('writes %s as %s', (name, expected) => {
    expect(identifier(name)).toBe(expected)
  })

  test.each([
    ['', 'a name is empty'],
    ['a\0', 'has a NUL character'],
    ['\ud800', 'has half of a surrogate pair'],
    ['a'.repeat(64), 'has 64 bytes and PostgreSQL keeps 63'],
    ['é'.repeat(32), 'has 64 bytes and PostgreSQL keeps 63'],
  ])('refuses %o', (name, message) => {
    expect(() => identifier(name)).toThrow(CommandError)
    expect(() => identifier(name)).toThrow(message)
  })

  it('keeps hostile names as one name', () => {
    const name = hostileString.filter((text) => text !== '' && Buffer.byteLength(text) <= 63)
    fc.assert(
      fc.property(name, (text) => {
        expect(columnNames(`select ${identifier(text)} from t`)).toEqual([text])
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('qualifiedName', () => {
  test.each<[Parameters<typeof qualifiedName>[0], string]>([
    ['a', '"a"'],
    ['s.a', '"s"."a"'],
    [' s . a ', '"s"."a"'],
    [{ name: 'a.b' }, '"a.b"'],
    [{ schema: 's.t', name: 'a' }, '"s.t"."a"'],
    [{ schema: undefined, name: 'a' }, '"a"'],
  ])('writes %o as %s, as Kysely does', (name, expected) => {
    expect(qualifiedName(name)).toBe(expected)
  })

  it('refuses a name with two dots, an empty part and a part that is too long', () => {
    expect(() => qualifiedName('a.b.c')).toThrow("has 2 dots and may have one, as in 'schema.name'")
    expect(() => qualifiedName('a.')).toThrow('a name is empty')
    expect(() => qualifiedName(`s.${'a'.repeat(64)}`)).toThrow('has 64 bytes')
  })
})
