import { type Expression, isColumnDataType, type RawBuilder, sql } from 'kysely'
import {
  COLUMN_TYPES,
  type ColumnType,
  invalidArgument,
  optionsOf,
  sqlExpression,
} from '../arguments.ts'
import { alterTable, commentOnColumn, nameId } from './ddl.ts'

/** What `op.alterColumn` changes; what is left out stays as it is. */
export interface ColumnChanges {
  readonly type?: ColumnType
  /** How the old values become values of `type`, as sql`…`. Default: PostgreSQL's assignment cast. */
  readonly using?: Expression<unknown>
  /** A value, or SQL written as sql`…`; `null` drops the default. */
  readonly default?: unknown
  readonly nullable?: boolean
  /** The new name (Alembic's `new_column_name`). */
  readonly rename?: string
  /** `null` drops the comment. */
  readonly comment?: string | null
}

const CHANGES = ['type', 'using', 'default', 'nullable', 'rename', 'comment'] as const

/** The statements of `op.alterColumn`: one for all that one `alter table` can do, one for a comment, one for a new name. */
export function columnChanges(
  table: unknown,
  column: unknown,
  changes: ColumnChanges,
): RawBuilder<unknown>[] {
  const { rename, comment } = optionsOf(changes, CHANGES)
  const id = nameId(column, 'column')
  const alterations = alterationsOf(changes).map((change) => sql`alter column ${id} ${change}`)
  const statements: RawBuilder<unknown>[] = []
  if (alterations.length > 0) statements.push(alterTable(table, sql.join(alterations)))
  if (comment !== undefined) statements.push(commentOnColumn(table, column, comment))
  if (rename !== undefined) {
    statements.push(alterTable(table, sql`rename column ${id} to ${nameId(rename, 'rename')}`))
  }
  if (statements.length > 0) return statements
  throw invalidArgument('changes', changes, `at least one of ${CHANGES.join(', ')}`)
}

function alterationsOf(changes: ColumnChanges): RawBuilder<unknown>[] {
  const { type, using, default: newDefault, nullable } = changes
  if (using !== undefined && type === undefined) {
    throw invalidArgument('using', using, 'it together with type, the type the values get')
  }
  // PostgreSQL drops a default before it changes a type, and sets one after.
  const drops = newDefault === null || (newDefault !== undefined && type !== undefined)
  return [
    ...(drops ? [sql`drop default`] : []),
    ...(type === undefined ? [] : [typeChange(type, using)]),
    ...(newDefault === undefined || newDefault === null ? [] : [sql`set default ${newDefault}`]),
    ...(nullable === undefined ? [] : [sql.raw(nullable ? 'drop not null' : 'set not null')]),
  ]
}

function typeChange(type: ColumnType, using: unknown): RawBuilder<unknown> {
  const name = typeof type === 'string' ? sql.raw(knownType(type)) : sqlExpression(type, 'type')
  return using === undefined
    ? sql`type ${name}`
    : sql`type ${name} using ${sqlExpression(using, 'using')}`
}

function knownType(type: string): string {
  if (isColumnDataType(type)) return type
  throw invalidArgument('type', type, COLUMN_TYPES)
}
