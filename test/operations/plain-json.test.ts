import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { json } from '../../lambda/data-api/literals.ts'
import { jsonValue } from '../../lambda/operations/json-value.ts'
import { plainJson } from '../../lambda/operations/plain-json.ts'
import { hostileString } from '../data-api/hostile-values.ts'

/** What the writer with all the checks makes of it; undefined where it refuses. */
function checked(value: unknown): string | undefined {
  try {
    return jsonValue(value)
  } catch {
    return undefined
  }
}

describe('plainJson', () => {
  test('is what the writer with all the checks writes, or nothing', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
      key: fc.oneof(hostileString, fc.string({ unit: 'binary' })),
      values: [
        hostileString,
        fc.string({ unit: 'binary' }),
        fc.double(),
        fc.boolean(),
        fc.constantFrom(
          null,
          undefined,
          '\\u0000',
          '\0',
          '\ud800',
          '\\ud800',
          json(null),
          json([]),
        ),
        fc.date(),
      ],
    })
    let written = 0
    fc.assert(
      fc.property(anything, (value) => {
        const text = plainJson(value)
        if (text === undefined) return
        written += 1
        expect(text).toBe(checked(value))
      }),
      { numRuns: 3000 },
    )
    expect(written).toBeGreaterThan(300)
  })

  test('writes the rows that bulkInsert mostly gets, and leaves the others to the writer with the checks', () => {
    expect(plainJson({ id: 1, name: 'a "b"', at: new Date(0), j: { a: [null, true] } })).toBe(
      '{"id":1,"name":"a \\"b\\"","at":"1970-01-01T00:00:00.000Z","j":{"a":[null,true]}}',
    )
    for (const value of [
      1n,
      Number.NaN,
      undefined,
      new Uint8Array(1),
      json(1),
      'a\0',
      '\udfff',
      '\\u0000',
    ]) {
      expect(plainJson({ value })).toBeUndefined()
      expect(plainJson({ value: [value] })).toBeUndefined()
    }
    expect(plainJson({ at: new Date(-62198755200000) })).toBeUndefined()
    expect(plainJson({ toJSON: () => 1 })).toBeUndefined()
    const circular: unknown[] = []
    circular.push(circular)
    expect(plainJson(circular)).toBeUndefined()
  })
})
