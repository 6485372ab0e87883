import type { Expression, RawBuilder } from 'kysely'
import { sql } from 'kysely'
import { listOf, optionsOf, sqlExpression, unqualifiedName } from '../arguments.ts'
import { columnList, type DropOptions, nameId, nameOrSql, tableId, whenSet } from './ddl.ts'

export interface CreateIndexOptions {
  readonly unique?: boolean
  /** Which rows are in the index, as sql`…`. Default: all. */
  readonly where?: Expression<unknown>
  /** The index method, such as `gin`. Default: `btree`. */
  readonly using?: string
  /** Columns that are stored in the index but not searched by. */
  readonly include?: readonly string[]
  /** For a unique index: two nulls are the same. Default: they are not. PostgreSQL 15 or newer. */
  readonly nullsNotDistinct?: boolean
  /** Lets others write to the table meanwhile. Only in an autocommit block. */
  readonly concurrently?: boolean
  readonly ifNotExists?: boolean
}

export interface DropIndexOptions extends DropOptions {
  /** Lets others write to the table meanwhile. Only in an autocommit block, and without `cascade`. */
  readonly concurrently?: boolean
}

export function createIndex(
  name: string,
  table: string,
  columns: readonly (string | Expression<unknown>)[],
  options: CreateIndexOptions,
): RawBuilder<unknown> {
  const { unique, concurrently, ifNotExists, using, include, nullsNotDistinct, where } = optionsOf(
    options,
    ['unique', 'where', 'using', 'include', 'nullsNotDistinct', 'concurrently', 'ifNotExists'],
  )
  const id = unqualifiedName(name, 'name', 'an index stands in the schema of its table')
  const parts = [
    sql`create ${whenSet(unique, 'unique ')}index ${whenSet(concurrently, 'concurrently ')}${whenSet(ifNotExists, 'if not exists ')}${sql.id(id)} on ${tableId(table)}`,
    ...(using === undefined ? [] : [sql`using ${nameId(using, 'using')}`]),
    sql`(${sql.join(listOf(columns, 'columns', nameOrSql))})`,
    ...(include === undefined ? [] : [sql`include ${columnList(include, 'include')}`]),
    ...(nullsNotDistinct ? [sql`nulls not distinct`] : []),
    ...(where === undefined ? [] : [sql`where ${sqlExpression(where, 'where')}`]),
  ]
  return sql.join(parts, sql` `)
}

export function dropIndex(name: string, options: DropIndexOptions): RawBuilder<unknown> {
  const { concurrently, ifExists, cascade } = optionsOf(options, [
    'concurrently',
    'ifExists',
    'cascade',
  ])
  return sql`drop index ${whenSet(concurrently, 'concurrently ')}${whenSet(ifExists, 'if exists ')}${tableId(name, 'name')}${whenSet(cascade, ' cascade')}`
}
