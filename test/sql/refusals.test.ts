import { describe, expect, it, test } from 'vitest'
import { CommandError } from '../../lambda/errors.ts'
import { Statement } from '../../lambda/sql/statement.ts'

describe('Statement.refuse', () => {
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
    ['set transaction read write, not deferrable', 'this must come first'],
    ["set local transaction_isolation = 'serializable'", 'this must come first'],
    ["select set_config('transaction_deferrable', 'on', true)", 'this must come first'],
    ['set transaction read only', 'the version row of the revision is written'],
    ['set local transaction_read_only to on', 'the version row of the revision is written'],
    ["do $$ begin set local transaction_read_only = 'true'; end $$", 'the version row'],
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
    expect(() => new Statement(sql).refuse()).toThrow(CommandError)
    expect(() => new Statement(sql).refuse()).toThrow(message)
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
      'set transaction read write',
      'set local transaction_read_only = off',
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
    expect(() => new Statement(sql).refuse()).not.toThrow()
  })

  const ENCODING =
    'it sets client_encoding, and the Data API sends text as UTF-8, so with any other encoding PostgreSQL stores other characters than were written: remove it, and convert a file in another encoding before (iconv -f latin1 -t utf-8)'
  const STRINGS =
    "it sets standard_conforming_strings, and a backslash in '…' would end statements and values elsewhere than they were written: remove it, and write strings with backslash escapes as E'…'"
  const NULLS =
    "it sets array_nulls, and a null in an array would become the text 'NULL': remove it, and write that text as '{\"NULL\"}'"

  test.each([
    ["set local client_encoding = 'latin1'", 'set local', ENCODING],
    ['set local client_encoding to win1252', 'set local', ENCODING],
    ['SET CLIENT_ENCODING=latin1', 'SET CLIENT_ENCODING', ENCODING],
    ['set session client_encoding = latin1', 'set session', ENCODING],
    ['set local "Client_Encoding" = latin1', 'set local', ENCODING],
    ['set local U&"client\\005fencoding" = latin1', 'set local', ENCODING],
    ['set local client_encoding = default', 'set local', ENCODING],
    ["set names 'latin1'", 'set names', ENCODING],
    ['set local names latin1', 'set local', ENCODING],
    ['set local names default', 'set local', ENCODING],
    ["select set_config('client_encoding', 'latin1', true)", 'select set_config', ENCODING],
    ["select pg_catalog.set_config('CLIENT_ENCODING', 'latin1', true)", 'select', ENCODING],
    ["select \"set_config\"(E'client\\x5fencoding', 'latin1', true)", 'select', ENCODING],
    ["select set_config('client_' || 'encoding', x, true) from y", 'select', ENCODING],
    ["select set_config('client_'\n'encoding', null, true)", 'select', ENCODING],
    [
      "select set_config(setting_name => 'client_encoding', new_value => 'a', is_local => true)",
      'select',
      ENCODING,
    ],
    [
      "select set_config(new_value := 'a', is_local := true, setting_name := $$client_encoding$$)",
      'select',
      ENCODING,
    ],
    [
      "create table t as select set_config('client_encoding', 'latin1', true)",
      'create table',
      ENCODING,
    ],
    [
      "create temp table t as select set_config('client_encoding', 'a', true)",
      'create temp',
      ENCODING,
    ],
    [
      "create materialized view v as select set_config('client_encoding', 'a', true)",
      'create',
      ENCODING,
    ],
    ["explain analyze select set_config('client_encoding', 'latin1', true)", 'explain', ENCODING],
    ['set local standard_conforming_strings = off', 'set local', STRINGS],
    ['set local standard_conforming_strings to default', 'set local', STRINGS],
    ["select set_config('standard_conforming_strings', 'off', true)", 'select', STRINGS],
    ['set local array_nulls = 0', 'set local', NULLS],
    [
      "select set_config('array_nulls', case when a then 'on' else 'off' end, true)",
      'select',
      NULLS,
    ],
  ])('refuses %o, which changes how text is read', (sql, head, reason) => {
    expect(() => new Statement(sql).refuse()).toThrow(`'${head}`)
    expect(() => new Statement(sql).refuse()).toThrow(`' is not allowed in a revision: ${reason}`)
  })

  test.each([
    ["begin set local client_encoding = 'latin1'; end", ENCODING],
    ["declare x int; begin if x > 1 then set local names 'latin1'; end if; end", ENCODING],
    ["begin perform set_config('client_encoding', 'latin1', true); end", ENCODING],
    [
      "<<a>> declare x text := set_config('standard_conforming_strings', 'off', true); begin end",
      STRINGS,
    ],
    ["begin execute 'set local client_encoding = latin1'; end", ENCODING],
    ["begin execute format('set local client_encoding = %L', 'latin1'); end", ENCODING],
    ["begin execute 'do $b$ begin set local array_nulls = off; end $b$'; end", NULLS],
    ['begin loop set search_path = a; exit; end loop; end', "use 'set local …'"],
    ['begin perform pg_advisory_lock(1); end', 'use pg_try_advisory_xact_lock()'],
    ["begin update pg_settings set setting = 'a' where name = 'b'; end", "use 'set local …'"],
  ])('refuses a do block of %o', (body, reason) => {
    for (const sql of [
      `do $$ ${body} $$`,
      `do language plpgsql '${body.replaceAll("'", "''")}'`,
      `do $a$${body}$a$ language "plpgsql"`,
    ]) {
      expect(() => new Statement(sql).refuse()).toThrow(
        /^'do( language)?' is not allowed in a revision: a statement in it is refused: /,
      )
      expect(() => new Statement(sql).refuse()).toThrow(reason)
    }
  })

  test.each([
    "update pg_settings set setting = 'off' where name = 'array_nulls'",
    'update only pg_catalog.pg_settings as s set setting = 1',
    'with a as (select 1) update "pg_settings" set setting = 1',
  ])('refuses %o, which sets for the session', (sql) => {
    expect(() => new Statement(sql).refuse()).toThrow("use 'set local …'")
  })

  test.each([
    "set local client_encoding = 'UTF8'",
    'set local client_encoding to utf8',
    "set local names 'UTF-8'",
    'set local names unicode',
    'set local standard_conforming_strings = on',
    "select set_config('standard_conforming_strings', 'true', true)",
    'set local array_nulls = 1',
    "set local datestyle = 'German'",
    "set local my.client_encoding = 'latin1'",
    'update t set client_encoding = 1',
    'insert into t (array_nulls) values (1) on conflict do update set array_nulls = 0',
    "select 'set local client_encoding = latin1', client_encoding from set_config",
    "select set_config(a, 'latin1', true), f('client_encoding') from t",
    "comment on table t is 'set_config(''client_encoding'', ''latin1'', true)'",
    "create function f() returns void language plpgsql as $$ begin set local client_encoding = 'latin1'; end $$",
    "create or replace procedure p() language sql set array_nulls = off as 'select 1'",
    "create view v as select set_config('client_encoding', 'latin1', true)",
    "alter role r set client_encoding = 'latin1'",
    'alter database d set standard_conforming_strings = off',
    'select * from pg_settings',
    'create table pg_settings (id int)',
    'delete from pg_settings_update',
    "do $$ begin update t\nset client_encoding = 'x'; raise notice 'set local array_nulls = off'; end $$",
    'do $$ declare set int; begin set := 1; set local search_path = a; end $$',
    'do language plpython3u $$ plpy.execute("set local client_encoding = \'latin1\'") $$',
    'do $$ this is no "SQL $$',
  ])('lets %o pass', (sql) => {
    expect(() => new Statement(sql).refuse()).not.toThrow()
  })

  it('shows no value in its message', () => {
    expect(() => new Statement("set my.password = 'hunter2'").refuse()).toThrow(/^(?!.*hunter2)/)
    const body = "begin set password = 'hunter2'; end"
    expect(() => new Statement(`do $$ ${body} $$`).refuse()).toThrow(/^(?!.*hunter2)/)
  })
})
