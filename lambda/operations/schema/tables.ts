import type { ColumnDefinitionBuilder, CreateTableBuilder, Kysely, RawBuilder } from 'kysely'
import { sql } from 'kysely'
import {
  type ColumnType,
  invalidArgument,
  optionsOf,
  simpleName,
  tableName,
  unqualifiedName,
} from '../arguments.ts'
import type { StatementBuilder } from '../session-operations.ts'
import {
  alterTable,
  commentOnColumn,
  commentOnTable,
  type DropOptions,
  nameId,
  tableId,
  whenSet,
} from './ddl.ts'

/** Kysely's builder of a new table; what the callback answers is what is created. */
// biome-ignore lint/suspicious/noExplicitAny: each column adds its name to the builder's type.
export type BuildTable = (table: CreateTableBuilder<string>) => CreateTableBuilder<string, any>

/** Kysely's builder of a column; what the callback answers is what is added. */
export type BuildColumn = (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder

/** Options of what is created. */
export interface CreateOptions {
  readonly ifNotExists?: boolean
  /** One statement more; it is set also when `ifNotExists` found what was to be created. */
  readonly comment?: string
}

export function createTable(
  db: Kysely<unknown>,
  table: string,
  build: BuildTable,
  options: CreateOptions,
): StatementBuilder[] {
  const { ifNotExists, comment } = optionsOf(options, ['ifNotExists', 'comment'])
  const start = db.schema.createTable(tableName(table))
  const create = built(build, ifNotExists ? start.ifNotExists() : start)
  return comment === undefined ? [create] : [create, commentOnTable(table, comment)]
}

export function dropTable(table: string, options: DropOptions): RawBuilder<unknown> {
  const { ifExists, cascade } = optionsOf(options, ['ifExists', 'cascade'])
  return sql`drop table ${whenSet(ifExists, 'if exists ')}${tableId(table)}${whenSet(cascade, ' cascade')}`
}

export function renameTable(
  table: string,
  newName: string,
  options: Pick<DropOptions, 'ifExists'>,
): RawBuilder<unknown> {
  const { ifExists } = optionsOf(options, ['ifExists'])
  const name = unqualifiedName(newName, 'newName', 'a table is renamed within its schema')
  return sql`alter table ${whenSet(ifExists, 'if exists ')}${tableId(table)} rename to ${sql.id(name)}`
}

/** The column to add, and the arguments after it: a builder may stand before the options. */
export interface NewColumn {
  readonly name: string
  readonly type: ColumnType
  readonly rest:
    | readonly [options?: CreateOptions]
    | readonly [build?: BuildColumn | undefined, options?: CreateOptions]
}

export function addColumn(
  db: Kysely<unknown>,
  table: string,
  { name, type, rest }: NewColumn,
): StatementBuilder[] {
  const [build = unchanged, options = {}] = isBuilt(rest) ? rest : [unchanged, ...rest]
  const { ifNotExists, comment } = optionsOf(options, ['ifNotExists', 'comment'])
  const add = db.schema
    .alterTable(tableName(table))
    .addColumn(simpleName(name, 'column'), type, (start) =>
      built(build, ifNotExists ? start.ifNotExists() : start),
    )
  return comment === undefined ? [add] : [add, commentOnColumn(table, name, comment)]
}

export function dropColumn(
  table: string,
  column: string,
  options: DropOptions,
): RawBuilder<unknown> {
  const { ifExists, cascade } = optionsOf(options, ['ifExists', 'cascade'])
  const id = nameId(column, 'column')
  return alterTable(
    table,
    sql`drop column ${whenSet(ifExists, 'if exists ')}${id}${whenSet(cascade, ' cascade')}`,
  )
}

const unchanged: BuildColumn = (column) => column

function isBuilt(
  rest: NewColumn['rest'],
): rest is readonly [build?: BuildColumn | undefined, options?: CreateOptions] {
  return rest[0] === undefined || typeof rest[0] === 'function'
}

const CALLBACK = "a callback that returns the builder, as in (t) => t.addColumn('id', 'integer')"

/** What the callback answers, which it may have forgotten to do. */
function built<T extends object, R>(build: (start: T) => R, start: T): R {
  if (typeof build !== 'function') throw invalidArgument('build', build, CALLBACK)
  const answer = build(start)
  if (answer instanceof start.constructor) return answer
  throw invalidArgument('what the callback returned', answer, CALLBACK)
}
