import type { Row } from '../../data-api/values.ts'
import { literal, pgArray } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'

/** How the values of a column are compared for equality, where that is not PostgreSQL's own `=`. */
interface KeyOperator {
  /** With its schema, as in `operator(public.=)`. */
  readonly operator: string
  /** The type that it takes, with its schema. */
  readonly type: string
}

/** By column; one that is not here is compared by `operator(pg_catalog.=)`. */
export type KeyOperators = ReadonlyMap<string, KeyOperator>

/**
 * Asks by which operators PostgreSQL itself compares columns, as in `group by` and in indexes. Returns one row, for
 * {@link keyOperatorsOf}.
 *
 * A plain `=` is looked up along the search path, and an operator there that takes the type of the column as it is wins
 * over PostgreSQL's own, which takes text where the column is a `varchar`. Only types of modules have an equality outside
 * of `pg_catalog`: that of their default operator class, which only a superuser makes.
 */
export function keyOperatorsStatement(target: string, key: readonly string[]): string {
  return qualified`${SELECT} where attrelid #= #to_regclass(${literal(target).trim()}) and attname #= any (${literal(pgArray(key)).trim()}::#name[]) and attnum #> 0 union all select attname, typbasetype from "key" join #pg_type on oid #= of_type and typtype #= 'd') select coalesce(#json_object_agg(attname, #json_build_object('operator', #format('operator(%I.%s)', o.nspname, oprname), 'type', #format('%I.%I', t.nspname, typname))), '{}')::#text as operators from "key" join #pg_opclass on opcintype #= of_type and opcdefault join #pg_am on #pg_am.oid #= opcmethod and amname #= 'btree' join #pg_amop on amopfamily #= opcfamily and amoplefttype #= opcintype and amoprighttype #= opcintype and amopstrategy #= 3 join #pg_operator on #pg_operator.oid #= amopopr join #pg_namespace o on o.oid #= oprnamespace and o.nspname #<> 'pg_catalog' join #pg_type on #pg_type.oid #= opcintype join #pg_namespace t on t.oid #= typnamespace`
}

const SELECT = qualified`with recursive "key" (attname, of_type) as (select attname, atttypid from #pg_attribute`

/** Whether a statement is one of {@link keyOperatorsStatement}. */
export function asksForKeyOperators(sql: string): boolean {
  return sql.startsWith(SELECT)
}

/** What a row of {@link keyOperatorsStatement} says; undefined for a script, where nothing is known. */
export function keyOperatorsOf({ operators }: Row): KeyOperators | undefined {
  if (operators === undefined) return undefined
  return new Map(Object.entries(JSON.parse(String(operators)) as Record<string, KeyOperator>))
}
