import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonValue } from '../../../lambda/operations/bulk/json-value.ts'
import { jsonSize, plainSize } from '../../../lambda/operations/bulk/request-size.ts'
import { json } from '../../../lambda/sql/literals.ts'
import { hostileString } from '../../sql/hostile-values.ts'

/** What the writer with all the checks makes of it; undefined where it refuses. */
function checked(value: unknown): string | undefined {
  try {
    return jsonValue(value)
  } catch {
    return undefined
  }
}

describe('plainSize', () => {
  test('is what the JSON of JSON.stringify takes where the writer with all the checks writes the same, or nothing', () => {
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
        const size = plainSize(value)
        if (size === undefined) return
        written += 1
        const text = JSON.stringify(value)
        expect(text).toBe(checked(value))
        expect(size).toBe(Buffer.byteLength(JSON.stringify(text)) - 2)
        expect(jsonSize(text)).toBe(size)
      }),
      { numRuns: 3000 },
    )
    expect(written).toBeGreaterThan(300)
  })

  test('knows the rows that bulkInsert mostly gets, and leaves the others to the writer with the checks', () => {
    const row = {
      id: -1.5,
      name: 'a "b"\n\u001f ü€😀',
      at: new Date(0),
      j: { a: [null, true, {}, []] },
    }
    expect(plainSize(row)).toBe(Buffer.byteLength(JSON.stringify(JSON.stringify(row))) - 2)
    for (const value of [
      1n,
      Number.NaN,
      undefined,
      new Uint8Array(1),
      json(1),
      'a\0',
      '\udfff',
      '\ud800x',
    ]) {
      expect(plainSize({ value })).toBeUndefined()
      expect(plainSize({ value: [value] })).toBeUndefined()
    }
    expect(plainSize({ 'a\0': 1 })).toBeUndefined()
    expect(plainSize({ at: new Date(-62198755200000) })).toBeUndefined()
    expect(plainSize({ at: new Date(Number.NaN) })).toBeUndefined()
    expect(plainSize({ toJSON: () => 1 })).toBeUndefined()
    const circular: unknown[] = []
    circular.push(circular, circular)
    expect(plainSize(circular)).toBeUndefined()
  })
})
