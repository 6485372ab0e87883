import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { pgArray } from '../../lambda/sql/literals.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, testContext, type Work } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

async function run(work: Work, { batching = true, defaults = [] as readonly string[] } = {}) {
  const database = await newDatabase(aurora)
  const pg = await connect(aurora, database)
  for (const setting of defaults) await pg.query(`alter database "${database}" set ${setting}`)
  const context = testContext(aurora, database, [revision('a', null, work)])
  return { report: await upgrade({ ...context, batching }), pg }
}

const HIDDEN = `create function hide(name text, value text) returns text language plpgsql as $$
  begin return set_config(name, value, true); end $$`

describe.each([true, false])(
  'a setting that changes how text is read, with batching %s',
  (batching) => {
    test.each([
      ['client_encoding', 'latin1', 'LATIN1', 'iconv'],
      ['standard_conforming_strings', 'off', 'off', "E'…'"],
      ['array_nulls', 'off', 'off', '{"NULL"}'],
    ])('is found where a function hides it: %s', async (name, value, shown, fix) => {
      for (const hidden of [
        `select length(hide('${name}', '${value}'))`,
        `do $$ begin execute 'set ' || 'local ${name} = ${value}'; end $$`,
      ]) {
        const { report, pg } = await run(
          async (op) => {
            await op.execute(HIDDEN)
            await op.execute('create table k (name text)')
            await op.execute(hidden)
            await op.execute("insert into k values ('Résumé')")
          },
          { batching },
        )
        expect(report.status).toBe('failed')
        expect(report.error?.message).toContain(
          `a function or do block has set ${name} to ${shown}, and `,
        )
        expect(report.error?.message).toContain(fix)
        expect((await pg.query("select to_regclass('k') as k")).rows).toEqual([{ k: null }])
      }
    })

    test('does not reach the statements of a revision from the database', async () => {
      const { report, pg } = await run(
        async (op) => {
          await op.execute('create table k (name text[], note text)')
          await op.execute(sql`insert into k values (${pgArray(['a', null])}, 'a\\')`)
          await op.execute("update k set note = note || '\\'")
        },
        { batching, defaults: ['array_nulls = off', 'standard_conforming_strings = off'] },
      )
      expect(report.status).toBe('succeeded')
      expect((await pg.query('select name[2] is null as is_null, note from k')).rows).toEqual([
        { is_null: true, note: 'a\\\\' },
      ])
    })
  },
)

const COLUMNS =
  'id integer, ts timestamp, tz timestamptz, d date, t time, f8 float8, f4 float4, n numeric, b bytea, bs bytea[], tzs timestamptz[], f8s float8[], x text, j jsonb, e text'

const at = new Date('2013-02-01T09:00:06.784Z')
const row = {
  ts: at,
  tz: at,
  d: at,
  t: '09:00:06.784',
  f8: 0.1 + 0.2,
  f4: 1.00000012,
  n: -1234.5,
  b: new Uint8Array([0, 92, 39, 255]),
  bs: pgArray([new Uint8Array([1, 92])]),
  tzs: pgArray([at, new Date('0044-03-15T00:00:00Z'), new Date(Date.UTC(-43, 2, 15))]),
  f8s: pgArray([0.1 + 0.2, 1e-7]),
  x: "it's \\ :x",
  j: { n: 0.1 + 0.2, text: '\\' },
  e: "E'\\'",
}

/** The same row by each way to write one. */
async function writeRows(op: Operations): Promise<void> {
  const db = op.getBind<{ k: Record<string, unknown> }>()
  await op.execute(db.insertInto('k').values({ id: 1, ...row }))
  await op.bulkInsert('k', [{ id: 2, ...row }])
  await op.bulkInsert(
    'k',
    [
      { id: 3, ...row },
      { id: 4, ...row },
    ],
    { chunkBytes: 1 },
  )
  await op.bulkInsert('k', [{ id: 5 }])
  await op.bulkUpdate('k', [{ id: 5, ...row }], { key: ['id'] })
}

/** As text that no setting changes. */
const STORED = `select id, md5(textsend(k.t::text)) as t, encode(float8send(f8), 'hex') as f8, encode(float4send(f4), 'hex') as f4,
  encode(timestamp_send(ts), 'hex') as ts, encode(timestamptz_send(tz), 'hex') as tz, encode(date_send(d), 'hex') as d,
  encode(array_send(bs), 'hex') as bs, encode(array_send(tzs), 'hex') as tzs, encode(array_send(f8s), 'hex') as f8s,
  encode(b, 'hex') as b, n::text as n, x, j::text as j, e from k order by id`

describe('a setting that a revision may have', () => {
  test.each([
    ...["datestyle = 'ISO, DMY'", "datestyle = 'German'", "datestyle = 'SQL, DMY'"],
    ...[
      "datestyle = 'Postgres, MDY'",
      "intervalstyle = 'sql_standard'",
      "intervalstyle = 'iso_8601'",
    ],
    ...["bytea_output = 'escape'", 'extra_float_digits = -15', "timezone = 'Asia/Tokyo'"],
    ...['backslash_quote = off', 'escape_string_warning = off', 'xmloption = document'],
    ...["xmlbinary = 'hex'", 'transform_null_equals = on', 'quote_all_identifiers = on'],
    ...["timezone_abbreviations = 'India'", "lc_monetary = 'C'", "lc_numeric = 'C'"],
  ])('changes nothing that is written: %s', async (setting) => {
    const written = async (before: string) => {
      const { report, pg } = await run(async (op) => {
        await op.execute(`create table k (${COLUMNS})`)
        await op.execute(before)
        await writeRows(op)
      })
      expect(report.error?.message).toBeUndefined()
      return (await pg.query(STORED)).rows
    }
    const rows = await written(`set local ${setting}`)
    expect(rows).toEqual(await written('set local work_mem = 65536'))
    const [first, ...others] = rows.map(({ id: _, ...rest }) => rest)
    expect(others).toEqual([first, first, first, first])
  })
})
