import { literal, pgArray } from '../sql/literals.ts'
import { qualified } from '../sql/qualified.ts'
import type { VersionTable } from './version-table.ts'

/**
 * WITH clauses about who owns what stands beside the version table, for a statement that begins with them:
 *
 * | query | |
 * |---|---|
 * | `"trusted" ("role")` | the roles whose objects may run code with our rights: the current role, the roles it is a member of, the owner of the database and of the schema, superusers, members of rds_superuser, and those of {@link VersionTable.trustedOwners} |
 * | `"tables" ("id", "name", …)` | our tables, as far as they are there |
 * | `"problems" ("problem")` | why they must not be used, a line each |
 *
 * Whoever may create in the schema can put a table, a view or a function there before we do. A statement that names such
 * an object runs code of its owner, and that already when it is planned (a view, an index, a policy). So the tables are
 * not named before `"problems"` is known to be empty, see `readStatement`.
 */
export function ownerClauses(table: VersionTable): string {
  return `with recursive ${trustedClause(table)},
${tablesClause(table)},
${usedClause()},
${problemsClause()}`
}

/** Implicit: the owner of the database is its one member, and it owns the schema `public`. */
const DATABASE_OWNER = 'pg_database_owner'

function trustedClause({ name, trustedOwners }: VersionTable): string {
  const named = literal(pgArray([DATABASE_OWNER, ...trustedOwners]))
  return qualified`"roles" ("role", "name", "super") as materialized (select r.oid, r.rolname, r.rolsuper from #pg_roles r),
"self" ("role") as (select r."role" from "roles" r where r."name" #= current_user
  union select m.roleid from "self" s join #pg_auth_members m on m.member #= s."role"),
"trusted" ("role") as materialized (select r."role" from "roles" r where r."super" or r."name" #= any (${named}::#name[])
  or exists (select from "self" s where s."role" #= r."role")
  or r."role" #= (select d.datdba from #pg_database d where d.datname #= #current_database())
  or r."role" #= (select n.nspowner from #pg_namespace n where n.nspname #=${literal(name.schema)})
  or exists (select from "roles" s where s."name" #= 'rds_superuser' and #pg_has_role(r."role", s."role", 'member')))`
}

function tablesClause({ name, tables }: VersionTable): string {
  const names = literal(pgArray(tables.map((table) => table.name)))
  const quoted = tables.map(
    (table) => `when c.relname ${EQUAL}${literal(table.name)} then${literal(table.sql)}`,
  )
  return qualified`"tables" ("id", "name", "kind", "owner", "partition") as materialized (select c.oid, case ${quoted.join(' ')} end, c.relkind::#text, c.relowner, c.relispartition
  from #pg_class c join #pg_namespace n on n.oid #= c.relnamespace where n.nspname #=${literal(name.schema)} and c.relname #= any (${names}::#name[]))`
}

const EQUAL = qualified`#=`

/** SQL for the number of a catalog in `pg_depend`. */
function catalog(name: string): string {
  return qualified`'pg_catalog.${name}'::#regclass`
}

/**
 * What our tables are made of (triggers, rules, policies, defaults, constraints, indexes), and what that uses:
 * functions, operators and types, and the relations that a rule or a policy names, with what these are made of.
 * Nothing is asked of an untrusted relation, and of a function only who owns it.
 */
function usedClause(): string {
  return qualified`"used" ("class", "id", "by_class", "by_id") as (
  select ${catalog('pg_class')}::#oid, t."id", null::#oid, null::#oid from "tables" t
  union select d.classid, d.objid, u."class", u."id" from "used" u cross join lateral (
    select p.classid, p.objid from #pg_depend p where p.refclassid #= u."class" and p.refobjid #= u."id" and (p.deptype #= 'a' or p.deptype #= 'i')
    union all select p.refclassid, p.refobjid from #pg_depend p where p.classid #= u."class" and p.objid #= u."id"
      and (p.refclassid #= any (array[${catalog('pg_proc')}, ${catalog('pg_operator')}, ${catalog('pg_type')}]) or (p.refclassid #= ${catalog('pg_class')} and u."class" #= any (array[${catalog('pg_rewrite')}, ${catalog('pg_policy')}])))) d
  where u."class" #<> ${catalog('pg_proc')} and not exists (select from #pg_class c where u."class" #= ${catalog('pg_class')} and c.oid #= u."id" and not exists (select from "trusted" t where t."role" #= c.relowner)))`
}

const NOT_TRUSTED =
  'which is not trusted, and code of its own would run with the rights of this user'
const NAME_IT = 'in TRUSTED_OWNERS (trustedOwners)'

function problemsClause(): string {
  return qualified`"problems" ("problem") as materialized (
  select #format('%s is no ordinary table, and nothing else may stand in its place: drop it, or set VERSION_TABLE to another name', t."name") from "tables" t where t."kind" #<> 'r' or t."partition"
  union all select #format('%s belongs to role %I, ${NOT_TRUSTED}: drop it if it is not yours, else let a trusted role own it (alter table %s owner to %I) or name %I ${NAME_IT}', t."name", #pg_get_userbyid(t."owner"), t."name", current_user, #pg_get_userbyid(t."owner"))
    from "tables" t where not exists (select from "trusted" r where r."role" #= t."owner")
  union all select #format('%s has the child %I.%I, whose rows and triggers count as its own: alter table %I.%I no inherit %s', t."name", n.nspname, c.relname, n.nspname, c.relname, t."name")
    from "tables" t join #pg_inherits i on i.inhparent #= t."id" join #pg_class c on c.oid #= i.inhrelid join #pg_namespace n on n.oid #= c.relnamespace where t."kind" #= 'r'
  union all select distinct #format('%s uses %s of role %I, ${NOT_TRUSTED}: remove it if it is not yours, else let a trusted role own it or name %I ${NAME_IT}', #pg_describe_object(u."by_class", u."by_id", 0), #pg_describe_object(u."class", u."id", 0), #pg_get_userbyid(o."owner"), #pg_get_userbyid(o."owner"))
    from "used" u cross join lateral (${ownerOf('u')}) o ("owner") where u."by_id" is not null and not exists (select from "trusted" t where t."role" #= o."owner"))`
}

/** The owner of an object that has one. */
function ownerOf(object: string): string {
  const OWNED = [
    ['pg_proc', 'proowner'],
    ['pg_class', 'relowner'],
    ['pg_type', 'typowner'],
    ['pg_operator', 'oprowner'],
  ] as const
  return OWNED.map(
    ([name, owner]) =>
      qualified`select o.${owner} from pg_catalog.${name} o where ${object}."class" #= ${catalog(name)} and o.oid #= ${object}."id"`,
  ).join(' union all ')
}
