import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import { Session } from '../../lambda/session/session.ts'
import { Statement } from '../../lambda/sql/statement.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { unqualifiedNames } from '../sql/qualified-names.ts'

const MEBIBYTE = 1_048_576

let aurora: LocalAurora
let database: string
let session: Session

beforeAll(async () => {
  aurora = await testAurora()
  database = await newDatabase(aurora)
  Object.assign(process.env, aurora.environment(database))
})
afterAll(() => aurora.stop())

beforeEach(async () => {
  session = newSession()
  await session.begin()
  await session.execute(new Statement('create table wide (id integer primary key, body text)'))
  await session.execute(new Statement('create table moved (id integer)'))
  await session.execute(
    new Statement(`create function move_row(id integer, width integer = 100) returns text language plpgsql
    as 'begin insert into moved values (id); return repeat(''x'', width); end'`),
  )
  aurora.calls.clear()
  return () => session.rollback()
})

function newSession(): Session {
  const { clusterArn, secretArn } = aurora
  return new Session(new RdsDataApi({ clusterArn, secretArn, database }))
}

const statements = () =>
  aurora.calls.forDatabase(database).map((call) => call.sql ?? call.operation)

async function fill(rows: number, bytes: number): Promise<void> {
  await session.execute(
    new Statement(
      `insert into wide select n, repeat('x', ${bytes}) from generate_series(1, ${rows}) n`,
    ),
  )
  aurora.calls.clear()
}

const one = async (sql: string) =>
  Object.values((await session.query(new Statement(sql)))[0] ?? {})[0]
const range = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

describe('rows of a statement', () => {
  test('come in one call when they are small, in the order of the statement', async () => {
    await fill(1_000, 10)
    const rows = await session.query(new Statement('select id from wide order by id desc'))
    expect(rows).toHaveLength(1_000)
    expect(rows.slice(0, 2)).toEqual([{ id: 1_000 }, { id: 999 }])
    expect(statements()).toHaveLength(1)
  })

  test('are none when there are none', async () => {
    expect(await session.query(new Statement('select id from wide'))).toEqual([])
  })

  test.each([
    [
      'values',
      'values (1, null), (2, 3)',
      [
        { column1: 1, column2: null },
        { column1: 2, column2: 3 },
      ],
    ],
    [
      'a with query',
      "with w as (select 7 as seven) select seven, 'x' as x from w",
      [{ seven: 7, x: 'x' }],
    ],
    ['a with query in parentheses', '(with w as (select 7 as seven) table w)', [{ seven: 7 }]],
    ['table', 'table wide', []],
    ['a comment at the end', 'select 1 as one -- the end', [{ one: 1 }]],
    ['a semicolon', 'select 1 as one;', [{ one: 1 }]],
    ['no columns', 'select from generate_series(1, 2)', [{}, {}]],
    ['show', 'show standard_conforming_strings', [{ standard_conforming_strings: 'on' }]],
    ['explain', 'explain (costs off) select 1', [{ 'QUERY PLAN': 'Result' }]],
    [
      'returning',
      "insert into wide values (5, 'five') returning id, body",
      [{ id: 5, body: 'five' }],
    ],
    [
      'merge',
      'merge into wide using (values (8)) v (id) on wide.id = v.id when not matched then insert values (v.id) returning merge_action() as did, wide.*',
      [{ did: 'INSERT', id: 8, body: null }],
    ],
    [
      'a statement that writes in its with',
      "with w as (insert into wide values (6, 'six') returning id) select id from w",
      [{ id: 6 }],
    ],
    [
      'a statement that writes in its with, and then writes',
      "with recursive w (id) as (insert into wide values (6, 'six') returning id), v as (select 1) insert into moved (select id from w, v) returning *",
      [{ id: 6 }],
    ],
  ])('are those of %s, in one call', async (_name, sql, rows) => {
    expect(await session.query(new Statement(sql))).toEqual(rows)
    expect(statements()).toHaveLength(1)
  })

  test('with two columns of one name keep the last, as node-postgres does', async () => {
    expect(await session.query(new Statement('select 1 as a, 2 as a'))).toEqual([{ a: 2 }])
  })

  test('of a statement that returns none are refused before it is sent', async () => {
    await expect(session.query(new Statement("insert into wide values (1, 'x')"))).rejects.toThrow(
      "op.query needs a statement that returns rows: add 'returning …', or run it with op.execute (it begins: insert into wide values (1, 'x'))",
    )
    expect(statements()).toEqual([])
  })

  test('outside a transaction come in one call, and are lost when they take more', async () => {
    const alone = newSession()
    expect(await alone.query(new Statement('select 1 as one'))).toEqual([{ one: 1 }])
    await expect(
      alone.query(new Statement(`select repeat('x', ${MEBIBYTE}) as x`)),
    ).rejects.toThrow(
      'a statement ran outside a transaction, and its rows are lost, because they take more than one answer of the Data API: read them inside a transaction, or fewer of them (it begins: select repeat(',
    )
  })
})

describe('rows that do not fit into an answer', () => {
  test('are read in parts, which the transaction keeps no longer', async () => {
    await fill(5_000, 1_000)
    const rows = await session.query(new Statement('select id, body from wide order by id'))
    expect(rows.map(({ id }) => id)).toEqual(range(5_000))
    expect(rows.every(({ body }) => body === 'x'.repeat(1_000))).toBe(true)
    const [first, ...others] = statements()
    expect(first).toContain('(\nselect id, body from wide order by id\n)')
    expect(others).toEqual(
      range(7).map(
        (n) =>
          `with "kept" as materialized (select pg_catalog.current_setting('aurora_migrations.part_${n}') as "part") select "part", pg_catalog.set_config('aurora_migrations.part_${n}', '', true) as "left" from "kept"`,
      ),
    )
    expect(
      await session.query(
        new Statement(
          `select bool_and(current_setting('aurora_migrations.part_' || n) = '') as cleared from generate_series(1, 7) n`,
        ),
      ),
    ).toEqual([{ cleared: true }])
  })

  test('are read by statements in which no name of ours is looked up along the search path', async () => {
    await session.query(new Statement("select pg_catalog.repeat('x', 2000000) as x"))
    await session.execute(new Statement('select 1 as x'))
    expect(statements()).toHaveLength(5)
    expect(statements().flatMap((sql) => unqualifiedNames(sql))).toEqual([])
  })

  test('are all there on both sides of the limit', async () => {
    const calls: number[] = []
    for (let bytes = 899_940; bytes <= 899_960; bytes += 1) {
      aurora.calls.clear()
      expect(await one(`select repeat('x', ${bytes}) as x`)).toBe('x'.repeat(bytes))
      calls.push(statements().length)
    }
    expect([...new Set(calls)]).toEqual([1, 2])
  })

  const LARGE = 'from generate_series(1, 20000) i'
  test.each([
    ['a select of a volatile function', `select i, move_row(i) ${LARGE}`],
    [
      'a with that writes',
      `with m as (insert into moved select i ${LARGE} returning id) select id, repeat('x', 100) as b from m`,
    ],
    ['an insert', `insert into moved select i ${LARGE} returning id, repeat('x', 100) as b`],
    [
      'a merge',
      `merge into moved using (select i ${LARGE}) g on false when not matched then insert values (g.i) returning id, repeat('x', 100) as b`,
    ],
  ])('come from one execution: %s', async (_name, sql) => {
    const rows = await session.query(new Statement(sql))
    expect(rows.map((row) => Object.values(row))).toEqual(
      range(20_000).map((n) => [n, 'x'.repeat(100)]),
    )
    expect(statements()).toHaveLength(4)
    expect(
      await session.query(
        new Statement(
          'select count(*)::integer as n, count(distinct id)::integer as ids from moved',
        ),
      ),
    ).toEqual([{ n: 20_000, ids: 20_000 }])
  })

  test('are numbered by a sequence once', async () => {
    await session.execute(new Statement('create sequence s'))
    const rows = await session.query(
      new Statement(`select nextval('s') as n, repeat('x', 100) ${LARGE}`),
    )
    expect([rows[0]?.n, rows.at(-1)?.n, await one(`select nextval('s') as n`)]).toEqual([
      '1',
      '20000',
      '20001',
    ])
  })

  test('are right within a savepoint, which takes back what was done with them', async () => {
    await session.execute(new Statement('savepoint s'))
    expect(await session.query(new Statement(`select move_row(i) ${LARGE}`))).toHaveLength(20_000)
    await session.execute(new Statement('rollback to savepoint s'))
    expect(await one('select count(*)::integer as n from moved')).toBe(0)
    expect(await session.query(new Statement(`select move_row(i, 99) as x ${LARGE}`))).toEqual(
      range(20_000).map(() => ({ x: 'x'.repeat(99) })),
    )
    expect(await one('select count(*)::integer as n from moved')).toBe(20_000)
  })

  test('are read before anything else is sent', async () => {
    const rows = session.query(new Statement(`select i, move_row(i) ${LARGE}`))
    const count = session.query(new Statement('select count(*)::integer as n from moved'))
    await session.execute(new Statement('delete from moved'))
    expect(await count).toEqual([{ n: 20_000 }])
    expect(await rows).toHaveLength(20_000)
    expect(statements().slice(-1)).toEqual(['delete from moved'])
  })

  test.each([
    ['many columns', 'select id, null as b, null as c, null as d, null as e, null as f from wide'],
    ['quotes and backslashes', `select id, repeat('\\"', 40) as b from wide`],
    ['bytes', `select id, decode(repeat('ff', 60), 'hex') as b from wide`],
    ['characters of several bytes', `select id, repeat('a€😀é', 17 + id % 3) as b from wide`],
    [
      'small rows beside a large one',
      "select id, case id when 9 then repeat('y', 300000) else '' end as b from wide",
    ],
  ])('are the right ones for %s', async (_name, sql) => {
    await fill(9_000, 1)
    const client = await connect(aurora, database)
    await client.query(
      `create temporary table wide as select n as id, 'x' as body from generate_series(1, 9000) n`,
    )
    expect(await session.query(new Statement(sql))).toEqual((await client.query(sql)).rows)
    expect(await session.query(new Statement('select 1 as one'))).toEqual([{ one: 1 }])
  })

  test.each([899_800, 900_002, 1_000_000, MEBIBYTE, 5_000_000])(
    'may be a single value, of %i bytes',
    async (bytes) => {
      const [row] = await session.query(
        new Statement(`insert into wide values (1, repeat('é', ${bytes / 2})) returning body`),
      )
      expect(row?.body).toBe('é'.repeat(bytes / 2))
      expect(await one('select octet_length(body) from wide')).toBe(bytes)
    },
  )
})

describe('columns of any name', () => {
  test.each([
    'aurora_rows',
    'aurora_rows_was',
    'aurora_count',
    'aurora_bytes',
    'number',
    'content',
    'parts',
    'first',
    'restored',
    'r',
    'kept',
    'names',
    '__proto__',
    'constructor',
    '1',
    'a "b" \\ \n,()',
    '😀',
    '?column?',
  ])('come back: %j', async (name) => {
    const quoted = `"${name.replaceAll('"', '""')}"`
    await session.execute(new Statement(`create table t (${quoted} integer, z integer)`))
    await session.execute(new Statement('insert into t values (1, 2), (null, 3)'))
    const rows = await session.query(new Statement('select * from t order by z'))
    expect(rows.map((row) => Object.entries(row))).toEqual([
      [
        [name, 1],
        ['z', 2],
      ].sort(([a]) => (a === '1' ? -1 : 0)),
      [
        [name, null],
        ['z', 3],
      ],
    ])
    expect(
      await session.query(new Statement(`update t set z = 4 where z = 3 returning ${quoted}`)),
    ).toEqual([Object.fromEntries([[name, null]])])
  })

  test('and tables and queries that are named as ours come back', async () => {
    await session.execute(new Statement('create table aurora_rows (aurora_rows integer)'))
    await session.execute(new Statement('insert into aurora_rows values (7)'))
    const expected = [{ aurora_rows: 7 }]
    expect(await session.query(new Statement('select * from aurora_rows'))).toEqual(expected)
    expect(
      await session.query(
        new Statement(
          'with recursive aurora_rows_2 as (select * from AURORA_ROWS) select * from aurora_rows_2',
        ),
      ),
    ).toEqual(expected)
  })
})

describe('the settings of a session', () => {
  test('change no value, and stay as they are', async () => {
    const settings = {
      datestyle: 'German, DMY',
      bytea_output: 'escape',
      extra_float_digits: '-3',
      timezone: 'Europe/Amsterdam',
    }
    const sql = `select '1890-05-01 10:00:00+00'::timestamptz as at, '0044-03-15 BC'::date as day, '2024-01-02 03:04:05.06'::timestamp as clock, '\\x00ff5c'::bytea as bytes, 0.1::float8 + 0.2::float8 as sum, array['2024-07-01 10:00:00+00'::timestamptz, '2024-07-01 10:00:00.5+00'::timestamptz] as instants`
    const standard = await session.query(new Statement(sql))
    for (const [name, value] of Object.entries(settings)) {
      await session.execute(new Statement(`set local ${name} = '${value}'`))
    }
    expect(await session.query(new Statement(sql))).toEqual(standard)
    expect(standard).toEqual([
      {
        at: new Date('1890-05-01T10:00:00Z'),
        day: '0044-03-15 BC',
        clock: '2024-01-02 03:04:05.06',
        bytes: Buffer.from([0, 255, 92]),
        sum: 0.30000000000000004,
        instants: [new Date('2024-07-01T10:00:00Z'), new Date('2024-07-01T10:00:00.500Z')],
      },
    ])
    expect(
      await session.query(
        new Statement(
          `select ${Object.keys(settings).map((name) => `current_setting('${name}') as ${name}`)}`,
        ),
      ),
    ).toEqual([settings])
  })

  test('are those of the session for a function of the statement, also in later rows', async () => {
    await session.execute(new Statement("set local datestyle = 'German, DMY'"))
    const rows = await session.query(
      new Statement(`select (date '2024-07-01' + i)::text as day from generate_series(0, 1) i`),
    )
    expect(rows).toEqual([{ day: '01.07.2024' }, { day: '02.07.2024' }])
  })
})

describe('the error of a statement', () => {
  test.each([
    ['select id, nosuch from wide', 12, 'column "nosuch" does not exist'],
    [
      "with w as (select '😀', id from nosuch) select id from w",
      32,
      'relation "nosuch" does not exist',
    ],
    [
      "with w as (select '😀', id from wide) select nosuch from w",
      45,
      'column "nosuch" does not exist',
    ],
    ['select id from', 15, 'syntax error at end of input'],
  ])('is the one that it has alone: %j', async (sql, position, message) => {
    const alone = await connect(aurora, database)
    await alone.query('create temporary table wide (id integer)')
    await expect(alone.query(sql)).rejects.toMatchObject({ position: `${position}`, message })
    await session.execute(new Statement('savepoint s'))
    for (const send of [
      session.query(new Statement(`-- first\n${sql};`)),
      session.execute(new Statement(sql)),
    ]) {
      await expect(send).rejects.toMatchObject({
        sql,
        position,
        message: expect.stringContaining(`${message} (SQLSTATE `),
      })
      await session.execute(new Statement('rollback to savepoint s'))
    }
  })

  test('stays one where a statement would end in the middle of ours', async () => {
    const sql = 'select 1) union (select 2'
    for (const send of [
      () => session.query(new Statement(sql)),
      () => session.execute(new Statement(sql)),
    ]) {
      await session.execute(new Statement('savepoint s'))
      await expect(send()).rejects.toMatchObject({ sql, code: '42601' })
      await session.execute(new Statement('rollback to savepoint s'))
    }
  })

  test('says what to do where PostgreSQL does not run it inside another one', async () => {
    await session.execute(new Statement('create rule too as on insert to wide do also select 1'))
    await expect(
      session.query(new Statement('insert into wide values (1) returning id')),
    ).rejects.toThrow(
      "DO ALSO rules are not supported for data-modifying statements in WITH (SQLSTATE 0A000); the statement runs inside another one, which a rule of its table does not allow: leave 'returning' out",
    )
  })
})

describe('rows of a statement that can only be sent as it is', () => {
  test('are refused with the fix when a column has a type that the Data API does not return', async () => {
    await session.execute(new Statement(`declare c cursor for select interval '1 day' as i`))
    await expect(session.query(new Statement('fetch 1 from c'))).rejects.toThrow(
      'The result contains the unsupported data type INTERVAL. (UnsupportedResultException); the rows of this statement are read as the Data API returns them: cast the column to text, with ::text',
    )
  })

  test('are refused with the fix when they are too large', async () => {
    await session.execute(
      new Statement(`declare c cursor for select repeat('x', 1000) from generate_series(1, 2000)`),
    )
    expect(await session.query(new Statement('fetch 500 from c'))).toHaveLength(500)
    await expect(session.query(new Statement('fetch all from c'))).rejects.toThrow(
      'The result exceeds the size limit 1 MB. (UnsupportedResultException); the rows of this statement are read in one call, of at most 1 MiB, and the transaction is lost: fetch fewer rows at a time, or make the statement shorter',
    )
  })
})
