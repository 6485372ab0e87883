import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  isMultistatement,
  numberParameters,
  splitStatements,
} from '../../infra/local/data-api/sql-text.ts'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, long, refusal, string } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller

beforeAll(async () => {
  aurora = await testAurora()
  caller = new Caller(aurora, await newDatabase(aurora))
  await caller.execute('create table t (k text, at timestamptz)')
})

afterAll(() => aurora.stop())

const a = [string('a', 'x')]

describe('named parameters', () => {
  test.each([
    ['in a literal', "select ':a', :a", "select ':a', $1"],
    ['in an escape literal', "select E'\\':a', :a", "select E'\\':a', $1"],
    ['in a quoted name', 'select 1 as ":a", :a', 'select 1 as ":a", $1'],
    ['in a line comment', 'select 1 -- :a\n, :a', 'select 1 -- :a\n, $1'],
    ['in a nested comment', 'select /* /* */ :a */ :a', 'select /* /* */ :a */ $1'],
    ['in a dollar quote', 'select $f$ :a $$ :a $f$, :a', 'select $f$ :a $$ :a $f$, $1'],
    ['after a cast', 'select 1::int, :a::text', 'select 1::int, $1::text'],
    ['in an assignment', 'do $$ begin x := :a; end $$', 'do $$ begin x := :a; end $$'],
    ['with digits and letters', 'select :1, :größe_1', 'select $1, $2'],
    ['with reserved words', 'select :select', 'select $1'],
    ['after text outside ASCII', "select 'é😀', :a", "select 'é😀', $1"],
    ['beside control characters', "select '\x01', :a", "select '\x01', $1"],
    ['next to operators', "select tags ? 'x' and :a->>'b'", "select tags ? 'x' and $1->>'b'"],
    ['before a quoted name', 'select :"a"', 'select :"a"'],
  ])('%s', (_, sql, numbered) => {
    expect(numberParameters(sql)?.text).toBe(numbered)
  })

  test('each occurrence becomes a parameter of its own', async () => {
    expect(numberParameters('select :a, :b, :a')).toEqual({
      text: 'select $1, $2, $3',
      names: ['a', 'b', 'a'],
    })
    const grouped = caller.execute('select date_trunc(:a, at) from t group by date_trunc(:a, at)', {
      parameters: [string('a', 'day')],
    })
    expect((await refusal(grouped)).message).toMatch(/SQLState: 42803$/)
  })

  test('without parameters the text goes through untouched', async () => {
    expect(await caller.value("select 'mcp:search:' || $$:x$$")).toEqual({
      stringValue: 'mcp:search::x',
    })
    expect((await refusal(caller.execute('select :a'))).message).toBe(
      'ERROR: syntax error at or near ":"; Position: 8; SQLState: 42601',
    )
  })

  test('a dollar number is passed through and found unbound', async () => {
    expect((await refusal(caller.execute('select $1'))).message).toBe(
      'bind message supplies 0 parameters, but prepared statement "sqlx_s_1" requires 1; SQLState: 08P01',
    )
  })

  test.each(['copy t to stdout', 'copy (select 1 where false) to stdout', 'copy t from stdin'])(
    '%s has no connection for its data, and is refused',
    async (sql) => {
      const transactionId = await caller.begin()
      const { name, message } = await refusal(caller.execute(sql, { transactionId }))
      expect(name).toBe('DatabaseErrorException')
      expect(message).toMatch(/COPY (TO STDOUT has no output|FROM STDIN has no input)/)
      await caller.rollback(transactionId)
      expect((await refusal(caller.execute(sql))).message).toBe(message)
      expect(await caller.value('select 1')).toEqual({ longValue: 1 })
    },
  )

  test('the position counts in the text PostgreSQL got', async () => {
    const { message } = await refusal(
      caller.execute('select :parameter, nonsense', { parameters: [string('parameter', 'x')] }),
    )
    expect(message).toBe('ERROR: column "nonsense" does not exist; Position: 12; SQLState: 42703')
  })
})

describe('one statement per call', () => {
  test.each([
    'select 1; select 2',
    'select 1; -- comment\n select 2',
    "insert into t values ('kept', null); select 1;",
    ';select 1; select 2',
    'select 1;; select (',
  ])('%j is refused before anything runs', async (sql) => {
    expect(await refusal(caller.execute(sql))).toMatchObject({
      name: 'ValidationException',
      message: "Multistatements aren't supported",
      status: 400,
    })
    expect(await caller.value('select count(*) from t')).toEqual({ longValue: 0 })
  })

  test('a statement with parameters is checked as well', async () => {
    const call = caller.execute('select :a; select 2', { parameters: a })
    expect((await refusal(call)).message).toBe("Multistatements aren't supported")
  })

  test('a refused multistatement does not abort its transaction', async () => {
    const transactionId = await caller.begin()
    await refusal(caller.execute('select 1; select 2', { transactionId }))
    expect(await caller.value('select 1', { transactionId })).toEqual({ longValue: 1 })
    await caller.rollback(transactionId)
  })

  test.each([
    'select 1;',
    'select 1 ;\n ; ',
    'select 1; -- the end; really',
    'select \'a;b\' as ";" /* ; */',
    'do $$ begin perform 1; perform 2; end $$;',
    'create or replace function f() returns int language plpgsql as $f$ begin return 1; end $f$;',
    'create or replace function g() returns int begin atomic select 1; select 2; end',
  ])('%j is one', async (sql) => {
    expect(isMultistatement(sql)).toBe(false)
    await caller.execute(sql)
  })

  test.each(['', ' ', '-- nothing', ';'])('%j does nothing', async (sql) => {
    expect(await caller.execute(sql)).toMatchObject({
      generatedFields: [],
      numberOfRecordsUpdated: 0,
    })
  })

  test('scripts are split by the grammar of PostgreSQL', () => {
    expect(
      splitStatements(`-- first
        select 'é;' ; ; create function h() returns int begin atomic select 1; end;
        do $$ begin; end $$`),
    ).toEqual([
      "select 'é;'",
      'create function h() returns int begin atomic select 1; end',
      'do $$ begin; end $$',
    ])
  })
})

describe('a torn dollar quote', () => {
  const torn = {
    name: 'DatabaseErrorException',
    message: 'Database returned SQL Exception',
    status: 400,
  }

  test('is an error without SQLState', async () => {
    expect(await refusal(caller.execute('do $$ begin perform 1'))).toMatchObject(torn)
  })

  test('reads the same when parameters are sent', async () => {
    expect(await refusal(caller.execute('select :a, $f$ x $$', { parameters: a }))).toMatchObject(
      torn,
    )
  })
})

describe('error texts', () => {
  test('a duplicate key has no detail', async () => {
    await caller.execute('create table d (id int primary key)')
    await caller.execute('insert into d values (1)')
    expect(await refusal(caller.execute('insert into d values (1)'))).toMatchObject({
      name: 'DatabaseErrorException',
      message: 'ERROR: duplicate key value violates unique constraint "d_pkey"; SQLState: 23505',
    })
  })

  test('hint and position come in between', async () => {
    expect((await refusal(caller.execute('select lenght(1)'))).message).toBe(
      'ERROR: function lenght(integer) does not exist; Hint: No function matches the given name ' +
        'and argument types. You might need to add explicit type casts.; Position: 8; SQLState: 42883',
    )
  })

  test('an unknown database', async () => {
    expect((await refusal(caller.execute('select 1', { database: 'nowhere' }))).message).toBe(
      'FATAL: database "nowhere" does not exist; SQLState: 3D000',
    )
  })

  test('COPY from the client cannot work and leaves the connection usable', async () => {
    const transactionId = await caller.begin()
    const call = caller.execute('copy t from stdin', { transactionId })
    expect((await refusal(call)).message).toMatch(/COPY from stdin failed.*SQLState: 57014$/)
    expect((await refusal(caller.execute('select 1', { transactionId }))).message).toMatch(/25P02$/)
    expect(await caller.rollback(transactionId)).toBe('Rollback Complete')
  })
})

describe('response shapes', () => {
  test('rows come with records and no generated fields', async () => {
    const { records, numberOfRecordsUpdated, generatedFields, columnMetadata } =
      await caller.execute('select 1 where false')
    expect({ records, numberOfRecordsUpdated, generatedFields, columnMetadata }).toEqual({
      records: [],
      numberOfRecordsUpdated: 0,
      generatedFields: undefined,
      columnMetadata: undefined,
    })
  })

  test.each([
    ["insert into t values ('a', null), ('b', null)", 2],
    ["update t set k = 'c' where k = 'a'", 1],
    ['merge into t using (select 1) on false when not matched then insert values (null, null)', 1],
    ['delete from t', 3],
    ['create table s as select generate_series(1, 5)', 0],
    ['set work_mem = 1000', 0],
  ])('%s changes %i records', async (sql, changed) => {
    const { records, numberOfRecordsUpdated, generatedFields } = await caller.execute(sql)
    expect({ records, numberOfRecordsUpdated, generatedFields }).toEqual({
      records: undefined,
      numberOfRecordsUpdated: changed,
      generatedFields: [],
    })
  })

  test('returning gives records and counts none', async () => {
    const answer = await caller.execute("insert into t values ('r', null) returning k")
    expect(answer).toMatchObject({
      records: [[{ stringValue: 'r' }]],
      numberOfRecordsUpdated: 0,
    })
    expect(answer.generatedFields).toBeUndefined()
  })
})

test('the schema parameter is refused by all three operations that have it', async () => {
  const refused = {
    name: 'ValidationException',
    message: "The schema parameter isn't supported",
    status: 400,
  }
  expect(await refusal(caller.execute('select 1', { schema: 'public' }))).toMatchObject(refused)
  for (const path of ['BeginTransaction', 'BatchExecute']) {
    const response = await fetch(`${aurora.endpoint}/${path}`, {
      method: 'POST',
      headers: { authorization: 'AWS4-HMAC-SHA256 any' },
      body: JSON.stringify({ ...caller.base, sql: 'select 1', schema: 'public' }),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ message: refused.message })
  }
})

test('a long parameter list stays exact when a name is used often', async () => {
  const parameters = [long('n', 2), string('s', 'y')]
  expect(
    await caller.value("select :s || :n::text || :s || ':n' || :n::text", { parameters }),
  ).toEqual({ stringValue: 'y2y:n2' })
})
