import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { CommandError } from '../../lambda/errors.ts'
import { json, literal, pgArray } from '../../lambda/sql/literals.ts'
import { refuseTornLiterals } from '../../lambda/sql/torn-literals.ts'
import { blank, context, hostileString, hostileText, writtenValue } from './hostile-values.ts'
import { constantsOf, statementCount } from './parse-tree.ts'

class Money {
  readonly cents = 5
}

/** Stands for the classes of Temporal, which Node 24 does not have yet. */
class TemporalLike {
  readonly #tag: string
  readonly #text: string

  constructor(tag: string, text: string) {
    this.#tag = tag
    this.#text = text
  }

  get [Symbol.toStringTag]() {
    return `Temporal.${this.#tag}`
  }

  toString() {
    return this.#text
  }
}

const decomposed = 'e\u0301'

describe('literal', () => {
  test.each<[unknown, string]>([
    [null, ' null'],
    [true, ' true'],
    [false, ' false'],
    [0, ' 0'],
    [-0, ' 0'],
    [42, ' 42'],
    [-1, ' (-1)'],
    [1.5, ' 1.5'],
    [-1e-7, ' (-1e-7)'],
    [1e21, ' 1e+21'],
    [5e-324, ' 5e-324'],
    [Number.NaN, " 'NaN'"],
    [Number.POSITIVE_INFINITY, " 'Infinity'"],
    [Number.NEGATIVE_INFINITY, " '-Infinity'"],
    [9007199254740993n, ' 9007199254740993'],
    [-9223372036854775808n, ' (-9223372036854775808)'],
    ['', " ''"],
    ["it's", " 'it''s'"],
    [`${decomposed} 😀`, ` '${decomposed} 😀'`],
    ['two\nlines', " 'two\nlines'"],
    ['a:b', " E'a\\x3ab'"],
    ["\\'", " E'\\\\'''"],
    ['12:34', " E'12\\x3a34'"],
    [Buffer.from([0, 255]), " E'\\\\x00ff'"],
    [new Uint8Array([1, 2, 3, 4]).subarray(1, 3), " E'\\\\x0203'"],
    [new Uint8Array(), " E'\\\\x'"],
  ])('writes %o as%s', (value, expected) => {
    expect(literal(value)).toBe(expected)
  })

  test.each<[string, string]>([
    ['2024-02-29T12:34:56.789Z', '2024-02-29T12:34:56.789Z'],
    ['0001-01-01T00:00:00.000Z', '0001-01-01T00:00:00.000Z'],
    ['+010000-01-01T00:00:00.000Z', '10000-01-01T00:00:00.000Z'],
    ['+275760-09-13T00:00:00.000Z', '275760-09-13T00:00:00.000Z'],
    ['0000-12-31T00:00:00.000Z', '0001-12-31T00:00:00.000Z BC'],
    ['-000043-03-15T00:00:00.000Z', '0044-03-15T00:00:00.000Z BC'],
    ['-004713-11-24T00:00:00.000Z', '4714-11-24T00:00:00.000Z BC'],
  ])('writes the Date %s in UTC as %s', (date, expected) => {
    expect(literal(new Date(date))).toBe(` E'${expected.replaceAll(':', '\\x3a')}'`)
  })

  test.each<[string, string]>([
    ['Instant', '2024-02-29T12:34:56.789012Z'],
    ['PlainDate', '2024-02-29'],
    ['PlainTime', '12:34:56'],
    ['PlainDateTime', '2024-02-29T12:34'],
  ])('writes a Temporal.%s as %s', (tag, text) => {
    expect(constantsOf(`select${literal(new TemporalLike(tag, text))}`)[0]?.value).toBe(text)
  })

  it('leaves the calendar out of a Temporal.PlainDate', () => {
    const date = new TemporalLike('PlainDate', '2024-02-29[u-ca=hebrew]')
    expect(literal(date)).toBe(" '2024-02-29'")
  })

  test.each<[unknown[], string]>([
    [[1, -2, null, 2.5], '{1,-2,NULL,2.5}'],
    [[true, false], '{true,false}'],
    [[1n, Number.NaN, -0], '{1,NaN,0}'],
    [['a', '', 'NULL', null], '{"a","","NULL",NULL}'],
    [['say "hi"', 'a\\b', '{x,y}', ' '], '{"say \\"hi\\"","a\\\\b","{x,y}"," "}'],
    [
      [
        [1, 2],
        [3, null],
      ],
      '{{1,2},{3,NULL}}',
    ],
    [[new Date(0)], '{"1970-01-01T00:00:00.000Z"}'],
    [[Buffer.from('ab')], '{"\\\\x6162"}'],
    [[json({ a: [1] }), json(null)], '{"{\\"a\\":[1]}","null"}'],
    [[pgArray([1]), [2]], '{{1},{2}}'],
  ])('writes the array %o as %s', (value, expected) => {
    const [constant] = constantsOf(`select${literal(value)}`)
    expect(constant?.value).toBe(expected)
    expect(literal(pgArray(value))).toBe(literal(value))
  })

  it('writes plain objects as JSON, without losing digits', () => {
    const value = {
      a: 12345678901234567890n,
      b: [1, null, 'x'],
      c: undefined,
      d: new Date(0),
      e: json([]),
    }
    const [constant] = constantsOf(`select${literal(value)}`)
    expect(constant?.value).toBe(
      '{"a":12345678901234567890,"b":[1,null,"x"],"d":"1970-01-01T00:00:00.000Z","e":[]}',
    )
    expect(literal(json(value))).toBe(literal(value))
    expect(literal(Object.create(null))).toBe(" '{}'")
  })

  it('writes an empty array only as its wrapper says', () => {
    expect(literal(pgArray([]))).toBe(" '{}'")
    expect(literal(json([]))).toBe(" '[]'")
  })

  it('writes a wrapper as it was when it was made', () => {
    const values = [1]
    const document = { a: 1 }
    const wrappers = [pgArray(values), json(document)]
    values.push(2)
    document.a = 2
    expect(wrappers.map(literal)).toEqual([" '{1}'", ` E'{"a"\\x3a1}'`])
    expect(wrappers.every(Object.isFrozen)).toBe(true)
    expect(JSON.stringify(wrappers)).toBe('[[1],{"a":1}]')
  })

  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  test.each<[unknown, string]>([
    [undefined, 'a value is undefined: pass null for NULL'],
    [Symbol('x'), 'a value is a symbol'],
    [() => 1, 'a value is a function'],
    ['a\0b', 'a string has a NUL character at index 1'],
    ['\ud800', 'a string has half of a surrogate pair'],
    ['\udc00\ud800', 'a string has half of a surrogate pair'],
    [new Date(Number.NaN), 'a Date is invalid'],
    [new Date(-8.64e15), "before PostgreSQL's first"],
    [[], 'pass pgArray([]) for the first, json([]) for the second'],
    [[[], []], 'pass pgArray([])'],
    [[[1], [2, 3]], 'a PostgreSQL array is rectangular'],
    [[[1], null], 'a PostgreSQL array is rectangular'],
    [[[[[[[[1]]]]]]], 'nested more than 6 deep'],
    [[1, undefined], 'an array element is undefined'],
    [Array(2), 'an array element is undefined'],
    [[{ a: 1 }], 'pass json([…]) for one JSON value, or [json({…}), …]'],
    [[new Money()], 'an object of class Money has no SQL form'],
    [new Money(), 'an object of class Money has no SQL form'],
    [Promise.resolve(1), "add the missing 'await'"],
    [new Map(), 'an object of class Map has no SQL form'],
    [new Float32Array(2), 'an object of class Float32Array has no SQL form'],
    [Object(1), 'an object of class Number has no SQL form'],
    [['a\0'], 'NUL character'],
    [new TemporalLike('Duration', 'P1D'), 'an object of class TemporalLike has no SQL form'],
    [new TemporalLike('PlainDate', '+010000-01-01'), 'not within the years 0001 to 9999'],
    [new TemporalLike('PlainDate', '0000-01-01'), 'not within the years 0001 to 9999'],
    [{ a: [1, { b: Number.NaN }] }, '$.a[1].b is NaN'],
    [{ a: [undefined] }, '$.a[0] is undefined'],
    [{ a: () => 1 }, '$.a is a function'],
    [{ a: new Map() }, '$.a is an object of a class without toJSON()'],
    [{ a: Buffer.from('x') }, '$.a is bytes'],
    [{ a: 'x\0' }, '$.a has a NUL character'],
    [{ '\ud800': 1 }, '$ has half of a surrogate pair'],
    [cyclic, '$.self contains itself'],
  ])('refuses %o', (value, message) => {
    expect(() => literal(value)).toThrow(CommandError)
    expect(() => literal(value)).toThrow(message)
  })

  it('keeps every one of 20,000 hostile strings as one constant with the same content and no colon', () => {
    fc.assert(
      fc.property(hostileString, (text) => {
        const written = literal(text)
        expect(written).not.toContain(':')
        expect(constantsOf(`select${written}`)).toEqual([{ value: text, location: 7 }])
      }),
      { numRuns: 20_000 },
    )
  })

  it('parses to the same one constant after every operator, keyword and kind of blank', () => {
    fc.assert(
      fc.property(writtenValue, context, blank, ([written, value], [text, rest], gap) => {
        const start = text.length + gap.length
        const sql = `${text}${gap}${written}${rest}`
        expect(constantsOf(sql).map((constant) => constant.value)).toEqual([value])
        refuseTornLiterals(sql, [[start, start + written.length]])
      }),
      { numRuns: 20_000 },
    )
  })

  it('does not let a minus sign and a negative number begin a comment', () => {
    expect(constantsOf(`select -${literal(-1)}, 2`).map(({ value }) => value)).toEqual([1, 2])
  })

  it('is refused, or stays what it is, wherever it stands in hostile text', () => {
    let whole = 0
    fc.assert(
      fc.property(hostileText, hostileString, hostileText, (text, value, rest) => {
        const written = literal(value)
        const sql = `select ${text}${written}${rest}`
        const start = `select ${text}`.length
        try {
          refuseTornLiterals(sql, [[start, start + written.length]])
          if (statementCount(sql) === 0) return
        } catch {
          return
        }
        whole++
        const location = Buffer.byteLength(sql.slice(0, start + 1))
        expect(constantsOf(sql)).toContainEqual({ value, location })
      }),
      { numRuns: 20_000 },
    )
    expect(whole).toBeGreaterThan(500)
  })
})
