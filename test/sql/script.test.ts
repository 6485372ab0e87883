import fc from 'fast-check'
import { loadModule, parseSync } from 'libpg-query'
import { describe, expect, it, test } from 'vitest'
import { CommandError } from '../../lambda/errors.ts'
import { positionToLine } from '../../lambda/sql/position.ts'
import { revisionStatements, splitStatements } from '../../lambda/sql/script.ts'
import { Statement } from '../../lambda/sql/statement.ts'
import { script } from './sql-mixes.ts'

await loadModule()

describe('revisionStatements', () => {
  it('names all statements that are refused, with what to write instead', () => {
    const text = `SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET
  SESSION search_path = '', "a";
select 1;
SELECT pg_catalog.set_config('search_path', '', false);
RESET work_mem;
BEGIN;
SET client_encoding = 'LATIN1';
COMMIT;`
    expect(() => revisionStatements(text)).toThrow(
      /^8 places have to change, because .*: line 1: write SET LOCAL statement_timeout = 0; line 2: write SET LOCAL client_encoding = 'UTF8'; line 3: write SET LOCAL search_path = '', "a"; line 6: write SELECT pg_catalog\.set_config\('search_path', '', true\); line 7: write SET LOCAL work_mem TO DEFAULT; line 8: 'BEGIN' is not allowed in a revision: .*; line 9: 'SET client_encoding' is not allowed in a revision: it sets client_encoding.*; line 10: 'COMMIT' is not allowed/,
    )
  })

  it('says what is wrong with one as it says it of a statement', () => {
    expect(() => revisionStatements('select 1;\nset role a')).toThrow(
      /^line 2: 'set role' is not allowed in a revision: it would stay behind/,
    )
  })
})

describe('splitStatements', () => {
  it('splits scripts as PostgreSQL does', () => {
    fc.assert(
      fc.property(script, ({ text, statements }) => {
        const pieces = splitStatements(text)
        expect(pieces.map(({ statement }) => statement.sql)).toEqual(statements)
        expect(pieces.length).toBe(statements.length === 0 ? 0 : parseSync(text).stmts?.length)
        for (const { statement, line } of pieces) {
          const fromLine = text.split(/\r\n|\n|\r/).slice(line - 1)
          expect(fromLine[0]).toContain(statement.sql.split('\n')[0])
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('gives the line on which each statement begins', () => {
    const text = '\ufeff-- first\r\nselect 1;\n\n/* a\nb */ select\n2; select 3;\rselect 4'
    const pieces = splitStatements(text).map(({ statement: { sql }, line }) => ({ sql, line }))
    expect(pieces).toEqual([
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
    [
      `copy t (${Array.from({ length: 80 }, (_, i) => `c${i}`).join(', ')}) from stdin;\n1\tit's\n\\.\n`,
      'line 1: copy from stdin and copy to stdout need',
    ],
    ['copy (select 1) to stdout', 'line 1: copy from stdin and copy to stdout need'],
  ])('refuses %o', (text, message) => {
    expect(() => splitStatements(text)).toThrow(CommandError)
    expect(() => splitStatements(text)).toThrow(message)
  })

  it('names all places that are no SQL, and skips the data of copy', () => {
    const text =
      "\\restrict a\nselect 1;\ncopy t (a, b) from stdin;\nit's; \\N\tx\n\\.\n\nselect 2 \\g\ncopy u from stdin;\n\\.\n\\unrestrict a\nselect 'a"
    expect(() => splitStatements(text)).toThrow(
      /^6 places have to change, because .*: line 1: \\restrict is not SQL.*; lines 3, 8: copy from stdin .*; line 7: \\g is not SQL.*; line 10: \\unrestrict is not SQL.*; line 11: a string begins here and is never closed: add its closing '$/,
    )
  })

  it('splits a large script fast', () => {
    const text = "insert into t values (1, 'it''s', $$x;y$$); -- comment\n".repeat(20_000)
    const started = performance.now()
    expect(splitStatements(text)).toHaveLength(20_000)
    expect(performance.now() - started).toBeLessThan(3_000)
  })
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
    expect(new Statement(sql).isRollbackToSavepoint).toBe(expected)
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
