import type { Expression } from 'kysely'
import { CommandError } from '../../errors.ts'
import type { ColumnType } from '../arguments.ts'
import type { OperationCall } from '../operation-call.ts'
import { SessionOperations } from '../session-operations.ts'
import { type ColumnChanges, columnChanges } from './alter-column.ts'
import * as constraints from './constraints.ts'
import { commentOnTable, type DropOptions } from './ddl.ts'
import {
  type CreateIndexOptions,
  createIndex,
  type DropIndexOptions,
  dropIndex,
} from './indexes.ts'
import * as tables from './tables.ts'

/** The part of `op` that changes the schema. Tables are named `'table'` or `'schema.table'`, as in Kysely. */
export abstract class SchemaOperations extends SessionOperations {
  /** True while the body of an autocommit block runs. */
  protected inBlock = false

  /**
   * Creates a table, with Kysely's builder. With `ifNotExists` a table of that name stays as it is, whatever its columns.
   *
   * @example
   * ```ts
   * await op.createTable('teams', (t) =>
   *   t
   *     .addColumn('id', 'integer', (c) => c.primaryKey().generatedAlwaysAsIdentity())
   *     .addColumn('name', 'text', (c) => c.notNull().unique()),
   * )
   * ```
   */
  createTable(
    table: string,
    build: tables.BuildTable,
    options: tables.CreateOptions = {},
  ): OperationCall<void> {
    return this.send('createTable', () => tables.createTable(this.db, table, build, options))
  }

  /**
   * Drops a table with its indexes, constraints and triggers.
   *
   * @example await op.dropTable('teams', { ifExists: true })
   */
  dropTable(table: string, options: DropOptions = {}): OperationCall<void> {
    return this.send('dropTable', () => [tables.dropTable(table, options)])
  }

  /**
   * Renames a table within its schema. Its indexes, constraints and sequences keep their names.
   *
   * @example await op.renameTable('stats.player', 'players')
   */
  renameTable(
    table: string,
    newName: string,
    options: Pick<DropOptions, 'ifExists'> = {},
  ): OperationCall<void> {
    return this.send('renameTable', () => [tables.renameTable(table, newName, options)])
  }

  /**
   * Adds a column; Kysely's builder may stand before the options. PostgreSQL refuses `notNull()` without a default
   * when the table has rows: add the column nullable, fill it, then `alterColumn` with `nullable: false`.
   *
   * @example await op.addColumn('players', 'team_id', 'integer', (c) => c.references('teams.id'))
   */
  addColumn(
    table: string,
    column: string,
    type: ColumnType,
    ...rest:
      | [options?: tables.CreateOptions]
      | [build?: tables.BuildColumn | undefined, options?: tables.CreateOptions]
  ): OperationCall<void> {
    return this.send('addColumn', () =>
      tables.addColumn(this.db, table, { name: column, type, rest }),
    )
  }

  /**
   * Drops a column with the indexes and constraints of its table that use it.
   *
   * @example await op.dropColumn('players', 'team')
   */
  dropColumn(table: string, column: string, options: DropOptions = {}): OperationCall<void> {
    return this.send('dropColumn', () => [tables.dropColumn(table, column, options)])
  }

  /**
   * Changes a column. Type, default and nullability are one `alter table`, so that PostgreSQL goes over the rows once;
   * a comment and a new name are one statement more each.
   *
   * Where `type` and `default` change together the old default is dropped first, because PostgreSQL refuses a type to
   * which it cannot cast the old default.
   *
   * @example await op.alterColumn('account', 'state', { type: 'text', default: 'open', nullable: false })
   */
  alterColumn(table: string, column: string, changes: ColumnChanges): OperationCall<void> {
    return this.send('alterColumn', () => columnChanges(table, column, changes))
  }

  /**
   * Sets the comment of a table, in place of the one it has.
   *
   * @example await op.createTableComment('teams', 'Also teams of past seasons')
   */
  createTableComment(table: string, comment: string): OperationCall<void> {
    return this.send('createTableComment', () => [commentOnTable(table, comment)])
  }

  /**
   * Drops the comment of a table, if it has one.
   *
   * @example await op.dropTableComment('teams')
   */
  dropTableComment(table: string): OperationCall<void> {
    return this.send('dropTableComment', () => [commentOnTable(table, null)])
  }

  /**
   * Creates an index. A string is the name of a column; SQL is written as in `create index`: a function call as it
   * is, any other expression in parentheses, and after it `desc`, an operator class, and so on.
   *
   * What failed with `concurrently` (on a duplicate, say) leaves an invalid index behind: drop it before the next try.
   *
   * @throws CommandError for `concurrently` outside an autocommit block.
   * @example await op.createIndex('players_name', 'players', [sql`lower(name)`, 'team_id'], { unique: true })
   */
  createIndex(
    name: string,
    table: string,
    columns: readonly (string | Expression<unknown>)[],
    options: CreateIndexOptions = {},
  ): OperationCall<void> {
    return this.send('createIndex', () => [
      createIndex(name, table, columns, this.#allowed(options)),
    ])
  }

  /**
   * Drops an index: `'schema.name'` where the schema is not on the search path.
   *
   * @throws CommandError for `concurrently` outside an autocommit block.
   * @example await op.dropIndex('players_name', { ifExists: true })
   */
  dropIndex(name: string, options: DropIndexOptions = {}): OperationCall<void> {
    return this.send('dropIndex', () => [dropIndex(name, this.#allowed(options))])
  }

  /**
   * Adds a primary key; its columns become `not null`.
   *
   * @example await op.createPrimaryKey('team_seasons_pkey', 'team_seasons', ['team_id', 'season'])
   */
  createPrimaryKey(
    name: string,
    table: string,
    columns: readonly string[],
    options: constraints.DeferrableOptions = {},
  ): OperationCall<void> {
    return this.send('createPrimaryKey', () => [
      constraints.createPrimaryKey(name, table, columns, options),
    ])
  }

  /**
   * Adds a foreign key, with its arguments in Alembic's order. PostgreSQL makes no index for `localColumns`.
   *
   * @example await op.createForeignKey('players_team', 'players', 'teams', ['team_id'], ['id'], { onDelete: 'set null' })
   */
  createForeignKey(
    name: string,
    sourceTable: string,
    referentTable: string,
    localColumns: readonly string[],
    remoteColumns: readonly string[],
    options: constraints.ForeignKeyOptions = {},
  ): OperationCall<void> {
    const ends = { sourceTable, referentTable, localColumns, remoteColumns }
    return this.send('createForeignKey', () => [constraints.createForeignKey(name, ends, options)])
  }

  /**
   * Adds a unique constraint, and with it a unique index of the same name.
   *
   * @example await op.createUniqueConstraint('teams_name_key', 'teams', ['name'])
   */
  createUniqueConstraint(
    name: string,
    table: string,
    columns: readonly string[],
    options: constraints.UniqueOptions = {},
  ): OperationCall<void> {
    return this.send('createUniqueConstraint', () => [
      constraints.createUniqueConstraint(name, table, columns, options),
    ])
  }

  /**
   * Adds a check constraint. PostgreSQL reads the whole table for it, unless `notValid` is set.
   *
   * @example await op.createCheckConstraint('stock_not_negative', 'stock', sql`in_stock >= 0`)
   */
  createCheckConstraint(
    name: string,
    table: string,
    condition: Expression<unknown>,
    options: constraints.CheckOptions = {},
  ): OperationCall<void> {
    return this.send('createCheckConstraint', () => [
      constraints.createCheckConstraint(name, table, condition, options),
    ])
  }

  /**
   * Adds an exclusion constraint: no two rows for which every operator holds. SQL is written as in `createIndex`.
   *
   * @example await op.createExcludeConstraint('no_overlap', 'booking', [[sql`tsrange(starts_at, ends_at)`, '&&']])
   */
  createExcludeConstraint(
    name: string,
    table: string,
    elements: readonly constraints.ExcludeElement[],
    options: constraints.ExcludeOptions = {},
  ): OperationCall<void> {
    return this.send('createExcludeConstraint', () => [
      constraints.createExcludeConstraint(name, table, elements, options),
    ])
  }

  /**
   * Drops a constraint of any kind. Dropping a primary key leaves its columns `not null`.
   *
   * @example await op.dropConstraint('players_team', 'players', { ifExists: true })
   */
  dropConstraint(name: string, table: string, options: DropOptions = {}): OperationCall<void> {
    return this.send('dropConstraint', () => [constraints.dropConstraint(name, table, options)])
  }

  #allowed<T extends { readonly concurrently?: boolean }>(options: T): T {
    if (!options?.concurrently || this.inBlock) return options
    throw new CommandError(
      'AutocommitBlockNeeded',
      "concurrently cannot run inside the revision's transaction: call it in op.autocommitBlock(async () => { … })",
    )
  }
}
