import { describe, expect, test } from 'vitest'
import { keyOperatorsStatement } from '../../../lambda/operations/bulk/key-operators.ts'
import { unqualifiedNames } from '../../sql/qualified-names.ts'
import { operations } from '../operations-fixture.ts'

const open = operations()

const SETUP = [
  ...['citext', 'hstore', 'ltree', 'isn', 'cube', 'seg'].map((name) => `create extension ${name}`),
  "create type mood as enum ('glad', 'sad')",
  'create domain mail as citext',
  'create domain long_mail as mail check (length(value) > 0)',
  'create type pair as (a numeric, b text)',
  "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
]

/** Two texts of one value. */
const SAME: readonly (readonly [type: string, one: unknown, other: unknown])[] = [
  ['uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}'],
  ['numeric', 1, '1.0'],
  ['numeric(6,2)', '1.004', '1.001'],
  ['integer', '1_0', 10],
  ['float8', '1e1', '10.0'],
  ['float8', '0', '-0'],
  ['boolean', true, 'yes'],
  ['citext', 'Ann@x.org', 'ann@X.ORG'],
  ['mail', 'Ann@x.org', 'ann@X.ORG'],
  ['long_mail', 'Ann@x.org', 'ann@X.ORG'],
  ['text collate loose', 'Ann', 'ANN'],
  ['char(5)', 'a', 'a  '],
  ['varchar(3)', 'a  ', 'a    '],
  ['mood', 'glad', 'glad'],
  ['timestamptz', '2024-01-01 12:00+02', new Date('2024-01-01T10:00:00Z')],
  ['date', '2024-01-01', 'Jan 1, 2024'],
  ['interval', '1 day', '24 hours'],
  ['inet', '10.0.0.1', '10.0.0.1/32'],
  ['macaddr', '08:00:2b:01:02:03', '08002b010203'],
  ['bytea', '\\x41', 'A'],
  ['bit(3)', '101', 'b101'],
  ['jsonb', { a: 1, b: 2 }, { b: 2.0, a: 1 }],
  ['integer[]', [1, 2], '{ 1,2 }'],
  ['citext[]', ['a'], ['A']],
  ['int4range', '[1,5)', '[1,4]'],
  ['money', '1.00', '$1'],
  ['tsvector', 'a b', 'b a'],
  ['hstore', 'a=>1, b=>2', 'b=>2,a=>1'],
  ['isbn', '0-11-000533-3', '0110005333'],
  ['cube', '(1,2)', '1, 2'],
  ['seg', '1 .. 2', '1..2'],
  ['pair', '(1,x)', '(1.0,x)'],
]

const given = (k: unknown, v: string) => ({ k, v })

describe('two rows with the same key', () => {
  test.each(SAME.filter(([, one, other]) => one !== other))(
    'are named as PostgreSQL compares them, in one call and in several: %s',
    async (type, one, other) => {
      for (const chunkBytes of [100_000, 1]) {
        const { op, session, look } = await open(
          ...SETUP,
          `create table t (k ${type}, v text, w text)`,
        )
        await op.bulkInsert('t', [given(one, 'old')])
        await session.begin()
        const rows = [given(null, ''), given(one, 'first'), given(other, 'second')].slice(1)
        const failed = op.bulkUpdate('t', rows, { key: ['k'], chunkBytes })
        await expect(failed).rejects.toMatchObject({ name: 'CommandError', kind: 'DuplicateKey' })
        await expect(failed).rejects.toThrow(
          /^op\.bulkUpdate of 't': rows\[0\] with k = .* and rows\[1\] with k = .* have the same key to PostgreSQL, which would apply either: leave one of them out$/,
        )
        await session.rollback()
        expect(await look('select v from t')).toEqual(['old'])
      }
    },
  )

  test.each(SAME)('each find the row of the other one: %s', async (type, one, other) => {
    const { op, session, look } = await open(...SETUP, `create table t (k ${type}, v text)`)
    await op.bulkInsert('t', [given(one, 'old')])
    await session.begin()
    expect(await op.bulkUpdate('t', [given(other, 'new')], { key: ['k'] })).toBe(1)
    await session.commit()
    expect(await look('select v from t')).toEqual(['new'])
  })

  test('are named across groups of columns and many calls, with all that was sent before', async () => {
    const { op, session } = await open(
      'create table t (a numeric, b text, v text, w text)',
      "insert into t select n, 'b', '', '' from generate_series(0, 399) n",
    )
    await session.begin()
    const rows = Array.from({ length: 400 }, (_, a) =>
      a % 2 === 0 ? { a, b: 'b', v: 'x'.repeat(50) } : { b: 'b', a, w: 'x'.repeat(50) },
    )
    const key = ['a', 'b']
    expect(await op.bulkUpdate('t', rows, { key, chunkBytes: 3_000 })).toBe(400)
    const more = [...rows, { a: '17.00', b: 'b', v: 'y' }]
    await expect(op.bulkUpdate('t', more, { key, chunkBytes: 3_000 })).rejects.toThrow(
      `op.bulkUpdate of 't': rows[17] with a = 17, b = "b" and rows[400] with a = "17.00", b = "b" have the same key to PostgreSQL`,
    )
  })

  test('are told apart where only their texts are alike', async () => {
    const { op, session, look } = await open(
      'create table t (k text, n numeric, v text)',
      "insert into t values ('A', 1), ('a', 1), ('a ', 1), ('1', 1), ('1.0', 2)",
    )
    await session.begin()
    const keys = [
      ...[
        ['A', 1],
        ['a', 1],
        ['a ', 1],
      ],
      ...[
        ['1', 1],
        ['1.0', 2],
      ],
    ]
    const rows = keys.map(([k, n], i) => ({ k, n, v: `v${i}` }))
    expect(await op.bulkUpdate('t', rows, { key: ['k', 'n'], chunkBytes: 40 })).toBe(5)
    await session.commit()
    expect(await look('select v from t order by v')).toEqual(['v0', 'v1', 'v2', 'v3', 'v4'])
  })

  test('keep what one call was sent apart from what another one was', async () => {
    const { op, session } = await open(
      'create table t (k integer, v text)',
      'insert into t values (1), (2), (3)',
    )
    await session.begin()
    const rows = [1, 2, 3].map((k) => given(k, 'v'))
    for (const chunkBytes of [1, 1, 100, 1]) {
      expect(await op.bulkUpdate('t', rows, { key: ['k'], chunkBytes })).toBe(3)
    }
  })

  test('cannot be found for a type that PostgreSQL does not compare', async () => {
    const { op } = await open('create table t (k json, v text)')
    await expect(op.bulkUpdate('t', [given({ a: 1 }, 'x')], { key: ['k'] })).rejects.toThrow(
      "op.bulkUpdate of 't', rows[0]: operator does not exist: json pg_catalog.= json",
    )
  })
})

describe('the operators of others', () => {
  /** For each type an operator that fits better than PostgreSQL's own, and tells when it is called. */
  const intruders = (type: string) => [
    `create function evil.eq(${type}, ${type}) returns boolean language plpgsql as $$ begin raise exception 'called'; end $$`,
    `create operator evil.= (leftarg = ${type}, rightarg = ${type}, function = evil.eq)`,
  ]
  const TYPES = [
    'varchar',
    'text',
    'char(3)',
    'mood',
    'integer[]',
    'numeric',
    'citext',
    'mail',
    'pair',
    'name',
  ]

  test.each(TYPES)('are not called for a key of type %s', async (type) => {
    const { op, session, pg, look } = await open(...SETUP)
    const value = { mood: 'glad', 'integer[]': [1], numeric: 1, pair: '(1,x)' }[type] ?? 'a'
    await pg.query('create schema evil; grant usage on schema evil to public')
    for (const sql of intruders(type.replace('(3)', ''))) await pg.query(sql)
    await pg.query(`create table public.t (k ${type}, v text); grant all on public.t to public`)
    await op.bulkInsert('t', [given(value, 'old')])
    await session.begin()
    await op.execute('set local search_path = evil, public, pg_catalog')
    expect(await op.bulkUpdate('t', [given(value, 'new')], { key: ['k'] })).toBe(1)
    await session.commit()
    expect(await look('select v from public.t')).toEqual(['new'])
  })

  test('have no way into a statement: all of its names have a schema', async () => {
    const { op, session, sent } = await open('create table t (k varchar, v text)')
    await session.begin()
    await op.bulkInsert('t', [given('a', ''), given('b', '')])
    sent()
    await op.bulkUpdate('public.t', [given('a', 'x'), given('b', 'x')], {
      key: ['k'],
      chunkBytes: 1,
    })
    const statements = sent()
    expect(statements).toHaveLength(3)
    expect(new Set(statements.flatMap((sql) => unqualifiedNames(sql)))).toEqual(
      new Set(['type public.t']),
    )
  })
})

describe('the question for the operators of a key', () => {
  test('is answered for types of modules, and domains over them', async () => {
    const { pg } = await open(
      ...SETUP,
      'create table t (a citext, b long_mail, c varchar, d hstore, e mood, f mail[], "g ""h" ltree)',
    )
    const key = ['a', 'b', 'c', 'd', 'e', 'f', 'g "h']
    const { rows } = await pg.query(keyOperatorsStatement('"t"', key))
    expect(rows).toHaveLength(1)
    expect(JSON.parse(rows[0].operators)).toEqual({
      a: { operator: 'operator(public.=)', type: 'public.citext' },
      b: { operator: 'operator(public.=)', type: 'public.citext' },
      d: { operator: 'operator(public.=)', type: 'public.hstore' },
      'g "h': { operator: 'operator(public.=)', type: 'public.ltree' },
    })
  })
})

test('an index on the key is used', async () => {
  const { op, session, pg, sent } = await open(
    'create table t (k varchar primary key, v text)',
    "insert into t select n::text, '' from generate_series(1, 20000) n",
    'analyze t',
  )
  await session.begin()
  await op.bulkUpdate('t', [given('77', 'x')], { key: ['k'] })
  const update = sent().find((statement) => statement.includes(' update ')) ?? ''
  const json = `'[{"k":"77","v":"x"}]'::pg_catalog.json`
  await pg.query('set enable_seqscan = off')
  const { rows } = await pg.query(`explain ${update.replace(':rows::pg_catalog.json', json)}`)
  const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n')
  expect(plan).toContain('Index Scan using t_pkey on t aurora_target')
})
