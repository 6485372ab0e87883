import fc from 'fast-check'
import { loadModule, parseSync, scanSync } from 'libpg-query'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { literal } from '../../lambda/data-api/literals.ts'
import { scan } from '../../lambda/data-api/scanner.ts'
import {
  isRepeatable,
  isRollbackToSavepoint,
  positionToLine,
  refuseStatement,
  refuseTornLiterals,
  resultForm,
  splitStatements,
  statementFacts,
} from '../../lambda/data-api/statements.ts'
import { CommandError } from '../../lambda/errors.ts'
import { connect, testAurora } from '../local-aurora.ts'
import { lexicalMix, script } from './sql-mixes.ts'

await loadModule()

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

describe('scan', () => {
  it('finds the same tokens as PostgreSQL in any text, and the same torn ones', () => {
    let compared = 0
    fc.assert(
      fc.property(lexicalMix, (sql) => {
        const expected = tokensOfPostgres(sql)
        if (expected === 'refused') return
        compared++
        const found = ourTokens(sql)
        if (found === 'backslash') {
          expect(expected === 'torn' || expected.some((token) => token.endsWith(' \\'))).toBe(true)
        } else expect(found).toEqual(expected)
      }),
      { numRuns: 40_000 },
    )
    expect(compared).toBeGreaterThan(20_000)
  })

  test.each([
    "'a' -- b\n'c'",
    "'a'\n--b\r'c'",
    "'a' -- ;\n\n -- '\n 'b' \n'c'",
    "E'\\'' -- b\n'\\';'",
    "'a''b'\n'c'",
    "u&'\\0061'\r\n'\\0062'",
  ])('joins strings over a line break as PostgreSQL itself does: %s', async (sql) => {
    const client = await connect(aurora, 'postgres')
    expect(Array.from(scan(sql))).toEqual([{ kind: 'string', start: 0, end: sql.length, text: '' }])
    expect((await client.query(`select ${sql} as a`)).rows).toHaveLength(1)
  })

  it('is not slowed down by text that looks like many comments or quotes', () => {
    const started = performance.now()
    for (const text of ["'a'--", "'a' ", '/*', "''", '--\n', '$a', 'e\\', '1e']) {
      const sql = `select ${text.repeat(100_000)}`
      try {
        for (const _ of scan(sql));
      } catch {}
    }
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

type Tokens = 'torn' | readonly string[]

/** Operators character by character: where one ends does not matter to anybody here. */
function inParts(at: number, text: string): string[] {
  return /^[~!@#^&|`?+\-*/%<>=:.]+$/.test(text)
    ? Array.from(text, (character, index) => `${at + index} ${character}`)
    : [`${at} ${text}`]
}

function ourTokens(sql: string): Tokens | 'backslash' {
  try {
    return Array.from(scan(sql)).flatMap(({ start, end }) => inParts(start, sql.slice(start, end)))
  } catch (error) {
    return (error as CommandError).kind === 'TornSql' ? 'torn' : 'backslash'
  }
}

function tokensOfPostgres(sql: string): Tokens | 'refused' {
  // A byte order mark is ours to skip; PostgreSQL takes it for a letter. And to libpg-query, unlike PostgreSQL itself
  // (see below), a comment between two strings keeps them apart.
  if (sql.startsWith('\ufeff') || /'\s*--[^']*[\n\r][^']*'/.test(sql)) return 'refused'
  try {
    const bytes = Buffer.from(sql)
    return scanSync(sql)
      .tokens.filter(({ tokenName }) => !tokenName.endsWith('_COMMENT'))
      .flatMap(({ start, end }) => {
        const at = bytes.subarray(0, start).toString().length
        const text = bytes.subarray(start, end).toString()
        return inParts(at, text)
      })
  } catch (error) {
    return (error as Error).message.includes('unterminat') ? 'torn' : 'refused'
  }
}

describe('splitStatements', () => {
  it('splits scripts as PostgreSQL does', () => {
    fc.assert(
      fc.property(script, ({ text, statements }) => {
        const pieces = splitStatements(text)
        expect(pieces.map(({ sql }) => sql)).toEqual(statements)
        expect(pieces.length).toBe(statements.length === 0 ? 0 : parseSync(text).stmts?.length)
        for (const { sql, line } of pieces) {
          const fromLine = text.split(/\r\n|\n|\r/).slice(line - 1)
          expect(fromLine[0]).toContain(sql.split('\n')[0])
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('gives the line on which each statement begins', () => {
    const text = '\ufeff-- first\r\nselect 1;\n\n/* a\nb */ select\n2; select 3;\rselect 4'
    expect(splitStatements(text)).toEqual([
      { sql: 'select 1', line: 2 },
      { sql: 'select\n2', line: 5 },
      { sql: 'select 3', line: 6 },
      { sql: 'select 4', line: 7 },
    ])
  })

  test.each(['', ' ', ';', ';;\n;', '-- nothing\n', '/* ; */', '\ufeff'])(
    'finds nothing in %o',
    (text) => {
      expect(splitStatements(text)).toEqual([])
    },
  )

  test.each([
    [
      "select 1;\nselect 'a;\n",
      "line 2: a string begins here and is never closed: add its closing '",
    ],
    ["select e'a\\'", 'line 1: a string begins here'],
    ['select\n"a', 'line 2: a quoted name begins here and is never closed'],
    [
      'do $body$ begin end $bodi$',
      'a dollar-quoted string begins here and is never closed: add its closing $body$',
    ],
    [
      'select 1 /* a /* b */',
      'line 1: a comment begins here and is never closed: add its closing */',
    ],
    ['select 1;\n\\d players', 'line 2: \\d is not SQL: only psql'],
    [
      "select 1;\ncopy t (a) from stdin;\nit's\n\\.\n",
      'line 2: copy from stdin and copy to stdout need',
    ],
    ['copy (select 1) to stdout', 'line 1: copy from stdin and copy to stdout need'],
  ])('refuses %o', (text, message) => {
    expect(() => splitStatements(text)).toThrow(CommandError)
    expect(() => splitStatements(text)).toThrow(message)
  })

  it('splits a large script fast', () => {
    const text = "insert into t values (1, 'it''s', $$x;y$$); -- comment\n".repeat(20_000)
    const started = performance.now()
    expect(splitStatements(text)).toHaveLength(20_000)
    expect(performance.now() - started).toBeLessThan(3_000)
  })
})

describe('statementFacts', () => {
  it('gives the statement without what surrounds it', () => {
    const facts = statementFacts('/* a */ select 1 /* b */ from t -- c\n;; -- d')
    expect(facts).toEqual({
      sql: 'select 1 /* b */ from t',
      verb: 'select',
      resultForm: 'select',
      autocommitOnly: false,
      repeatable: false,
    })
  })

  test.each([
    ['select 1', 'select'],
    ['(select 1) union (select 2)', 'select'],
    ['VALUES (1)', 'select'],
    ['table t', 'select'],
    ['with a as (select 1) select * from a', 'select'],
    ['with recursive a (n) as (values (1) union all select n + 1 from a) table a', 'select'],
    ['with update as (select 1) select * from update', 'select'],
    ['with a as (select 1) (select * from a)', 'select'],
    ['select a for update', 'select'],
    ['select a as into, b.into from b', 'select'],
    ['select \'into\', "into" from t', 'select'],
    ['insert into t values (1) returning id', 'returning'],
    ['insert into t select 1 on conflict do update set a = 1 returning *', 'returning'],
    ['update t set a = 1 returning *', 'returning'],
    ['merge into t using u on a = b when matched then delete returning t.*', 'returning'],
    ['with a as (select 1) delete from t using a returning *', 'returning'],
    ['with a as (delete from t returning *) select * from a', 'unmeasured'],
    ['with a as materialized (insert into t values (1) returning *) table a', 'unmeasured'],
    ['with a as (with b as (select 1) delete from t returning *) select 1', 'unmeasured'],
    [
      'with a as (delete from t returning *) insert into u select * from a returning *',
      'unmeasured',
    ],
    ['explain select 1', 'unmeasured'],
    ['show search_path', 'unmeasured'],
    ['fetch forward 5 from c', 'unmeasured'],
    ['call p(1)', 'unmeasured'],
    ['select 1 into t', 'none'],
    ['with a as (select 1) select * into t from a', 'none'],
    ['insert into t values (1)', 'none'],
    ['insert into t select a as returning from u', 'none'],
    ['insert into t select (select returning.a) from u', 'none'],
    ['with a as (select 1) update t set a = 1', 'none'],
    ['with a as (delete from t returning *) insert into u select * from a', 'none'],
    ['create table t as select 1', 'none'],
    ['do $$ begin end $$', 'none'],
    ['savepoint s', 'none'],
  ])('says of the rows of "%s": %s', (sql, expected) => {
    expect(resultForm(sql)).toBe(expected)
  })

  test.each([
    ['create index concurrently a on t (b)', true, true],
    ['CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "a" ON t (b)', true, true],
    ['create index concurrently on t (b)', true, false],
    ['drop index concurrently if exists s."a"', true, true],
    ['reindex index concurrently a', true, true],
    ['reindex (verbose, concurrently) table t', true, true],
    ['reindex table t', false, false],
    ['reindex (verbose) schema s', true, false],
    ['vacuum (analyze) t', true, true],
    ['analyze t', false, true],
    ["alter type s.mood add value if not exists 'ok' before 'sad'", false, true],
    ["alter type mood add value 'ok'", false, false],
    ['create database d', true, false],
    ['alter database d set tablespace x', true, false],
    ['alter database d set work_mem = 1', false, false],
    ['alter system set work_mem = 1', true, false],
    ['alter table only s.t detach partition s.p concurrently', true, false],
    ['alter table t detach partition p', false, false],
    ['refresh materialized view concurrently v', false, false],
    ['create index a on t (b)', false, false],
    ['create table vacuum (a int)', false, false],
    ["select 'create index concurrently'", false, false],
  ])(
    'says of "%s" that only autocommit takes it: %s, and that it may be repeated: %s',
    (sql, autocommitOnly, repeatable) => {
      expect(statementFacts(sql)).toMatchObject({ autocommitOnly, repeatable })
      expect(isRepeatable(sql)).toBe(repeatable)
    },
  )
})

describe('isRollbackToSavepoint', () => {
  test.each([
    ['rollback to savepoint a', true],
    ['/* x */ ROLLBACK WORK TO a;', true],
    ['rollback transaction to savepoint a', true],
    ['rollback', false],
    ['rollback and chain', false],
    ["select 'rollback to savepoint a'", false],
  ])('says of "%s": %s', (sql, expected) => {
    expect(isRollbackToSavepoint(sql)).toBe(expected)
  })
})

describe('refuseStatement', () => {
  test.each([
    ['', 'a statement is empty, or only a comment'],
    ['-- nothing', 'a statement is empty, or only a comment'],
    [
      'select 1;\nselect 2',
      'a second statement begins on line 2, and the Data API takes one per call: use op.executeScript',
    ],
    [
      'begin',
      "'begin' is not allowed in a revision: each revision already runs in one transaction",
    ],
    ['START  TRANSACTION', "'START TRANSACTION' is not allowed in a revision"],
    ['/* x */ Commit;', "'Commit' is not allowed"],
    ['end', 'op.autocommitBlock'],
    ['rollback', "use 'savepoint' and 'rollback to savepoint'"],
    ['rollback and chain', "'rollback and' is not allowed"],
    ['abort', 'one transaction'],
    ["prepare transaction 'a'", 'one transaction'],
    ["commit prepared 'a'", 'one transaction'],
    [
      'set search_path to a',
      "'set search_path' is not allowed in a revision: it would stay behind on a pooled connection: use 'set local …' or select set_config(…, true)",
    ],
    ['set "my.setting" = 1', `'set "my.setting"' is not allowed`],
    ['set session work_mem = 1', "'set session' is not allowed"],
    ['set role a', "use 'set local …'"],
    ["set time zone 'UTC'", "use 'set local …'"],
    ['set transaction isolation level serializable', 'default_transaction_isolation'],
    ['reset all', "use 'set local … to default'"],
    ['discard all', 'remove it'],
    ['listen a', "'listen a' is not allowed"],
    ['unlisten *', 'pooled connection'],
    ['prepare a as select 1', 'write the statement itself'],
    ['execute a', 'write the statement itself'],
    ['deallocate a', 'write the statement itself'],
    ["load 'auto_explain'", 'parameter group'],
    ['declare a scroll cursor with hold for select 1', "leave 'with hold' out"],
    ["select pg_catalog.set_config('search_path', '', false)", 'use set_config(…, true)'],
    ["select set_config('a.b', coalesce('x', 'y'), is_local => false)", 'use set_config(…, true)'],
    ['select pg_advisory_lock(1)', 'use pg_try_advisory_xact_lock()'],
    ['select 1 where pg_try_advisory_lock_shared(1, 2)', 'use pg_try_advisory_xact_lock()'],
    ['copy t from stdin', 'use op.bulkInsert'],
    ["select 'a", 'never closed'],
    ['\\i file.sql', 'is not SQL: only psql'],
  ])('refuses %o', (sql, message) => {
    expect(() => refuseStatement(sql)).toThrow(CommandError)
    expect(() => refuseStatement(sql)).toThrow(message)
  })

  test.each([
    ...[
      'savepoint a',
      'release a',
      'rollback to savepoint a',
      'rollback work to a',
      'set local a = 1',
    ],
    ...[
      'set constraints all deferred',
      'set transaction read only',
      "notify a, 'b'",
      'lock table t',
    ],
    ...['create temp table t (a int)', 'declare a no scroll cursor for select 1', 'fetch 1 from a'],
    ...[
      "select set_config('a.b', 'x', true)",
      'select pg_advisory_xact_lock(1)',
      'select set_config from t',
    ],
    ...['update t set begin = 1', 'do $$ begin commit; end $$', "select 'commit;'", 'call p()'],
    ...[
      'create function f() returns int begin atomic select 1; end',
      'create index concurrently a on t (b)',
    ],
    ...[
      "create function f() returns text return set_config('a.b', 'x', false)",
      "copy t from 's3://a'",
    ],
  ])('lets "%s" pass', (sql) => {
    expect(() => refuseStatement(sql)).not.toThrow()
  })

  it('shows no value in its message', () => {
    expect(() => refuseStatement("set my.password = 'hunter2'")).toThrow(/^(?!.*hunter2)/)
  })
})

describe('refuseTornLiterals', () => {
  const check = (before: string, value: unknown, after: string) => () => {
    const written = literal(value)
    const end = before.length + written.length
    refuseTornLiterals(`${before}${written}${after}`, [[before.length, end]])
  }

  test.each<[string, unknown, string]>([
    ["select '", 'x', "'"],
    ["select 'a", 'it', " b'"],
    ["select '", '; drop table t; --', "'"],
    ['select "', 1, '"'],
    ['do $$ begin perform ', '$$; drop table t; --', '; end $$'],
    ['do $$ begin perform ', 1, '; end $$'],
    ['select 1 -- ', 'a\n; drop table t', ''],
    ['select /* ', '*/ 1', ' */'],
    ["select 'a'\n", 'b', ''],
    ["select 'a' -- comment\n", 'b', ''],
    ['select ', 'a', "\n'b'"],
    ['select ', 'a', "'b'"],
    ['select ', 1, '0'],
    ['select ', 1, '.5'],
    ['select ', true, 'x'],
    ['select ', null, 'a'],
  ])('refuses a value between %o, %o and %o', (before, value, after) => {
    expect(check(before, value, after)).toThrow(CommandError)
  })

  it('names the line and the fix', () => {
    expect(check("select 1,\n '", 'x', "'")).toThrow(
      /^line 2: a value stands inside quotes.*: write \$\{value\} by itself, as in '%' \|\| \$\{value\} \|\| '%'/,
    )
  })

  test.each<[string, unknown, string]>([
    ["select 'a',", 'b', ",\n'c'"],
    ['select -', -1, '::int'],
    ['select a-', -1.5, ''],
    ['select f(', null, ')'],
    ["select '%' ||", 'x', " || '%'"],
    ['select ', "it's:\\", ' -- comment'],
    ['select ', [1, 2], '::int[]'],
  ])('lets a value between %o, %o and %o pass', (before, value, after) => {
    expect(check(before, value, after)).not.toThrow()
  })

  it('looks at every value of a statement', () => {
    const parts = ['select', literal(1), ',', literal('a'), ", '", literal(2), "'"]
    const sql = parts.join('')
    const starts = parts.map((_, index) => parts.slice(0, index).join('').length)
    const spans = [1, 3, 5].map((index): [number, number] => [
      starts[index] ?? 0,
      starts[index + 1] ?? 0,
    ])
    expect(() => refuseTornLiterals(sql, spans)).toThrow(CommandError)
    expect(() => refuseTornLiterals(sql, spans.slice(0, 2))).not.toThrow()
  })
})

describe('positionToLine', () => {
  test.each<[string, number, ReturnType<typeof positionToLine>]>([
    ['select x', 8, { line: 1, column: 8, text: 'select x' }],
    ['select\n  x,\n  y', 15, { line: 3, column: 3, text: '  y' }],
    ['select\r\nx', 9, { line: 2, column: 1, text: 'x' }],
    ["select '😀😀',\nx, 'é'", 14, { line: 2, column: 1, text: "x, 'é'" }],
    ['select', 99, { line: 1, column: 7, text: 'select' }],
    ['select', 0, { line: 1, column: 1, text: 'select' }],
  ])('finds %o at %i', (sql, position, expected) => {
    expect(positionToLine(sql, position)).toEqual(expected)
  })
})
