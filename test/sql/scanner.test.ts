import fc from 'fast-check'
import { loadModule, scanSync } from 'libpg-query'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import type { CommandError } from '../../lambda/errors.ts'
import { scan } from '../../lambda/sql/scanner.ts'
import { connect, testAurora } from '../local-aurora.ts'
import { lexicalMix } from './sql-mixes.ts'

await loadModule()

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

describe('scan', () => {
  it('finds the same tokens as PostgreSQL in any text, and the same torn ones', () => {
    let compared = 0
    fc.assert(
      fc.property(lexicalMix, (sql) => {
        const expected = tokensOfPostgres(sql)
        if (expected === 'refused') return
        compared++
        const found = ourTokens(sql)
        if (found === 'backslash') {
          expect(expected === 'torn' || expected.some((token) => token.endsWith(' \\'))).toBe(true)
        } else expect(found).toEqual(expected)
      }),
      { numRuns: 40_000 },
    )
    expect(compared).toBeGreaterThan(20_000)
  })

  test.each([
    "'a' -- b\n'c'",
    "'a'\n--b\r'c'",
    "'a' -- ;\n\n -- '\n 'b' \n'c'",
    "E'\\'' -- b\n'\\';'",
    "'a''b'\n'c'",
    "u&'\\0061'\r\n'\\0062'",
  ])('joins strings over a line break as PostgreSQL itself does: %s', async (sql) => {
    const client = await connect(aurora, 'postgres')
    expect(Array.from(scan(sql))).toEqual([{ kind: 'string', start: 0, end: sql.length, text: '' }])
    expect((await client.query(`select ${sql} as a`)).rows).toHaveLength(1)
  })

  it('is not slowed down by text that looks like many comments or quotes', () => {
    const started = performance.now()
    for (const text of ["'a'--", "'a' ", '/*', "''", '--\n', '$a', 'e\\', '1e']) {
      const sql = `select ${text.repeat(100_000)}`
      try {
        for (const _ of scan(sql));
      } catch {}
    }
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

const JOINED_OVER_COMMENT = /'\s*--[^\n\r]*[\n\r](?:\s|--[^\n\r]*[\n\r])*'/

type Tokens = 'torn' | readonly string[]

/** Operators character by character: where one ends does not matter to anybody here. */
function inParts(at: number, text: string): string[] {
  return /^[~!@#^&|`?+\-*/%<>=:.]+$/.test(text)
    ? Array.from(text, (character, index) => `${at + index} ${character}`)
    : [`${at} ${text}`]
}

function ourTokens(sql: string): Tokens | 'backslash' {
  try {
    return Array.from(scan(sql)).flatMap(({ start, end }) => inParts(start, sql.slice(start, end)))
  } catch (error) {
    return (error as CommandError).kind === 'TornSql' ? 'torn' : 'backslash'
  }
}

function tokensOfPostgres(sql: string): Tokens | 'refused' {
  // A byte order mark is ours to skip; PostgreSQL takes it for a letter. And to libpg-query, unlike PostgreSQL itself
  // (see below), a comment between two strings keeps them apart.
  if (sql.startsWith('\ufeff') || JOINED_OVER_COMMENT.test(sql)) return 'refused'
  try {
    const bytes = Buffer.from(sql)
    return scanSync(sql)
      .tokens.filter(({ tokenName }) => !tokenName.endsWith('_COMMENT'))
      .flatMap(({ start, end }) => {
        const at = bytes.subarray(0, start).toString().length
        const text = bytes.subarray(start, end).toString()
        return inParts(at, text)
      })
  } catch (error) {
    return (error as Error).message.includes('unterminat') ? 'torn' : 'refused'
  }
}
