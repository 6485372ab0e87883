import type { Row } from '../data-api/values.ts'
import { isExecutor } from '../session/executor.ts'
import { literal } from '../sql/literals.ts'
import { qualified } from '../sql/qualified.ts'
import { ownerClauses } from './trusted-owners.ts'
import { FORMER_CHECK, type VersionTable } from './version-table.ts'

/**
 * The whole state in one statement, so that a run with nothing to do is one call.
 *
 * It does not name our tables: it looks them up in the catalog, and reads them with a query in a text, which PostgreSQL
 * plans and carries out only when nothing is wrong with them (see {@link ownerClauses}). A database without our tables
 * is read by the same statement.
 *
 * The parameter `checksums` is a JSON object, a checksum by revision: as text of the statement they would be too long.
 * Only revisions that differ come back. A checksum ends with 64 digits; what is before them says how it was made, and
 * where that differs two checksums say nothing about each other.
 */
export function readStatement(table: VersionTable): string {
  const [versions, history] = table.tables
  const isThere = ({ sql }: { sql: string }) =>
    qualified`exists (select from "tables" where "name" #=${literal(sql)})`
  const [before, after] = stateQueries(table)
  return qualified`${ownerClauses(table)},
"found" as materialized (select ${isThere(versions)} as "versions", ${isThere(history)} as "history", (select #string_agg("problem", '; ') from "problems") as "problem")
select f."problem", f."versions" and f."history" as "ready", f."versions", not exists (${FORMER_CHECK.names(table.history)}) as "up_to_date",
(case when f."problem" is not null or not f."versions" then null
  when f."history" then #query_to_xml(#format('%s%L%s',${literal(before)}, :checksums,${literal(after)}), false, true, '')
  else #query_to_xml(${literal(rowsQuery(table))}, false, true, '') end)::#text as "state",
(case when not f."versions" then ${strangersQuery()} end)::#text as "strangers",
(${holderQuery(table)})::#text as "holder",
(${triggerMakersQuery()})::#text as "trigger_makers",
(${executorQuery(table)})::#text as "executor",
(${overloadQuery(table)}) as "overload"
from "found" f`
}

/** The text of the column `state` in the XML of `query_to_xml`. */
export function stateText(xml: unknown): string {
  const text = /<state>(?<text>[^<]*)<\/state>/.exec(String(xml))?.groups?.text ?? ''
  return text.replace(/&(?<name>\w+|#x0d);/g, (_, name: string) => CHARACTERS[name] ?? '')
}

const CHARACTERS: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  '#x0d': '\r',
}

/** What the statement returns for a database that holds nothing but these rows. */
export function stateRow(rows: readonly string[]): Row {
  const state = JSON.stringify({ rows }).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return { ready: true, versions: true, state: `<state>${state}</state>` }
}

/** The query of both tables: what comes before the checksums, and what comes after them. */
function stateQueries(table: VersionTable): readonly [string, string] {
  const open = qualified`select token, seq, revision, direction, outcome, who, error, started_at, from_rows, to_rows, coalesce((#to_jsonb(h) #->> 'done')::#int4, 0) as done, #to_jsonb(h) #->> 'digest' as digest, coalesce(outcome #= 'running' and lease_until #>= #clock_timestamp(), false) as leased, #ceil(coalesce(extract(epoch from lease_until #- #clock_timestamp()), 0)) as lease_seconds from ${table.history} h where outcome #= any ('{running,interrupted}'::#text[]) and seq is not null order by seq desc limit 1`
  const applied = qualified`select distinct on (revision) revision, direction, checksum from ${table.history} where outcome #= 'done' and seq is not null order by revision, seq desc`
  return [
    qualified`select #json_build_object('rows', ${rowsArray(table)}, 'last_seq', (select coalesce(#max(seq), 0) from ${table.history}), 'open', (select #row_to_json(o) from (${open}) o), 'edited', (select coalesce(#json_agg(a.revision order by a.revision), '[]') from (${applied}) a join #json_each_text(`,
    qualified`::#json) b on b.key #= a.revision where a.direction #= 'upgrade' and b.value #<> a.checksum and #left(b.value, -64) #= #left(a.checksum, -64))) as state`,
  ]
}

/** The query of a version table that Alembic made, with no history beside it. */
function rowsQuery(table: VersionTable): string {
  return qualified`select #json_build_object('rows', ${rowsArray(table)}) as state`
}

function rowsArray({ versions }: VersionTable): string {
  return qualified`(select coalesce(#json_agg(version_num order by version_num), '[]') from ${versions})`
}

/** Tables, views and sequences outside the system's schemas and extensions, and not ours. */
function strangersQuery(): string {
  return qualified`(with "strangers" as (select #format('%I.%I', n.nspname, c.relname) as name from #pg_class c join #pg_namespace n on n.oid #= c.relnamespace where c.relkind::#text #= any ('{r,p,f,v,m,S}'::#text[]) and #left(n.nspname::#text, 3) #<> 'pg_' and n.nspname #<> 'information_schema' and not exists (select from "tables" t where t."id" #= c.oid) and not exists (select from #pg_depend d where d.classid #= 'pg_catalog.pg_class'::#regclass and d.objid #= c.oid and (d.deptype #= 'e' or (c.relkind #= 'S' and (d.deptype #= 'a' or d.deptype #= 'i')))))
select #json_build_object('count', (select #count(*) from "strangers"), 'names', (select coalesce(#json_agg(name order by name), '[]') from (select name from "strangers" order by name limit 5) f)))`
}

function holderQuery(table: VersionTable): string {
  const key = BigInt.asUintN(64, table.lockKey)
  return qualified`select #row_to_json(h) from (select a.pid, coalesce(a.usename::#text, '') as role, coalesce(a.xact_start, a.backend_start) as since, #floor(coalesce(extract(epoch from #clock_timestamp() #- a.state_change), 0)) as idle_seconds from #pg_locks l join #pg_stat_activity a on a.pid #= l.pid where l.locktype #= 'advisory' and l.granted and l.objsubid #= 1 and l.database #= (select d.oid from #pg_database d where d.datname #= #current_database()) and l.classid::#int8 #=${literal(key >> 32n)} and l.objid::#int8 #=${literal(key & 0xffffffffn)} limit 1) h`
}

/** Untrusted roles that may put a trigger on our tables after we looked. */
function triggerMakersQuery(): string {
  return qualified`select #json_agg(distinct #format('%s may put a trigger on %s, whose code would run with the rights of this user: revoke trigger on %s from %s', m."role", t."name", t."name", m."role")) from "tables" t join #pg_class c on c.oid #= t."id" cross join lateral (select case when a.grantee::#int8 #= 0 then 'public' else #quote_ident(#pg_get_userbyid(a.grantee)) end from #aclexplode(c.relacl) a where a.privilege_type #= 'TRIGGER' and not exists (select from "trusted" r where r."role" #= a.grantee)) m ("role")`
}

function executorQuery({ name, executorName }: VersionTable): string {
  return qualified`select #row_to_json(e) from (select #pg_get_userbyid(p.proowner) as owner, exists (select from "trusted" t where t."role" #= p.proowner) as trusted, ${isExecutor('p')} as ours, #has_function_privilege(p.oid, 'execute') as callable from #pg_proc p join #pg_namespace n on n.oid #= p.pronamespace where n.nspname #=${literal(name.schema)} and p.proname #=${literal(executorName)} and ${TAKES_JSON}) e`
}

/** A function that the same call may mean as well, because of its defaults. */
function overloadQuery({ name, executorName }: VersionTable): string {
  return qualified`select #format('%s of role %I', #pg_describe_object('pg_catalog.pg_proc'::#regclass, p.oid, 0), #pg_get_userbyid(p.proowner)) from #pg_proc p join #pg_namespace n on n.oid #= p.pronamespace where n.nspname #=${literal(name.schema)} and p.proname #=${literal(executorName)} and p.pronargdefaults #> 0 and not (${TAKES_JSON}) limit 1`
}

const TAKES_JSON = qualified`p.pronargs #= 1 and p.proargtypes[0] #= 'pg_catalog.json'::#regtype`
