import fc from 'fast-check'
import { Kysely, sql } from 'kysely'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { Operations } from '../../lambda/operations/operations.ts'
import { SqlFile } from '../../lambda/operations/sql-file.ts'
import { LiteralQueryCompiler, SessionDialect } from '../../lambda/session/kysely-dialect.ts'
import { Session } from '../../lambda/session/session.ts'
import type { RevisionStatement } from '../../lambda/session/session-options.ts'
import { json, pgArray } from '../../lambda/sql/literals.ts'
import { hostileString } from '../sql/hostile-values.ts'
import { operations } from './operations-fixture.ts'

const open = operations()

const ACCOUNT = 'create table account (id integer generated always as identity, name text)'

const EMPTY =
  'op.executeScript: a1_x.up.sql holds no statement, so nothing would be done: write one, or remove the file and its import (downgrade: null says that a revision cannot be taken back)'

describe('execute', () => {
  test('sends text as it is, with its colons, dollar quotes and comments', async () => {
    const { op, calls, look } = await open(ACCOUNT)
    const texts = [
      "insert into account (name) values (':a ''b'' \\'), ($$ :c; $$) -- ; :d",
      "/* ? */ update account set name = name || '::text' where name like '%b%';",
      "do $body$ begin insert into account (name) values (';'); end $body$",
    ]
    for (const text of texts) await op.execute(text)
    expect(calls().map(({ sql, parameters }) => [sql, parameters])).toEqual(
      texts.map((text) => [text, undefined]),
    )
    expect(await look('select name from account order by name collate "C"')).toEqual([
      ' :c; ',
      ":a 'b' \\::text",
      ';',
    ])
  })

  test('answers nothing, also for a statement that has rows', async () => {
    const { op } = await open(ACCOUNT)
    expectTypeOf(op.execute('select 1')).resolves.toBeVoid()
    expect(await op.execute("insert into account (name) values ('a') returning id")).toBeUndefined()
  })

  test('writes the values of a sql template as literals, and identifiers as names', async () => {
    const { op, sent, look } = await open(ACCOUNT)
    await op.execute(
      sql`insert into ${sql.table('public.account')} (${sql.ref('name')}) values (${"it's :1"}), (${-1}), (${null})`,
    )
    expect(sent()).toEqual([
      `insert into "public"."account" ("name") values ( E'it''s \\x3a1'), ( (-1)), ( null)`,
    ])
    expect(await look('select name from account order by id')).toEqual(["it's :1", '-1', null])
  })

  test('runs a builder of getBind, and refuses one with parameters of its own', async () => {
    const { op, sent } = await open(ACCOUNT)
    const db = op.getBind<{ account: { name: string } }>()
    await op.execute(db.insertInto('account').values({ name: 'John' }))
    await op.execute(db.schema.createIndex('i').on('account').column('name'))
    expect(sent()).toEqual([
      `insert into "account" ("name") values ( 'John')`,
      'create index "i" on "account" ("name")',
    ])
    class Parameters extends LiteralQueryCompiler {
      protected override appendValue(value: unknown): void {
        this.append(this.getCurrentParameterPlaceholder())
        this.addParameter(value)
      }
    }
    const dialect = new SessionDialect({} as never)
    dialect.createQueryCompiler = () => new Parameters()
    const other = new Kysely<{ account: { name: string } }>({ dialect })
    await expect(op.execute(other.insertInto('account').values({ name: 'John' }))).rejects.toThrow(
      'op.execute: the statement carries 1 parameter(s), so it was built by another Kysely instance: build it with op.getBind() (it begins: insert into "account"',
    )
  })

  test.each([undefined, 7, null, {}, ['select 1']])('refuses %j as a statement', async (value) => {
    const { op, sent } = await open()
    await expect(op.execute(value as never)).rejects.toThrow(
      /^op\.execute: statement is .+: pass SQL as a string, a sql`…` template, a Kysely builder or a \.sql file that is imported$/,
    )
    expect(sent()).toEqual([])
  })

  test('passes on that a statement may run twice', async () => {
    const options: unknown[] = []
    const gate = {
      admit: ({ repeatable }: RevisionStatement) => {
        options.push(repeatable)
        return { carryOut: async () => ({}) }
      },
    }
    const session = new Session({} as never, { gate })
    const op = new Operations(session, { autocommitBlock: (body) => body() })
    await op.execute('vacuum', { repeatable: true })
    await op.execute('vacuum')
    expect(options).toEqual([true, false])
    await expect(op.execute('vacuum', { repeat: true } as never)).rejects.toThrow(
      "op.execute: option is 'repeat': pass 'repeatable'",
    )
  })

  test('refuses what a revision may not send, and the revision has failed', async () => {
    const { op, session, sent } = await open()
    await expect(op.execute('commit')).rejects.toThrow("op.execute: 'commit' is not allowed")
    expect(session.failure?.message).toContain("'commit' is not allowed")
    expect(sent()).toEqual([])
  })
})

describe('query', () => {
  test('answers typed rows of text, of a template and of a builder', async () => {
    const { op } = await open(ACCOUNT, "insert into account (name) values ('a'), ('b')")
    const text = await op.query<{ name: string }>('select name from account order by id')
    expectTypeOf(text).toEqualTypeOf<{ name: string }[]>()
    expect(text).toEqual([{ name: 'a' }, { name: 'b' }])
    const template = await op.query(sql<{ id: number }>`select id from account where name = ${'b'}`)
    expectTypeOf(template).toEqualTypeOf<{ id: number }[]>()
    expect(template).toEqual([{ id: 2 }])
    const db = op.getBind<{ account: { id: number; name: string } }>()
    const built = await op.query(db.selectFrom('account').select('id').where('name', '=', 'a'))
    expectTypeOf(built).toEqualTypeOf<{ id: number }[]>()
    expect(built).toEqual([{ id: 1 }])
    expect(await op.query('delete from account returning name')).toHaveLength(2)
    expect(await op.query('select 1 where false')).toEqual([])
  })

  test('gives the values of every type back as they went in', async () => {
    const { op } = await open("create type mood as enum ('glad', 'it''s')")
    const at = new Date('2014-06-25T09:00:06.784Z')
    const [row] =
      await op.query(sql`select ${'x'}::text as t, ${-7}::integer as i, ${2n ** 62n}::bigint as big,
      ${'1.50'}::numeric as n, ${-0.1}::float8 as f, ${Number.NaN}::float8 as nan, ${true} as yes, ${null}::text as nothing,
      ${at}::timestamptz as at, ${'2014-06-25'}::date as d, ${new Uint8Array([0, 92, 255])}::bytea as bytes,
      ${{ a: [1, null], ':b': '\\' }}::jsonb as j, ${json([])}::jsonb as empty, ${['a', null, '{"\\']}::text[] as texts,
      ${pgArray([])}::integer[] as none, ${"it's"}::mood as mood, ${'5f0c3b0e-1d1c-4b4e-9d0a-0d7c3a1c9b01'}::uuid as id`)
    expect(row).toEqual({
      t: 'x',
      i: -7,
      big: String(2n ** 62n),
      n: '1.50',
      f: -0.1,
      nan: Number.NaN,
      yes: true,
      nothing: null,
      at,
      d: '2014-06-25',
      bytes: Buffer.from([0, 92, 255]),
      j: { a: [1, null], ':b': '\\' },
      empty: [],
      texts: ['a', null, '{"\\'],
      none: [],
      mood: "it's",
      id: '5f0c3b0e-1d1c-4b4e-9d0a-0d7c3a1c9b01',
    })
  })

  test('gives hostile strings back as they went in, by a template and by a builder', async () => {
    const { op, session } = await open('create table t (id integer, s text)')
    await session.begin()
    const db = op.getBind<{ t: { id: number; s: string } }>()
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostileString, { minLength: 1, maxLength: 20 }),
        async (strings) => {
          await op.execute('delete from t')
          await op.execute(db.insertInto('t').values(strings.map((s, id) => ({ id, s }))))
          const rows = await op.query<{ s: string; same: boolean }>(
            sql`select s, s = any(${pgArray(strings)}::text[]) as same from t order by id`,
          )
          expect(rows).toEqual(strings.map((s) => ({ s, same: true })))
        },
      ),
      { numRuns: 25 },
    )
  })

  test('reads a result of more than the service’s 1 MiB', async () => {
    const { op, session } = await open()
    await session.begin()
    const rows = await op.query<{ n: number }>(
      "select n, repeat('x', 1000) as wide from generate_series(1, 3000) as n",
    )
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1))
  })
})

describe('executeScript', () => {
  test('sends each statement of a script by itself, in order', async () => {
    const { op, sent, look } = await open()
    await op.executeScript(`
      -- a table; and a function
      create table t (n integer);
      create function two() returns integer language plpgsql as $$ begin return 2; end $$;;
      insert into t values (1), (two());
      update t set n = n + 1 where n = 1 /* ; */`)
    expect(sent()).toEqual([
      'create table t (n integer)',
      'create function two() returns integer language plpgsql as $$ begin return 2; end $$',
      'insert into t values (1), (two())',
      'update t set n = n + 1 where n = 1',
    ])
    expect(await look('select n from t')).toEqual([2, 2])
  })

  test('names the line of a statement that fails, and sends none after it', async () => {
    const { op, session, sent } = await open()
    const failed = op.executeScript("select 1;\n\n\nselect 'x'::integer,\n 1;\nselect 2")
    await expect(failed).rejects.toMatchObject({
      name: 'StatementError',
      message: expect.stringMatching(
        /^op\.executeScript, line 4: invalid input syntax for type integer: "x" \(SQLSTATE 22P02\)/,
      ),
      code: '22P02',
      sql: "select 'x'::integer,\n 1",
    })
    expect(await failed.catch((error: Error) => error)).toBe(session.failure)
    expect(sent()).toEqual(['select 1', "select 'x'::integer,\n 1"])
  })

  test('refuses a script that cannot be split before it sends anything', async () => {
    const { op, sent } = await open()
    await expect(op.executeScript("select 1;\nselect 'x")).rejects.toThrow(
      /^op\.executeScript: line 2/,
    )
    await expect(op.executeScript('select 1;\n\\connect x')).rejects.toThrow('line 2')
    await expect(op.executeScript(7 as never)).rejects.toThrow('script is 7: pass SQL as a string')
    expect(sent()).toEqual([])
  })

  test('names the line of a statement that a revision may not send', async () => {
    const { op, sent } = await open()
    await expect(op.executeScript('select 1;\ncommit')).rejects.toThrow(
      "op.executeScript: line 2: 'commit' is not allowed",
    )
    expect(sent()).toEqual([])
  })

  test('does nothing for a script without statements', async () => {
    const { op, sent } = await open()
    await op.executeScript(' -- nothing\n;')
    expect(sent()).toEqual([])
  })
})

describe('a .sql file', () => {
  const file = (text: string) => new SqlFile('a1_x.up.sql', text)

  test('is what its text is, to every operation that takes SQL', async () => {
    const { op, sent, look } = await open('create table t (v text)')
    await op.executeScript(
      file("-- two\ninsert into t values ('C:\\n');\r\ninsert into t values ('2');"),
    )
    await op.execute(file("insert into t values ('3')\n"))
    expect(await op.query(file('select count(*)::int as n from t'))).toEqual([{ n: 3 }])
    expect(sent().slice(0, 3)).toEqual([
      "insert into t values ('C:\\n')",
      "insert into t values ('2')",
      "insert into t values ('3')\n",
    ])
    expect(await look('select v from t')).toEqual(['C:\\n', '2', '3'])
    const text = 'select 1'
    expect([`${file(text)}`, JSON.stringify([file(text)])]).toEqual([text, JSON.stringify([text])])
  })

  test.each([
    ['fails', '-- x\nselect nothing', 'op.executeScript, a1_x.up.sql:2: column "nothing"'],
    [
      'may not be sent',
      'select 1;\n\ncommit',
      "op.executeScript: a1_x.up.sql: line 3: 'commit' is",
    ],
    ['cannot be split', "select 1;\nselect 'x;", 'op.executeScript: a1_x.up.sql: line 2: '],
    ['is for psql', 'select 1;\n\\d', 'op.executeScript: a1_x.up.sql: line 2: \\d is not SQL'],
    ['holds no statement', '-- statements', EMPTY],
    ['is empty', '', EMPTY],
  ])('is named, with the line, by executeScript when it %s', async (_, text, message) => {
    const { op } = await open()
    await expect(op.executeScript(file(text))).rejects.toThrow(message)
  })

  test.each([
    ['fails', '\n\nselect nothing', ', a1_x.up.sql:3: column "nothing"'],
    ['is two', '\nselect 1; select 2', ', a1_x.up.sql:2: a second statement begins on line 2'],
    ['holds no statement', '-- x', EMPTY.replace('op.executeScript', '')],
  ])('is named by execute and query when it %s', async (_, text, message) => {
    const { op } = await open()
    await expect(op.execute(file(text))).rejects.toThrow(`op.execute${message}`)
    const { op: other } = await open()
    await expect(other.query(file(text))).rejects.toThrow(`op.query${message}`)
  })

  test('is no value of a template, where it could be meant as SQL, and a text among rows', async () => {
    const { op } = await open()
    const text = file('select 1')
    await expect(op.execute(sql`select ${text}`)).rejects.toThrow(
      'op.execute: an object of class SqlFile has no SQL form',
    )
    const { op: other } = await open()
    await other.execute('create table t (v text, j jsonb)')
    await other.bulkInsert('t', [{ v: text, j: text }])
    expect(await other.query('select v, j from t')).toEqual([{ v: 'select 1', j: 'select 1' }])
  })
})

describe('getBind', () => {
  test('is one typed Kysely instance on the revision’s transaction', async () => {
    const { op, session, look } = await open(ACCOUNT)
    const db = op.getBind<{ account: { id: number; name: string } }>()
    expect(op.getBind()).toBe(db)
    await session.begin()
    const { name } = await db
      .insertInto('account')
      .values({ name: 'John' } as never)
      .returning('name')
      .executeTakeFirstOrThrow()
    expectTypeOf(name).toBeString()
    const { numUpdatedRows } = await db
      .updateTable('account')
      .set({ name: 'Joe' })
      .where('name', '=', name)
      .executeTakeFirst()
    expect(numUpdatedRows).toBe(1n)
    expect(await look('select name from account')).toEqual([])
    await session.commit()
    expect(await look('select name from account')).toEqual(['Joe'])
  })
})

describe('getBind of values', () => {
  const at = new Date('2014-06-25T09:00:06.784Z')
  const cases: [type: string, given: unknown, back: unknown][] = [
    ['integer', -7, -7],
    ['bigint', 2n ** 62n, String(2n ** 62n)],
    ['numeric', '1.50', '1.50'],
    ['float8', Number.NaN, Number.NaN],
    ['boolean', false, false],
    ['text', "it's :x \\ $$", "it's :x \\ $$"],
    ['text', null, null],
    ['uuid', '5f0c3b0e-1d1c-4b4e-9d0a-0d7c3a1c9b01', '5f0c3b0e-1d1c-4b4e-9d0a-0d7c3a1c9b01'],
    ['mood', "it's", "it's"],
    ['date', '2014-06-25', '2014-06-25'],
    ['timestamptz', at, at],
    ['bytea', new Uint8Array([0, 255]), Buffer.from([0, 255])],
    ['jsonb', { a: [1, null], ':b': '\\' }, { a: [1, null], ':b': '\\' }],
    ['jsonb', json([]), []],
    ['jsonb', json(null), null],
    ['text[]', ['a', null, '{"\\'], ['a', null, '{"\\']],
    ['integer[]', pgArray([]), []],
    ['inet', '10.0.0.1', '10.0.0.1'],
  ]
  test('inserts, finds and updates each in a column of its type', async () => {
    const { op, session } = await open("create type mood as enum ('glad', 'it''s')")
    await session.begin()
    const columns = cases.map(([type], i) => `c${i} ${type}`)
    await op.execute(`create table t (id integer, ${columns.join(', ')})`)
    const db = op.getBind<{ t: Record<string, unknown> }>()
    const given = Object.fromEntries(cases.map(([, value], i) => [`c${i}`, value]))
    await db
      .insertInto('t')
      .values({ id: 1, ...given })
      .execute()
    await db.insertInto('t').values({ id: 2 }).execute()
    await db.updateTable('t').set(given).where('id', '=', 2).execute()
    const rows = await db.selectFrom('t').selectAll().orderBy('id').execute()
    const back = Object.fromEntries(cases.map(([, , value], i) => [`c${i}`, value]))
    expect(rows).toEqual([
      { id: 1, ...back },
      { id: 2, ...back },
    ])
    for (const i of [0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 17]) {
      const found = db.selectFrom('t').select('id').where(`c${i}`, '=', cases[i]?.[1])
      expect(await found.execute()).toHaveLength(2)
    }
  })
})

describe('autocommitBlock', () => {
  test('runs its body between what the runner does, and answers when it is over', async () => {
    const { session } = await open()
    const steps: string[] = []
    const op = new Operations(session, {
      autocommitBlock: async (body) => {
        steps.push('before')
        await body()
        steps.push('after')
      },
    })
    await op.autocommitBlock(async () => void steps.push('body'))
    steps.push('over')
    expect(steps).toEqual(['before', 'body', 'after', 'over'])
    await expect(op.autocommitBlock(undefined as never)).rejects.toThrow(
      'op.autocommitBlock: body is undefined: pass an async function',
    )
  })

  test('leaves the errors of its body as they are', async () => {
    const { op } = await open()
    const mistake = new TypeError('of the revision')
    await expect(op.autocommitBlock(() => Promise.reject(mistake))).rejects.toBe(mistake)
  })
})
