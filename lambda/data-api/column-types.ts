import { literal } from './literals.ts'
import type { Turn } from './session.ts'

/** How a cast names the type of a column, and whether that takes JSON. */
interface ColumnType {
  readonly name: string
  readonly isJson: boolean
}

/** The types of a table's columns, of those to which a cast from text does what `json_populate_recordset` would. */
export type ColumnTypes = ReadonlyMap<string, ColumnType>

/**
 * Asks for the types of a table's columns; answers none for a table that is not there, or in a script.
 *
 * Left out are arrays and composite types, which have another form in JSON, domains, whose cast cuts what is too long,
 * and types with a cast from text of their own. Lengths and scales are left to the insert, which refuses what a cast
 * would cut.
 */
export async function columnTypes(turn: Turn, target: string): Promise<ColumnTypes> {
  const rows = await turn.read(
    `${SELECT_TYPES} where attrelid = to_regclass(${literal(target).trim()}) and attnum > 0 and not attisdropped and typtype in ('b', 'e', 'r', 'm') and typcategory <> 'A' and not exists (select from pg_cast where castsource = 'text'::regtype and casttarget = atttypid and castmethod = 'f')`,
  )
  return new Map(
    rows.map(({ column, type, json }) => [
      String(column),
      { name: String(type), isJson: json === true },
    ]),
  )
}

const SELECT_TYPES = `select attname::text as "column", format_type(atttypid, -1) as "type", atttypid in ('json'::regtype, 'jsonb'::regtype) as "json" from pg_attribute join pg_type on pg_type.oid = atttypid`

/** Whether a statement is the one of {@link columnTypes}. */
export function asksForColumnTypes(sql: string): boolean {
  return sql.startsWith(SELECT_TYPES)
}
