import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import {
  downgrade,
  downgradeScript,
  ensureVersionScript,
  type ScriptReport,
  stamp,
  stampScript,
  upgrade,
  upgradeScript,
} from '../lambda/commands.ts'
import { sql } from '../lambda/index.ts'
import { VersionTable } from '../lambda/ledger/version-table.ts'
import { defineEntity, orm, p } from '../lambda/orm/orm.ts'
import type { Revision } from '../lambda/revisions/revision.ts'
import { RevisionMap } from '../lambda/revisions/revision-map.ts'
import { json, pgArray } from '../lambda/sql/literals.ts'
import { dumpCatalog } from './catalog-dump.ts'
import { exampleRevisions } from './example-revisions.ts'
import { connect, newDatabase, testAurora } from './local-aurora.ts'
import { checkScript } from './own-statements.ts'
import { revision, tableRevision, testContext } from './runner-fixture.ts'
import { runScript, runThroughDataApi } from './sql-script.ts'

const examples = await exampleRevisions()

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const TABLE = { schema: 'public', name: 'alembic_version' }

function scriptContext(revisions: readonly Revision[]) {
  const byId = new Map(revisions.map((each) => [each.revision, each]))
  return {
    map: new RevisionMap(revisions),
    revision: (id: string) => byId.get(id) as Revision,
    table: TABLE,
    run: { who: 'a test' },
  }
}

async function scriptOf(report: Promise<ScriptReport> | ScriptReport): Promise<string> {
  const { error, script = '' } = await report
  expect(error).toBeUndefined()
  checkScript(script)
  return script
}

/** Everything in the database; of the history what does not differ from run to run. */
async function contents(database: string) {
  const client = await connect(aurora, database)
  const history = await client.query(
    `select seq::int, revision, direction, doc, who, bundle_hash, checksum, from_rows, to_rows, outcome, statements, rows::int, error, started_at is not null and finished_at >= started_at and ms is not null and lease_until is null as finished
     from alembic_version_history order by seq`,
  )
  return { catalog: await dumpCatalog(client), history: history.rows }
}

interface Move {
  readonly command: 'upgrade' | 'downgrade'
  readonly from: string
  readonly to: string
}

/** Two databases at `from`: one is moved by a run, the other one by the script of it. */
async function bothWays(revisions: readonly Revision[], { command, from, to }: Move) {
  const [online, offline] = [await newDatabase(aurora), await newDatabase(aurora)]
  for (const database of [online, offline]) {
    if (from !== 'base') await upgrade(testContext(aurora, database, revisions), from)
  }
  const context = scriptContext(revisions)
  const script = await scriptOf(
    (command === 'upgrade' ? upgradeScript : downgradeScript)(context, `${from}:${to}`),
  )
  expect(await runScript(aurora, offline, script)).toEqual({ code: 0, message: '' })
  const move = command === 'upgrade' ? upgrade : downgrade
  expect(await move(testContext(aurora, online, revisions), to)).toMatchObject({
    status: 'succeeded',
  })
  return {
    online: await contents(online),
    offline: await contents(offline),
    script,
    database: offline,
  }
}

describe('a script of the example revisions', () => {
  test.each<Move>([
    { command: 'upgrade', from: 'base', to: '29b4c2bfce6d' },
    { command: 'upgrade', from: '3f6d1c0a84be', to: 'heads' },
    { command: 'downgrade', from: '1ce7873ac4ced2', to: '3f6d1c0a84be' },
    { command: 'downgrade', from: '3f6d1c0a84be', to: '169ad57156f0' },
    { command: 'downgrade', from: '29b4c2bfce6d', to: 'base' },
  ])('leaves the same database as $command from $from to $to', async (move) => {
    const { online, offline } = await bothWays(examples, move)
    expect(offline).toEqual(online)
    expect(offline.history.length).toBeGreaterThan(0)
    expect(offline.history.every(({ finished }) => finished)).toBe(true)
  })

  test('compares the keys of bulkUpdate by their type, also those of several statements', async () => {
    const update = (rows: object[]) =>
      revision('u', null, async (op) => {
        await op.execute('create table k (id uuid, n numeric, name text)')
        await op.execute(
          "insert into k select md5(n::text)::uuid, n, '' from generate_series(1, 3) n",
        )
        await op.bulkUpdate('k', rows, { key: ['id', 'n'], chunkBytes: 100 })
      })
    const id = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b'
    const rows = [
      { id, n: 1, name: 'one' },
      { id: 'C81E728D9D4C2F636F067F89CC14862C', n: '2.0', name: 'two' },
    ]
    const { offline, online, script } = await bothWays([update(rows)], {
      command: 'upgrade',
      from: 'base',
      to: 'heads',
    })
    expect(offline).toEqual(online)
    expect(script).toContain('array["aurora_target"."id"] operator(pg_catalog.=)')
    const twice = [...rows, { id: id.toUpperCase(), n: '1.0', name: 'again' }]
    const report = await upgradeScript(scriptContext([update(twice)]), 'base:heads')
    const { code, message } = await runScript(
      aurora,
      await newDatabase(aurora),
      await scriptOf(report),
    )
    expect(code).not.toBe(0)
    expect(message).toContain('aurora-migrations bulkUpdate, rows with the same key, {3,1}')
  })

  test('stops where a statement has changed how text is read', async () => {
    const hidden = revision('a', null, async (op) => {
      await op.execute('create table k (name text)')
      await op.execute("do $$ begin execute 'set ' || 'local array_nulls = off'; end $$")
    })
    const database = await newDatabase(aurora)
    const script = await scriptOf(upgradeScript(scriptContext([hidden]), 'base:heads'))
    const { code, message } = await runScript(aurora, database, script)
    expect(code).not.toBe(0)
    expect(message).toContain(
      'a statement has changed one of client_encoding, standard_conforming_strings, array_nulls, and text after it was read wrongly',
    )
  })

  test.each([
    [
      '29b4c2bfce6d:169ad57156f0',
      'upgrade',
      '169ad57156f0_create_teams_table.ts:38',
      'select distinct team from players order by team',
    ],
    [
      '169ad57156f0:3f6d1c0a84be',
      'upgrade',
      '3f6d1c0a84be_create_account_table.ts:43',
      `insert into "account" ("name") values ( 'John') returning "id"`,
    ],
    ['169ad57156f0:29b4c2bfce6d', 'downgrade', '169ad57156f0_create_teams_table.ts:54', 'select'],
  ])(
    'of %s cannot be had, and the message names the line',
    async (range, command, place, statement) => {
      const make = command === 'upgrade' ? upgradeScript : downgradeScript
      const report = await make(scriptContext(examples), range)
      expect(report.script).toBeUndefined()
      expect(report.status).toBe('failed')
      expect(report.error?.message).toContain(
        `the statement at ${place} has to answer rows, and a script has nobody to ask: let one statement do the work (insert … select, update … from), or run this revision without --sql (offline mode); statement: ${statement}`,
      )
    },
  )
})

const HOSTILE = `it's a "quote", a back\\slash, a :colon, $aurora$ and -- no comment; 日本 João`

const FEATURES: readonly Revision[] = [
  {
    ...revision('f1', null, async (op) => {
      await op.createTable('item', (table) =>
        table
          .addColumn('id', 'integer', (column) =>
            column.primaryKey().generatedByDefaultAsIdentity(),
          )
          .addColumn('name', 'text', (column) => column.notNull())
          .addColumn('data', 'jsonb')
          .addColumn('tags', sql`text[]`),
      )
      await op.createTableComment('item', HOSTILE)
      await op.bulkInsert('item', [
        { name: HOSTILE, data: { text: HOSTILE, none: null }, tags: ['a', HOSTILE] },
        { name: 'second', data: json('text'), tags: pgArray([]) },
        { name: 'third' },
      ])
      await op.bulkUpdate('item', [{ id: 2, name: ':rows' }], { key: ['id'] })
      await op.execute(sql`update item set name = name || ${HOSTILE} where id = ${3}`)
      await op.execute('savepoint one')
      await op.execute('delete from item where id = 1')
      await op.execute('rollback to savepoint one')
      await op.executeScript(
        `create function twice(n int) returns int language plpgsql as $$ begin return n * 2; end $$; -- two\n/* three; */ insert into item (name) select 'n' || twice(n) from generate_series(1, 10) n;`,
      )
      await op.execute(`comment on column item.name is 'last' -- the end`)
      await op.execute("select twice(2), ':b'")
      const db = op.getBind<{ item: { id: number; name: string } }>()
      await db.updateTable('item').set({ name: 'kysely' }).where('id', '=', 2).execute()
    }),
    doc: 'a line\nof $aurora$ and ; of\u2028others',
  },
  revision(
    'f2',
    'f1',
    async (op) => {
      await op.autocommitBlock(async () => {
        await op.createIndex('item_name', 'item', ['name'], {
          concurrently: true,
          ifNotExists: true,
        })
      })
      await op.autocommitBlock(() => op.execute('vacuum item'))
      await op.execute("insert into item (name) values ('after the block')")
    },
    (op) => op.dropIndex('item_name'),
  ),
]

describe('a script', () => {
  test('holds every kind of statement, value and block', async () => {
    const { online, offline, script } = await bothWays(FEATURES, {
      command: 'upgrade',
      from: 'base',
      to: 'heads',
    })
    expect(offline).toEqual(online)
    expect(offline.history).toMatchObject([
      { revision: 'f1', rows: 17 },
      { revision: 'f2', rows: 1 },
    ])
    expect(script.match(/^(BEGIN|COMMIT);$/gm)).toEqual([
      'BEGIN;',
      'COMMIT;',
      'BEGIN;',
      'COMMIT;',
      'BEGIN;',
      'COMMIT;',
    ])
    expect(script).toContain("\nselect twice(2), ':b';\n")
    expect(script).toContain('-- Running upgrade  -> f1, a line of $aurora$ and ; of others\n')
    expect(script).toContain('\n-- Running upgrade f1 -> f2, doc of f2\n')
  })

  test('holds long values, which a run sends beside their statement', async () => {
    interface Tables {
      k: { id: number; note: string; bytes: Uint8Array }
    }
    const row = { id: 1, note: "é'".repeat(40_000), bytes: new Uint8Array(40_000).fill(255) }
    const long = revision('long', null, async (op) => {
      await op.execute('create table k (id integer, note text, bytes bytea)')
      await op.getBind<Tables>().insertInto('k').values(row).execute()
    })
    const move = { command: 'upgrade', from: 'base', to: 'heads' } as const
    const { online, offline } = await bothWays([long], move)
    expect(offline).toEqual(online)
  })

  test('is written without waiting for a database', async () => {
    const started = performance.now()
    await scriptOf(upgradeScript(scriptContext(FEATURES), 'heads'))
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  test('also runs through the Data API, statement by statement', async () => {
    const database = await newDatabase(aurora)
    const script = await scriptOf(upgradeScript(scriptContext(FEATURES), 'heads'))
    expect(await runThroughDataApi(aurora, database, script)).toEqual({ code: 0, message: '' })
    expect((await contents(database)).history).toMatchObject([{ rows: 17 }, { rows: 1 }])
  })

  const MERGED = [
    tableRevision('a', null),
    { ...tableRevision('b', 'a'), branchLabels: ['left'] },
    tableRevision('c', 'a'),
    revision(
      'm',
      ['b', 'c'],
      async () => {},
      async () => {},
    ),
    { ...tableRevision('x', null), dependsOn: ['b'] },
  ]

  test.each<Move>([
    { command: 'upgrade', from: 'base', to: 'heads' },
    { command: 'upgrade', from: 'left', to: 'm' },
    { command: 'upgrade', from: 'a', to: '+2' },
    { command: 'downgrade', from: 'm', to: 'b' },
    { command: 'downgrade', from: 'heads', to: 'base' },
  ])('moves the rows of branches as $command from $from to $to does', async (move) => {
    const graph = move.to === '+2' ? LINE : MERGED
    const { online, offline } = await bothWays(graph, move)
    expect(offline).toEqual(online)
  })

  const LINE = [tableRevision('a', null), tableRevision('b', 'a'), tableRevision('c', 'b')]

  test('begins at several rows, with commas', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, MERGED), 'b')
    await upgrade(testContext(aurora, database, MERGED), 'c')
    const script = await scriptOf(upgradeScript(scriptContext(MERGED), 'b,c:m'))
    expect(await runScript(aurora, database, script)).toEqual({ code: 0, message: '' })
    expect((await contents(database)).catalog.rows['public.alembic_version']).toEqual([
      '{"version_num": "m"}',
    ])
  })

  test('is followed by a run, and a run by a script', async () => {
    const database = await newDatabase(aurora)
    const script = (range: string) => scriptOf(upgradeScript(scriptContext(LINE), range))
    expect((await runScript(aurora, database, await script('a'))).code).toBe(0)
    await upgrade(testContext(aurora, database, LINE), 'b')
    expect((await runScript(aurora, database, await script('b:c'))).code).toBe(0)
    await downgrade(testContext(aurora, database, LINE), 'base')
    expect((await runScript(aurora, database, await script('base:a'))).code).toBe(0)
    expect(
      (await contents(database)).history.map(({ seq, revision: id }) => `${seq} ${id}`),
    ).toEqual(['1 a', '2 b', '3 c', '4 c', '5 b', '6 a', '7 a'])
  })

  test('stops at once when the database stands elsewhere', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, LINE), 'b')
    const before = await contents(database)
    const script = await scriptOf(upgradeScript(scriptContext(LINE), 'a:c'))
    const { code, message } = await runScript(aurora, database, script)
    expect(code).toBe(3)
    expect(message).toContain(
      '"public"."alembic_version" has other rows than [a], where this script goes on',
    )
    expect(await contents(database)).toEqual(before)
  })

  test('stops when another run is at work', async () => {
    const database = await newDatabase(aurora)
    await upgrade(testContext(aurora, database, LINE), 'a')
    const other = await connect(aurora, database)
    const { lockKey } = new VersionTable(TABLE)
    await other.query('select pg_advisory_lock($1)', [lockKey])
    const script = await scriptOf(upgradeScript(scriptContext(LINE), 'a:c'))
    expect(await runScript(aurora, database, script)).toMatchObject({
      code: 3,
      message: expect.stringContaining('another run is at work'),
    })
  })

  test('leaves nothing of the revision that fails, and all before it', async () => {
    const broken = [
      ...LINE,
      revision('d', 'c', async (op) => {
        await op.execute('create table half (id int)')
        await op.execute('select 1/0')
      }),
    ]
    const database = await newDatabase(aurora)
    const script = await scriptOf(upgradeScript(scriptContext(broken), 'heads'))
    expect(await runScript(aurora, database, script)).toMatchObject({
      code: 3,
      message: expect.stringContaining('division by zero'),
    })
    const { catalog, history } = await contents(database)
    expect(catalog.rows['public.alembic_version']).toEqual(['{"version_num": "c"}'])
    expect(Object.keys(catalog.rows)).not.toContain('public.half')
    expect(history).toHaveLength(3)
  })

  test('of a stamp sets the rows', async () => {
    const [online, offline] = [await newDatabase(aurora), await newDatabase(aurora)]
    await stamp(testContext(aurora, online, LINE), ['b'])
    await stamp(testContext(aurora, online, LINE), ['c'])
    for (const target of ['b', 'b:c']) {
      const script = await scriptOf(stampScript(scriptContext(LINE), [target]))
      expect(await runScript(aurora, offline, script)).toEqual({ code: 0, message: '' })
    }
    expect(await contents(offline)).toEqual(await contents(online))
  })

  test('of ensure-version creates both tables', async () => {
    const database = await newDatabase(aurora)
    const script = await scriptOf(ensureVersionScript({ table: TABLE }))
    for (const _ of [1, 2]) expect((await runScript(aurora, database, script)).code).toBe(0)
    expect((await contents(database)).history).toEqual([])
  })
})

test('rows of a bulk insert that takes several calls travel in the form that needs no types', async () => {
  const insert: Revision['upgrade'] = async (op) => {
    await op.execute('create table t (id integer, name text)')
    const rows = [1, 2].map((id) => ({ id, name: `n${id}` }))
    await op.bulkInsert('t', rows, { chunkBytes: 1 })
  }
  const context = scriptContext([revision('a', null, insert as () => Promise<void>)])
  const { script = '' } = await upgradeScript(context, 'heads')
  expect(script.match(/^insert into "t".*$/gm)).toEqual([
    `insert into "t" ("id", "name") select "id", "name" from pg_catalog.json_populate_recordset(row((null::"t").*)::"t", E'[{"id"\\x3a1,"name"\\x3a"n1"}]'::pg_catalog.json);`,
    `insert into "t" ("id", "name") select "id", "name" from pg_catalog.json_populate_recordset(row((null::"t").*)::"t", E'[{"id"\\x3a2,"name"\\x3a"n2"}]'::pg_catalog.json);`,
  ])
  const database = await newDatabase(aurora)
  expect((await runScript(aurora, database, script)).code).toBe(0)
  const client = await connect(aurora, database)
  expect((await client.query('select id, name from t order by id')).rows).toEqual([
    { id: 1, name: 'n1' },
    { id: 2, name: 'n2' },
  ])
})

describe('no script can be had', () => {
  const Item = defineEntity({
    name: 'Item',
    tableName: 'item',
    properties: { id: p.integer().primary() },
  })

  test.each<[string, Revision['upgrade']]>([
    ['op.query', async (op) => void (await op.query('select 1 as one'))],
    [
      'a builder that selects',
      async (op) =>
        void (await op
          .getBind<{ item: { id: number } }>()
          .selectFrom('item')
          .select('id')
          .execute()),
    ],
    [
      'bulkInsert with returning',
      async (op) => void (await op.bulkInsert('item', [{ id: 1 }], { returning: ['id'] })),
    ],
    ['a session that reads', async (op) => void (await orm(op, [Item]).find(Item, {}))],
  ])('of a revision with %s', async (_, work) => {
    const report = await upgradeScript(
      scriptContext([{ ...revision('q', null, async () => {}), upgrade: work }]),
      'heads',
    )
    expect(report).toMatchObject({
      status: 'failed',
      error: { kind: 'MigrationError', revision: 'q' },
    })
    expect(report.error?.message).toMatch(
      /^upgrade of q \(doc of q\) failed: .*a statement has to answer rows, and a script has nobody to ask: .*; statement: (select|insert)/,
    )
  })

  test.each([
    ['base:a:b', 'upgrade with --sql requires <from>:<to>'],
    ['a:', 'upgrade with --sql requires <from>:<to>'],
    ['nowhere:a', "Can't locate revision identified by 'nowhere'"],
    ['a:nowhere', "Can't locate revision identified by 'nowhere'"],
  ])('of the range %s', async (range, message) => {
    const failed = await Promise.resolve()
      .then(() => upgradeScript(scriptContext([tableRevision('a', null)]), range))
      .then(
        ({ error }) => error?.message,
        (error: Error) => error.message,
      )
    expect(failed).toContain(message)
  })

  test('of a downgrade without a beginning, or past an irreversible revision', async () => {
    expect(() => downgradeScript(scriptContext(examples), 'base')).toThrow(
      "downgrade with --sql requires <from>:<to>, and not 'base'",
    )
    const { error } = await downgradeScript(scriptContext(FEATURES), 'heads:base')
    expect(error?.message).toContain('cannot downgrade past f1')
  })
})
