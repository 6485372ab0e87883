import { type Expression, type RawBuilder, sql } from 'kysely'
import { isExpression, listOf, simpleName, tableName, textOrNull } from '../arguments.ts'

/** What can be dropped although it may be missing, or although other things depend on it. */
export interface DropOptions {
  readonly ifExists?: boolean
  /** Drops what depends on it, too. Default: PostgreSQL refuses. */
  readonly cascade?: boolean
}

/** `words` when the option is set, else nothing. */
export function whenSet(option: unknown, words: string): RawBuilder<unknown> {
  return sql.raw(option ? words : '')
}

/** A table, quoted. */
export function tableId(table: unknown, argument = 'table'): RawBuilder<unknown> {
  return sql.table(tableName(table, argument))
}

/** A name without schema, quoted. */
export function nameId(name: unknown, argument: string): RawBuilder<unknown> {
  return sql.id(simpleName(name, argument))
}

/** A string is the name of a column; SQL is left as it is. */
export function nameOrSql(value: unknown, argument: string): Expression<unknown> {
  return isExpression(value) ? value : nameId(value, argument)
}

/** `("a", "b")` */
export function columnList(columns: unknown, argument = 'columns'): RawBuilder<unknown> {
  return sql`(${sql.join(listOf(columns, argument, nameId))})`
}

export function alterTable(table: unknown, change: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`alter table ${tableId(table)} ${change}`
}

/** `null` drops the comment. */
export function commentOnTable(table: unknown, comment: string | null): RawBuilder<unknown> {
  return sql`comment on table ${tableId(table)} is${textOrNull(comment, 'comment')}`
}

/** `null` drops the comment. */
export function commentOnColumn(
  table: unknown,
  column: unknown,
  comment: string | null,
): RawBuilder<unknown> {
  return sql`comment on column ${tableId(table)}.${nameId(column, 'column')} is${textOrNull(comment, 'comment')}`
}
