import {
  AbstractSqlConnection,
  AbstractSqlDriver,
  type Configuration,
  type DeleteOptions,
  type Dictionary,
  type EntityData,
  type EntityDictionary,
  type EntityMetadata,
  type EntityName,
  type EntityProperty,
  type FilterQuery,
  type FindOptions,
  type LogContext,
  type NativeInsertUpdateManyOptions,
  type ObjectQuery,
  type QueryResult,
  type UpsertManyOptions,
  Utils,
} from '@mikro-orm/sql'
import type { CompiledQuery, Transaction } from 'kysely'
import { CommandError } from '../errors.ts'
import { withoutAnswer } from '../session/kysely-dialect.ts'
import { longestList } from './conditions.ts'
import { DataApiPlatform } from './platform.ts'
import { isReturned, lackedLater, merged, withRowEach } from './returned-rows.ts'
import { checkPacking, sendPacked } from './statement-packing.ts'

/** The Kysely instance of a revision as a MikroORM connection: it has no socket and no transaction of its own. */
class DataApiConnection extends AbstractSqlConnection {
  override createKyselyDialect(): never {
    throw new Error('orm() passes the Kysely instance of the revision')
  }

  override async begin(options: Parameters<AbstractSqlConnection['begin']>[0] = {}) {
    if (options.isolationLevel !== undefined || options.readOnly) throw refuseTransactionMode()
    return await super.begin(options)
  }

  /** MikroORM asks here what to log of a statement: of its methods, only this one sees the text that is sent. */
  protected override getSql(query: string, formatted: string, context?: LogContext): string {
    checkPacking(formatted)
    return super.getSql(query, formatted, context)
  }
}

/**
 * MikroORM over the Data API: a statement takes as many rows or keys as fit into its 65,536 characters, where MikroORM
 * would count to a number of rows.
 */
export class DataApiDriver extends AbstractSqlDriver<DataApiConnection, DataApiPlatform> {
  constructor(config: Configuration) {
    super(config, new DataApiPlatform(), DataApiConnection, ['kysely'])
  }

  override async find<
    T extends object,
    P extends string = never,
    F extends string = never,
    E extends string = never,
  >(
    entityName: EntityName<T>,
    where: ObjectQuery<T>,
    options: FindOptions<T, P, F, E> = {},
  ): Promise<EntityData<T>[]> {
    const { inheritanceType, orderBy } = this.metadata.get<T>(entityName)
    const named = inheritanceType ? options : namingColumns(options)
    const find = (condition: ObjectQuery<T>) => super.find(entityName, condition, named)
    const whole = needsWholeResult(options) || !Utils.isEmpty(orderBy)
    const list = whole ? undefined : longestList(where, Utils.isEmpty(options.populate))
    if (list === undefined) return await find(where)
    const parts = await sendPacked(list.values, this.#size, (part) => find(list.with(part)))
    return parts.flat()
  }

  override async nativeInsertMany<T extends object>(
    entityName: EntityName<T>,
    data: EntityDictionary<T>[],
    options?: NativeInsertUpdateManyOptions<T>,
    transform?: (sql: string) => string,
  ): Promise<QueryResult<T>> {
    const meta = this.metadata.get<T>(entityName)
    const properties = this.getTableProps(meta.inheritanceType === 'tpt' ? meta : meta.root)
    const results = await sendPacked(data, this.#rowSize, async (part) => {
      const rows = part.map(copyOf)
      const returning = this.#returning(rows, properties)
      const text = (sql: string) => `${transform?.(sql) ?? sql}${returning}`
      const result = await super.nativeInsertMany(entityName, rows, options, text)
      return withRowEach(result, rows.length)
    })
    return merged(results)
  }

  /** What is to stand at the end of an INSERT of rows that lack different properties. */
  #returning<T>(rows: EntityDictionary<T>[], properties: readonly EntityProperty<T>[]): string {
    const names = lackedLater(rows, properties)
      .flatMap(({ fieldNames }) => fieldNames)
      .map((name) => this.platform.quoteIdentifier(name))
    if (names.length === 0) return ''
    const begun = properties.some((property) => isReturned(property, rows[0]))
    return `${begun ? ',' : ' returning'} ${names.join(', ')}`
  }

  override async nativeUpdateMany<T extends object>(
    entityName: EntityName<T>,
    where: FilterQuery<T>[],
    data: EntityDictionary<T>[],
    options?: NativeInsertUpdateManyOptions<T> & UpsertManyOptions<T>,
    transform?: (sql: string, params: unknown[]) => string,
  ): Promise<QueryResult<T>> {
    // The key of a row stands before each of its values and in the list at the end.
    const size = (row: EntityDictionary<T>, index: number) =>
      this.#rowSize(row) + (Object.keys(row).length + 1) * this.#size(where[index])
    // Only what a version or the database's own values decide is looked at afterwards.
    const meta = this.metadata.get<T>(entityName)
    const isAsked =
      options?.upsert ||
      options?.processCollections !== false ||
      meta.versionProperty !== undefined ||
      meta.getOwnConcurrencyCheckKeys().length > 0 ||
      this.getUpdateReturningProperties(meta, data).length > 0
    const given = isAsked ? options : { ...options, ctx: options?.ctx ?? this.#withoutAnswers }
    const results = await sendPacked(data, size, (part, first) => {
      const conditions = where.slice(first, first + part.length)
      return super.nativeUpdateMany(entityName, conditions, part.map(copyOf), given, transform)
    })
    return merged(results)
  }

  override async nativeDelete<T extends object>(
    entityName: EntityName<T>,
    where: FilterQuery<T>,
    options?: DeleteOptions<T>,
  ): Promise<QueryResult<T>> {
    const remove = (condition: FilterQuery<T>) => super.nativeDelete(entityName, condition, options)
    const list = longestList(where, true)
    if (list === undefined) return await remove(where)
    return merged(await sendPacked(list.values, this.#size, (part) => remove(list.with(part))))
  }

  /** MikroORM asks for the keys to find the other columns by them: where there are none, nothing has to be asked for. */
  protected override getUpdateReturningProperties<T extends object>(
    meta: EntityMetadata<T>,
    data: EntityDictionary<T>[],
  ): EntityProperty<T>[] {
    const asked = super.getUpdateReturningProperties(meta, data)
    return asked.every(({ primary }) => primary) ? [] : asked
  }

  /** The connection, for statements whose results nobody looks at; in place of a transaction of MikroORM's. */
  get #withoutAnswers(): Transaction<unknown> {
    const converter = this.platform.getExceptionConverter()
    const told = (error: Error) => converter.convertException(error)
    const client = this.getConnection('write').getClient()
    const executeQuery = (query: CompiledQuery) => client.executeQuery(withoutAnswer(query, told))
    return { executeQuery } as unknown as Transaction<unknown>
  }

  readonly #size = (value: unknown): number => {
    if (Utils.isPlainObject(value)) return this.#rowSize(value)
    try {
      return this.platform.quoteValue(value).length
    } catch {
      // Not yet in the form in which it is written; this only helps to guess how many rows fit.
      return 0
    }
  }

  readonly #rowSize = (row: object): number =>
    Object.values(row).reduce((sum: number, value) => sum + this.#size(value), 0)
}

/**
 * MikroORM writes `*` unless a property is left out, which would also read the columns that the entity does not declare:
 * some of them may be of a type that the Data API does not answer.
 */
function namingColumns<O extends Readonly<Dictionary>>(options: O): O {
  const all = options.fields === undefined && Utils.isEmpty(options.exclude)
  return all ? { ...options, exclude: ['none of the properties'] } : options
}

/** MikroORM takes the relations out of a row while it writes the statement, which it does again when that is too long. */
const copyOf = <T>(row: EntityDictionary<T>): EntityDictionary<T> => ({ ...row })

/** Rows that are ordered, counted or grouped cannot be read in parts. */
function needsWholeResult(options: Readonly<Dictionary>): boolean {
  const { limit, offset, first, last, before, after, groupBy, having, orderBy } = options
  return ![limit, offset, first, last, before, after, groupBy, having, orderBy].every(
    (option) => option === undefined || Utils.isEmpty(option),
  )
}

function refuseTransactionMode(): CommandError {
  return new CommandError(
    'TransactionMode',
    'an isolation level or read-only mode was asked for, and a revision already is a transaction: em.transactional() is a savepoint in it and takes neither',
  )
}
