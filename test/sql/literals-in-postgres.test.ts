import fc from 'fast-check'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { json, literal, pgArray } from '../../lambda/sql/literals.ts'
import { connect, testAurora } from '../local-aurora.ts'
import { hostileString } from './hostile-values.ts'

let aurora: LocalAurora
let direct: Client

beforeAll(async () => {
  aurora = await testAurora()
  direct = await connect(aurora, 'postgres')
})

afterAll(async () => {
  await direct.end()
  await aurora.stop()
})

describe.each(['on', 'off'])('with standard_conforming_strings %s', (setting) => {
  /** Each value as PostgreSQL read it, in one statement. */
  async function readBack(values: readonly unknown[], type: string): Promise<unknown[]> {
    await direct.query(`set standard_conforming_strings to ${setting}`)
    try {
      const rows = values.map((value, index) => `(${index},${literal(value)}::${type})`)
      const { rows: found } = await direct.query<{ v: unknown }>(
        `select v from (values ${rows.join(',')}) as list (i, v) order by i`,
      )
      return found.map(({ v }) => v)
    } finally {
      await direct.query('reset standard_conforming_strings')
    }
  }

  it('PostgreSQL reads back 20,000 hostile strings as they were', async () => {
    const strings = fc.sample(hostileString, 20_000)
    expect(await readBack(strings, 'text')).toEqual(strings)
  })

  it('PostgreSQL reads back hostile strings in arrays and in JSON as they were', async () => {
    const lists = fc.sample(fc.array(fc.option(hostileString), { minLength: 1 }), 1_000)
    expect(await readBack(lists, 'text[]')).toEqual(lists)
    // Not with a backslash: having parsed the key "\\\\", JSON.parse of V8 13.6 reads "\\n" in its place as the same key.
    const key = hostileString.filter((text) => !text.includes('\\'))
    const documents = fc.sample(fc.dictionary(key, hostileString, { noNullPrototype: true }), 1_000)
    expect(await readBack(documents, 'jsonb')).toEqual(documents)
    const wrapped = lists.map((list) => json(list))
    expect(await readBack(wrapped, 'jsonb')).toEqual(lists)
  })

  it('PostgreSQL reads back bytes, dates and nested arrays as they were', async () => {
    const bytes = fc.sample(
      fc.uint8Array().map((array) => Buffer.from(array)),
      500,
    )
    expect(await readBack(bytes, 'bytea')).toEqual(bytes)
    const dates = fc.sample(
      fc.date({ noInvalidDate: true, min: new Date('-004712-01-01T00:00:00Z') }),
      2_000,
    )
    expect(await readBack(dates, 'timestamptz')).toEqual(dates)
    const nested = [
      [
        [
          [1, 2],
          [null, 4],
        ],
      ],
      [[true, null]],
    ].map((value) => value[0])
    expect(await readBack([nested[0]], 'int[]')).toEqual([nested[0]])
    expect(await readBack([nested[1]], 'bool[]')).toEqual([nested[1]])
    expect(await readBack([pgArray([]), null], 'text[]')).toEqual([[], null])
  })

  it('PostgreSQL reads back numbers as they were', async () => {
    const doubles = fc.sample(
      fc.double().map((value) => value + 0),
      2_000,
    )
    expect(await readBack(doubles, 'float8')).toEqual(
      doubles.map((value) => (value === 0 ? 0 : value)),
    )
    const integers = fc.sample(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), 2_000)
    expect(await readBack(integers, 'int8')).toEqual(integers.map(String))
  })
})
