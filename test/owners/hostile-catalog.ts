import type { HostileDatabase } from './hostile-role.ts'

/** How many copies of the catalog's objects stand in the hostile schema. */
export interface CopiedCatalog {
  readonly functions: number
  readonly aggregates: number
  readonly operators: number
  readonly types: number
  readonly relations: number
}

/**
 * Copies PostgreSQL's whole catalog into the schema of the hostile role: a function, an operator, an aggregate, a type and
 * a view of each name, with the same argument types, and with exact ones where PostgreSQL's own are polymorphic. Whatever
 * of it is used counts itself and fails.
 */
export async function copyCatalog(place: HostileDatabase): Promise<CopiedCatalog> {
  await place.superuser.query(
    `alter role ${place.role} in database ${place.database} set search_path = pg_catalog`,
  )
  await place.hostile(HELPERS, FUNCTIONS, AGGREGATES, OPERATORS, RELATIONS, TYPES)
  const { rows } = await place.superuser.query<CopiedCatalog>(COUNTS)
  return rows[0] as CopiedCatalog
}

/** What polymorphic functions and operators are copied for. */
const EXACT = ['text', 'varchar', 'name', 'int4', 'int8', 'oid', 'json', 'timestamptz']

const HELPERS = `
create function hostile.body(name text) returns text language sql as $$
  select format('begin perform pg_catalog.nextval(''hostile.count''); raise exception %L; end', 'hostile ' || name || ' ran') $$;
create function hostile.attempt(statement text) returns void language plpgsql as $$
begin execute statement; exception when others then null; end $$;
create function hostile.type_name(type oid, exact text) returns text language sql as $$
  select case
    when exact is null and t.typname = 'any' then 'pg_catalog.anyelement'
    when exact is null then format('pg_catalog.%I', t.typname)
    when t.typname in ('any', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray') then 'pg_catalog.' || exact
    when t.typname in ('anyarray', 'anycompatiblearray') then 'pg_catalog.' || exact || '[]'
    else format('pg_catalog.%I', t.typname) end
  from pg_type t where t.oid = type $$;
create function hostile.arguments(types oidvector, exact text) returns text language sql as $$
  select coalesce(string_agg(hostile.type_name(type, exact), ', ' order by n), '') from unnest(types) with ordinality u (type, n) $$;
create function hostile.is_polymorphic(types oidvector) returns boolean language sql as $$
  select exists (select from unnest(types) type join pg_type t on t.oid = type where t.typname ~ '^any') $$;
create table hostile.forms (exact text);
insert into hostile.forms values (null), ${EXACT.map((type) => `('${type}')`).join(', ')}`

const FUNCTIONS = `
do $do$ begin
  perform hostile.attempt(format('create or replace function hostile.%I(%s) returns %s %s immutable language plpgsql as %L',
    p.proname, hostile.arguments(p.proargtypes, f.exact), case when p.proretset then 'setof' else '' end,
    hostile.type_name(p.prorettype, f.exact), hostile.body(p.proname)))
  from pg_proc p cross join hostile.forms f
  where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'w') and (f.exact is null or hostile.is_polymorphic(p.proargtypes));
  perform hostile.attempt(format('create or replace function hostile.%I(%s) returns pg_catalog.text immutable language plpgsql as %L',
    p.proname, (select string_agg('pg_catalog.text', ', ') from generate_series(1, n)), hostile.body(p.proname)))
  from pg_proc p cross join generate_series(1, 8) n where p.pronamespace = 'pg_catalog'::regnamespace and p.provariadic = '"any"'::regtype;
end $do$`

const AGGREGATES = `
do $do$ begin
  perform hostile.attempt(format('create or replace function hostile.step(%s) returns pg_catalog.int8 immutable language plpgsql as %L',
    concat_ws(', ', 'pg_catalog.int8', nullif(hostile.arguments(p.proargtypes, f.exact), '')), hostile.body('aggregate'))),
    hostile.attempt(format('create aggregate hostile.%I(%s) (sfunc = hostile.step, stype = pg_catalog.int8, initcond = ''0'')',
    p.proname, coalesce(nullif(hostile.arguments(p.proargtypes, f.exact), ''), '*')))
  from pg_proc p cross join hostile.forms f
  where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'a' and (f.exact is null or hostile.is_polymorphic(p.proargtypes));
end $do$`

const OPERATORS = `
do $do$ begin
  perform hostile.attempt(format('create or replace function hostile.%I(%s) returns %s immutable language plpgsql as %L',
    'operator_' || o.oid, concat_ws(', ', l.name, r.name), hostile.type_name(o.oprresult, f.exact), hostile.body('operator ' || o.oprname))),
    hostile.attempt(format('create operator hostile.%s (%s function = hostile.%I)', o.oprname,
    coalesce('leftarg = ' || l.name || ',', '') || coalesce('rightarg = ' || r.name || ',', ''), 'operator_' || o.oid))
  from pg_operator o cross join hostile.forms f
  cross join lateral (select hostile.type_name(o.oprleft, f.exact)) l (name) cross join lateral (select hostile.type_name(o.oprright, f.exact)) r (name)
  where o.oprnamespace = 'pg_catalog'::regnamespace;
  perform hostile.attempt(format('create or replace function hostile.compared(pg_catalog.%s, pg_catalog.%s) returns pg_catalog.bool immutable language plpgsql as %L', l, r, hostile.body('comparison'))),
    hostile.attempt(format('create operator hostile.%s (leftarg = pg_catalog.%s, rightarg = pg_catalog.%s, function = hostile.compared)', name, l, r))
  from unnest('{=,<>,<,>,<=,>=,~~,||,+,-,*}'::text[]) name, unnest('{text,varchar,name,int4,int8,json[],json,text[]}'::text[]) l, unnest('{text,varchar,name,int4,int8,json,text[]}'::text[]) r;
end $do$`

const RELATIONS = `
do $do$ begin
  perform hostile.attempt(format('create view hostile.%I as select * from pg_catalog.%I where hostile.ran()', relname, relname)),
    hostile.attempt(format('grant select on hostile.%I to public', relname))
  from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v');
end $do$`

const TYPES = `
do $do$ begin
  perform hostile.attempt(format('create domain hostile.%I as pg_catalog.%I check (hostile.ran())', typname, typname))
  from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r') and typcategory <> 'A';
end $do$`

const COUNTS = `select
  (select count(*)::int from pg_proc where pronamespace = 'hostile'::regnamespace and prokind = 'f') as functions,
  (select count(*)::int from pg_proc where pronamespace = 'hostile'::regnamespace and prokind = 'a') as aggregates,
  (select count(*)::int from pg_operator where oprnamespace = 'hostile'::regnamespace) as operators,
  (select count(*)::int from pg_type where typnamespace = 'hostile'::regnamespace and typtype = 'd') as types,
  (select count(*)::int from pg_class where relnamespace = 'hostile'::regnamespace and relkind = 'v') as relations`
