import type { Turn } from '../../session/session.ts'
import { literal } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'

/** How a cast names the type of a column, and whether that takes JSON. */
interface ColumnType {
  readonly name: string
  readonly isJson: boolean
}

/** The types of a table's columns, of those to which a cast from text does what `json_populate_recordset` would. */
export type ColumnTypes = ReadonlyMap<string, ColumnType>

/**
 * Asks for the types of a table's columns; returns none for a table that is not there, or in a script.
 *
 * Left out are arrays and composite types, which have another form in JSON, domains, whose cast cuts what is too long,
 * and types with a cast from text of their own, if only one that takes the text as it is: it does not read it as the
 * type's input function does, unless that is the one of text.
 *
 * The cast has no type modifier, and what does not fit one is left to the insert, which refuses what a cast would cut.
 * But the modifier may also say how the text is read: '5' is 5 years in an `interval year`, and 5 seconds in an
 * `interval`. PostgreSQL itself knows this of its interval alone. Of the types of others nobody knows it.
 */
export async function columnTypes(turn: Turn, target: string): Promise<ColumnTypes> {
  const rows = await turn.read(
    qualified`${SELECT_TYPES} where attrelid #= #to_regclass(${literal(target).trim()}) and attnum #> 0 and not attisdropped and t.typtype #= any ('{b,e,r,m}'::#"char"[]) and t.typcategory #<> 'A' and (atttypmod #= -1 or (nspname #= 'pg_catalog' and typname #<> 'interval')) and not exists (select from #pg_cast where castsource #= 'pg_catalog.text'::#regtype and casttarget #= atttypid and castmethod #<> 'i' and (castmethod #<> 'b' or not exists (select from #pg_proc where oid #= t.typinput and prosrc #= any ('{textin,varcharin,bpcharin}') and prolang #= 12)))`,
  )
  return new Map(
    rows.map(({ column, type, json }) => [
      String(column),
      { name: String(type), isJson: json === true },
    ]),
  )
}

const SELECT_TYPES = qualified`select attname::#text as "column", #format('%I.%I', nspname, typname) as "type", nspname #= 'pg_catalog' and typname #= any ('{json,jsonb}'::#name[]) as "json" from #pg_attribute join #pg_type t on t.oid #= atttypid join #pg_namespace n on n.oid #= typnamespace`

/** Whether a statement is the one of {@link columnTypes}. */
export function asksForColumnTypes(sql: string): boolean {
  return sql.startsWith(SELECT_TYPES)
}
