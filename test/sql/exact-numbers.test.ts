import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isExactInResult, parseExactJson } from '../../lambda/sql/exact-numbers.ts'

const refusal = (number: string) => new Error(`refused ${number}`)
const parse = (text: string) => parseExactJson(text, refusal, isExactInResult)

describe('parseExactJson', () => {
  test('reads what JavaScript writes as JSON.parse does, but floats of all digits from 1e16 on', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.boolean(), (value, wide) => {
        const text = wide ? JSON.stringify(value, null, 1) : JSON.stringify(value)
        const numbers = text.match(/-?\d[\d.]*e?[+-]?\d*/g) ?? []
        fc.pre(!numbers.some((number) => Math.abs(Number(number)) >= 1e16))
        expect(parse(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 1_000 },
    )
  })

  test('keeps or refuses every integer, wherever it stands', () => {
    const places: ((number: string) => string)[] = [
      (number) => number,
      (number) => `[${number}]`,
      (number) => `[0, ${number}, 0]`,
      (number) => `{"a":${number}}`,
      (number) => `{"a": {"b": [[],\n${number}]}}`,
      (number) => `["9e9", "\\": 1e5", ${number} ]`,
    ]
    fc.assert(
      fc.property(fc.bigInt(), fc.constantFrom(...places), (integer, place) => {
        const text = place(String(integer))
        if (BigInt(Number(integer)) === integer && String(Number(integer)) === String(integer)) {
          expect(parse(text)).toEqual(JSON.parse(text))
        } else {
          expect(() => parse(text)).toThrow(`refused ${integer}`)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ...['9007199254740993', '-9007199254740993', '18446744073709551615', '0.1234567890123456789'],
    ...['1.00000000000000001', '1e400', '-1E400', '1e-400', '1.2345678901234567e19'],
    ...['1.797693134862315708145274237317e308', '52.520006599999996', '12345678901234567.5'],
  ])('refuses %s', (number) => {
    expect(() => parse(`{"a":[${number}]}`)).toThrow(`refused ${number}`)
  })

  test.each([
    ...['9007199254740992', '-9007199254740991', '0.30000000000000004', '0.10000000000000001'],
    ...['1.000000000000000000000', '100000000000000000000000', '1E21', '6.02214076e+23', '5e-324'],
    ...['1.7976931348623157e-300', '-0', '0e0', '0.0', '-0.0'],
  ])('reads %s', (number) => {
    expect(parse(`{"a":[${number}]}`)).toEqual({ a: [Number(number)] })
  })

  test('does not take text for a number', () => {
    const text = JSON.stringify({
      '12345678901234567890': ['12345678901234567890', ': 9007199254740993', ', 1e400'],
    })
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  test('reads a number that is called __proto__', () => {
    const value = parse('{"__proto__": 1.5e3, "a": 1}') as object
    expect(Object.entries(value)).toEqual([
      ['__proto__', 1500],
      ['a', 1],
    ])
  })
})
