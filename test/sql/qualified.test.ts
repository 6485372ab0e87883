import { describe, expect, test } from 'vitest'
import { literal } from '../../lambda/sql/literals.ts'
import { qualified } from '../../lambda/sql/qualified.ts'
import { unqualifiedNames } from './qualified-names.ts'

describe('SQL of our own', () => {
  test.each([
    [qualified`select #count(*)`, 'select pg_catalog.count(*)'],
    [qualified`a #= b`, 'a operator(pg_catalog.=) b'],
    [qualified`a::#text[]`, 'a::pg_catalog.text[]'],
    [qualified`a::#"char"`, 'a::pg_catalog."char"'],
    [qualified`a #->> 'b' #|| c`, "a operator(pg_catalog.->>) 'b' operator(pg_catalog.||) c"],
    [qualified`from #pg_class c`, 'from pg_catalog.pg_class c'],
    [qualified`#left(a, -1) #<> b`, 'pg_catalog.left(a, -1) operator(pg_catalog.<>) b'],
    [qualified`a #=${literal('x')} and b`, "a operator(pg_catalog.=) 'x' and b"],
  ])('has its names and operators in pg_catalog: %s', (written, expected) => {
    expect(written).toBe(expected)
  })

  test('keeps what is interpolated as it is', () => {
    expect(qualified`select ${"'#a #= b'"} as a`).toBe("select '#a #= b' as a")
  })
})

describe("PostgreSQL's own parser finds what is looked up along the search path", () => {
  test.each([
    ['select count(*)', 'function count'],
    ['select a = b', 'operator ='],
    ['select not (a || b) is null', 'operator ||'],
    ['select a::text', 'type text'],
    ['select cast(a as jsonb)', 'type jsonb'],
    ["select text 'a'", 'type text'],
    ['select * from pg_class', 'relation pg_class'],
    ['select a in (1, 2)', 'AEXPR_IN'],
    ['select a in (select 1)', 'operator '],
    ['select a = any (b)', 'operator ='],
    ['select a = any (select 1)', 'operator ='],
    ['select a is distinct from b', 'AEXPR_DISTINCT'],
    ['select nullif(a, b)', 'AEXPR_NULLIF'],
    ['select a between b and c', 'AEXPR_BETWEEN'],
    ["select a like 'x'", 'AEXPR_LIKE'],
    ["select a ilike 'x'", 'AEXPR_ILIKE'],
    ["select a similar to 'x'", 'AEXPR_SIMILAR'],
    ['select case a when 1 then 2 end', 'case with an operand'],
    ['select 1 from a.b join a.c using (d)', 'join using'],
    ['select 1 from a.b natural join a.c', 'join using'],
    ['select (a, b) = (c, d)', 'operator ='],
    ['select a from b.c order by a using <', 'operator <'],
    ['select a collate "C"', 'collation C'],
    ['select xmlelement(name a)', 'XmlExpr'],
    ['select a.f(1)', 'function a.f'],
    ['create table a.b (c text)', 'type text'],
    ["create table a.b (c pg_catalog.text check (c in ('d')))", 'AEXPR_IN'],
    ['update a.b set c = d + 1', 'operator +'],
    ['delete from a', 'relation a'],
    ['insert into a.b select max(c) from d.e', 'function max'],
    ['with a as (select 1) select * from a, b', 'relation b'],
    ["do $$ begin perform set_config('a', 'b', true); end $$", 'function set_config'],
    ['do $$ declare a text; begin end $$', 'type text'],
    ["do $$ declare a pg_catalog.text; begin a := a || 'b'; end $$", 'operator ||'],
    ['do $$ begin if a = b then null; end if; end $$', 'operator ='],
    ['do $$ begin raise exception using message = lower(a); end $$', 'function lower'],
    ["do $$ begin execute f('a'); end $$", 'function f'],
    [
      'create function a.b(c json) returns pg_catalog.int4 language plpgsql as $$ begin return 1; end $$',
      'type json',
    ],
    [
      "select pg_catalog.query_to_xml(pg_catalog.format('%s%L%s', 'select f(', $1, ')'), true, true, '')",
      'function f',
    ],
  ])('in %s', (sql, name) => {
    expect(unqualifiedNames(sql)).toContain(name)
  })

  test.each([
    'select pg_catalog.count(*), coalesce(a, b), extract(epoch from a), position(a in b), current_user from c.d order by a desc',
    "select a at time zone 'UTC', a::bigint, a::varchar(3), interval '1 s', case when a then b end",
    'select a operator(pg_catalog.=) any (b::pg_catalog.text[]) and not c is null',
    'with a as (select 1) select * from a',
    'insert into a.b (c) select d from a.e on conflict do nothing returning 1',
    "do $$ declare a pg_catalog.text := 'b'; begin a := pg_catalog.lower(a); end $$",
  ])('and nothing in %s', (sql) => {
    expect(unqualifiedNames(sql)).toEqual([])
  })
})
