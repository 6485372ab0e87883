import { describe, expect, it, test } from 'vitest'
import { refuseStatement } from '../../lambda/data-api/statements.ts'
import { CommandError } from '../../lambda/errors.ts'

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
