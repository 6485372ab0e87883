import fc from 'fast-check'

const PIECES = [
  ...["'", "''", "'a'", "'it''s'", "'a;b'", "'a\nb'", "'\\'", 'e', "e'\\''", "E'\\\\'", "E'a\\'b'"],
  ...[
    "n'x'",
    "b'01'",
    "x'1f'",
    "u&'a'",
    'U&"a;b"',
    "U&'a' uescape '!'",
    '"',
    '"a;b"',
    '"a""b"',
    '""',
  ],
  ...['$', '$$', '$$a;b$$', '$tag$', '$tag$ ; $$ ; $tag$', '$1', '$12', 'a$b', 'a$$b$$', '$é$;$é$'],
  ...[
    '--',
    '-- a;b\n',
    '--\r',
    '/*',
    '*/',
    '/* ; */',
    '/* a /* ; */ b */',
    '/**/',
    '/*/',
    '//',
    '/',
    '*',
  ],
  ...[
    ':',
    '::',
    '::int',
    ':=',
    '=>',
    ':name',
    '.',
    '..',
    '[1:2]',
    '=-1',
    '@-',
    '<>',
    '->>',
    '?',
    '|',
    '#',
  ],
  ...[
    '1',
    '1.5',
    '1.',
    '.5',
    '1e10',
    '1e-5',
    '0x1F',
    '1_000',
    '1..2',
    'a',
    'é',
    '_b1',
    'select',
    'Begin',
  ],
  ...['(', ')', ';', ',', ' ', '\n', '\t', '\r\n', '\u00a0', '\ufeff', '😀'],
]

/** Text made of every lexical form there is, seldom a statement. */
export const lexicalMix = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 14 })
  .map((pieces) => pieces.join(''))

const STATEMENTS = [
  "select 'a;b', \"c;d\", 1::int, e'\\';', $$;$$, $t$ $$;$$ $t$, u&'a;' /* ; /* ; */ */ from t",
  "select 'a'\n'b;'",
  'select a[1:2], b ->> c from t where d @> $1 and e = f',
  'create rule r as on insert to t do also (insert into u values (1); delete from v; select 1)',
  'create function f() returns int language sql as $$ select 1; select 2 $$',
  "create or replace function f() returns int language plpgsql as 'begin return 1; end;'",
  'create function f(a int) returns int begin atomic select 1; select a; end',
  'create or replace function f() returns int begin atomic select case when a then 1 else case b when c then 2 end end from t; select 2; end',
  'create function f() returns int begin atomic select 1 end, xmlelement(name end, xmlattributes(a as end)); select xmlelement(name case), atomic end; end',
  'create procedure p() begin atomic; insert into t values (1); end',
  'create function begin() returns int return 1',
  'create or replace procedure s.p() begin atomic select t.end, t.case as end from t; end',
  'do $body$ begin if a then raise notice $x$;$x$; end if; end $body$',
  'insert into t (a) values ($1), (default) on conflict (a) do update set a = excluded.a returning *',
  'with a as (select 1), b as (delete from t returning *) select * from a, b',
  "create table t (a int check (a > 0), b text default ';')",
  "comment on table t is 'begin; end;'",
  'create trigger g before update on t for each row execute function f()',
  'begin',
  'end',
  'select case when a then b end as "end"',
  'create table "function" (a int)',
]

const BETWEEN = ['', ' ', '\n', '\r\n', '-- a; b\n', '/* a; /* b; */ */', '\n\n-- x\n']

/** Valid statements with all sorts of semicolons between and within them. */
export const script = fc
  .array(
    fc.record({
      before: fc.constantFrom(...BETWEEN),
      sql: fc.constantFrom(...STATEMENTS),
      after: fc.constantFrom(...BETWEEN),
      end: fc.constantFrom(';', ';;', '; -- end\n;', ';\n'),
    }),
    { maxLength: 5 },
  )
  .map((statements) => ({
    text: statements.map(({ before, sql, after, end }) => `${before}${sql}${after}${end}`).join(''),
    statements: statements.map(({ sql }) => sql),
  }))
