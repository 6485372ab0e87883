import type { Expression, OnModifyForeignAction, RawBuilder } from 'kysely'
import { sql } from 'kysely'
import { invalidArgument, listOf, oneOf, optionsOf, sqlExpression } from '../arguments.ts'
import {
  alterTable,
  columnList,
  type DropOptions,
  nameId,
  nameOrSql,
  tableId,
  whenSet,
} from './ddl.ts'

/** When PostgreSQL checks a constraint. */
export interface DeferrableOptions {
  /** Lets a transaction put the check off to its end, with `set constraints`. Default: false. */
  readonly deferrable?: boolean
  /** Puts it off without being asked, and so is `deferrable`. Default: false. */
  readonly initiallyDeferred?: boolean
}

export interface ForeignKeyOptions extends DeferrableOptions {
  /** Default: `no action`. */
  readonly onDelete?: OnModifyForeignAction
  /** Default: `no action`. */
  readonly onUpdate?: OnModifyForeignAction
  /** Leaves the rows that are there to a later `alter table … validate constraint …`. Default: false. */
  readonly notValid?: boolean
}

export interface UniqueOptions extends DeferrableOptions {
  /** Two nulls are the same. Default: they are not. PostgreSQL 15 or newer. */
  readonly nullsNotDistinct?: boolean
}

export interface CheckOptions {
  /** Leaves the rows that are there to a later `alter table … validate constraint …`. Default: false. */
  readonly notValid?: boolean
}

export interface ExcludeOptions extends DeferrableOptions {
  /** The index method. Default: `gist`, as in Alembic; for `=` on plain types it needs the extension btree_gist. */
  readonly using?: string
  /** Which rows exclude each other, as sql`…`. Default: all. */
  readonly where?: Expression<unknown>
}

/** A column or SQL, and the operator that may not hold between two rows. */
export type ExcludeElement = readonly [element: string | Expression<unknown>, operator: string]

const DEFERRABLE = ['deferrable', 'initiallyDeferred'] as const

export function createPrimaryKey(
  name: string,
  table: string,
  columns: readonly string[],
  options: DeferrableOptions,
): RawBuilder<unknown> {
  const timing = deferrable(optionsOf(options, DEFERRABLE))
  return addConstraint(name, table, sql`primary key ${columnList(columns)}${timing}`)
}

/** What a foreign key is between; the arguments of `op.createForeignKey`. */
export interface ForeignKeyEnds {
  readonly sourceTable: string
  readonly referentTable: string
  readonly localColumns: readonly string[]
  readonly remoteColumns: readonly string[]
}

export function createForeignKey(
  name: string,
  { sourceTable, referentTable, localColumns, remoteColumns }: ForeignKeyEnds,
  options: ForeignKeyOptions,
): RawBuilder<unknown> {
  const given = optionsOf(options, [...DEFERRABLE, 'onDelete', 'onUpdate', 'notValid'])
  const local = columnList(localColumns, 'localColumns')
  const remote = columnList(remoteColumns, 'remoteColumns')
  const actions = sql`${action(given, 'onDelete', ' on delete ')}${action(given, 'onUpdate', ' on update ')}`
  const timing = sql`${deferrable(given)}${whenSet(given.notValid, ' not valid')}`
  const definition = sql`foreign key ${local} references ${tableId(referentTable, 'referentTable')} ${remote}${actions}${timing}`
  return addConstraint(name, sourceTable, definition)
}

export function createUniqueConstraint(
  name: string,
  table: string,
  columns: readonly string[],
  options: UniqueOptions,
): RawBuilder<unknown> {
  const given = optionsOf(options, [...DEFERRABLE, 'nullsNotDistinct'])
  const nulls = whenSet(given.nullsNotDistinct, 'nulls not distinct ')
  const definition = sql`unique ${nulls}${columnList(columns)}${deferrable(given)}`
  return addConstraint(name, table, definition)
}

export function createCheckConstraint(
  name: string,
  table: string,
  condition: Expression<unknown>,
  options: CheckOptions,
): RawBuilder<unknown> {
  const { notValid } = optionsOf(options, ['notValid'])
  const check = sql`check (${sqlExpression(condition, 'condition')})`
  return addConstraint(name, table, sql`${check}${whenSet(notValid, ' not valid')}`)
}

export function createExcludeConstraint(
  name: string,
  table: string,
  elements: readonly ExcludeElement[],
  options: ExcludeOptions,
): RawBuilder<unknown> {
  const given = optionsOf(options, [...DEFERRABLE, 'using', 'where'])
  const list = sql.join(listOf(elements, 'elements', excludeElement))
  const where =
    given.where === undefined ? sql`` : sql` where (${sqlExpression(given.where, 'where')})`
  const using = nameId(given.using ?? 'gist', 'using')
  const definition = sql`exclude using ${using} (${list})${where}${deferrable(given)}`
  return addConstraint(name, table, definition)
}

export function dropConstraint(
  name: string,
  table: string,
  options: DropOptions,
): RawBuilder<unknown> {
  const { ifExists, cascade } = optionsOf(options, ['ifExists', 'cascade'])
  const id = nameId(name, 'name')
  return alterTable(
    table,
    sql`drop constraint ${whenSet(ifExists, 'if exists ')}${id}${whenSet(cascade, ' cascade')}`,
  )
}

function addConstraint(
  name: string,
  table: string,
  definition: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return alterTable(table, sql`add constraint ${nameId(name, 'name')} ${definition}`)
}

function deferrable(options: DeferrableOptions): RawBuilder<unknown> {
  if (options.initiallyDeferred) return sql` deferrable initially deferred`
  return whenSet(options.deferrable, ' deferrable')
}

const ACTIONS = ['no action', 'restrict', 'cascade', 'set null', 'set default'] as const

function action(
  options: ForeignKeyOptions,
  option: 'onDelete' | 'onUpdate',
  words: string,
): RawBuilder<unknown> {
  const value = options[option]
  return value === undefined ? sql`` : sql.raw(words + oneOf(value, option, ACTIONS))
}

// It goes into the text as it is, so it may be made of operator characters alone, and begin no comment.
const OPERATOR = /^(?!.*(?:--|\/\*))[-+*/<>=~!@#%^&|`?]+$/

function excludeElement(value: unknown, argument: string): RawBuilder<unknown> {
  const [element, operator] = Array.isArray(value) ? (value as unknown[]) : []
  if (typeof operator !== 'string' || !OPERATOR.test(operator)) {
    throw invalidArgument(argument, value, "a column and an operator, as in ['room', '=']")
  }
  return sql`${nameOrSql(element, argument)} with ${sql.raw(operator)}`
}
