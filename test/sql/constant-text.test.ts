import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { constantText, nameText, stringText } from '../../lambda/sql/constant-text.ts'
import { scan } from '../../lambda/sql/scanner.ts'
import { columnNames, constantsOf } from './parse-tree.ts'

const PIECES = [
  ...['a', 'B', ' ', "''", '""', '"', '\\\\', "\\'", '\\n', '\\b', '\\t', '\\q', '\\x41', '\\x4G'],
  ...['\\101', '\\7x', '\\u0041', '\\U0001F600', '\\0041', '\\+01F600', '--', '\n', 'é', '😀', '$'],
  ...["'\n'", "' -- it''s\n  '", '/*', '*/', '::', 'uescape'],
]
const body = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((parts) => parts.join(''))
const quotes: [open: string, close: string][] = [
  ["'", "'"],
  ["e'", "'"],
  ["E'", "'"],
  ["u&'", "'"],
  ["U&'", "'"],
  ['$$', '$$'],
  ['$a$', '$a$'],
]

function parsed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

describe('stringText', () => {
  it('reads every string constant as PostgreSQL itself does', () => {
    let compared = 0
    fc.assert(
      fc.property(fc.constantFrom(...quotes), body, ([open, close], text) => {
        const sql = `select ${open}${text}${close}`
        const [constant, ...others] = parsed(() => constantsOf(sql)) ?? []
        const [, token, ...more] = parsed(() => [...scan(sql)]) ?? []
        if (constant === undefined || others.length > 0 || more.length > 0 || !token) return
        compared += 1
        expect(stringText(sql, token)).toBe(constant.value)
      }),
      { numRuns: 20_000 },
    )
    expect(compared).toBeGreaterThan(5_000)
  })

  test.each(["b'01'", "x'1f'"])('has no text for %s', (sql) => {
    const [token] = scan(sql)
    expect(token && stringText(sql, token)).toBeUndefined()
  })
})

describe('nameText', () => {
  it('reads every name as PostgreSQL itself does', () => {
    let compared = 0
    fc.assert(
      fc.property(fc.constantFrom('"', 'u&"', 'U&"'), body, (open, text) => {
        const sql = `select ${open}x${text}"`
        const [name, ...others] = parsed(() => columnNames(sql)) ?? []
        const [, token, ...more] = parsed(() => [...scan(sql)]) ?? []
        if (name === undefined || others.length > 0 || more.length > 0 || !token) return
        // PostgreSQL keeps 63 bytes of a name.
        if (Buffer.byteLength(name) >= 60) return
        compared += 1
        expect(nameText(sql, token)).toBe(name)
      }),
      { numRuns: 10_000 },
    )
    expect(compared).toBeGreaterThan(2_000)
  })
})

describe('constantText', () => {
  test.each([
    ["'client_encoding'", 'client_encoding'],
    ["'client_' || 'encoding'", 'client_encoding'],
    ["'client_'\n'encoding'", 'client_encoding'],
    ["(('client' || E'\\x5f') || $$encoding$$)::text", 'client_encoding'],
    ["cast(U&'client\\005fencoding' as character varying)", 'client_encoding'],
    ["text 'client_encoding'", 'client_encoding'],
    ["N'client_encoding'", 'client_encoding'],
    ["concat('client_', 'encoding')", 'client_encoding'],
    ["pg_catalog.lower('client_encoding')::pg_catalog.text", 'client_encoding'],
    ["name || 'encoding'", undefined],
    ['$1', undefined],
    ['setting', undefined],
    ["replace('client-encoding', '-', '_')", undefined],
    ["coalesce(null, 'client_encoding')", undefined],
    ['', undefined],
  ])('of %s is %s', (sql, text) => {
    expect(constantText(sql, [...scan(sql)])).toBe(text)
  })
})
