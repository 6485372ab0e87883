import { type EntityDictionary, type EntityProperty, isRaw, type QueryResult } from '@mikro-orm/sql'

/**
 * The properties to return of all rows besides those that MikroORM has an INSERT return: it asks for what the first row
 * lacks of what the database fills in, such as the key, and another row may lack more.
 */
export function lackedLater<T>(
  [first, ...others]: readonly EntityDictionary<T>[],
  properties: readonly EntityProperty<T>[],
): EntityProperty<T>[] {
  return properties.filter(
    (property) =>
      isFilledIn(property) &&
      !isReturned(property, first) &&
      others.some((row) => lacks(row, property)),
  )
}

/** Whether MikroORM has an INSERT return the property, whose first row this is. */
export function isReturned<T>(
  property: EntityProperty<T>,
  first: EntityDictionary<T> | undefined,
): boolean {
  return property.returning === true || (isFilledIn(property) && lacks(first, property))
}

function isFilledIn<T>(property: EntityProperty<T>): boolean {
  const { autoincrement, generated, persist, defaultRaw } = property
  return Boolean(autoincrement || generated || (persist !== false && defaultRaw))
}

/** A value that is SQL is not known before it is written, either. */
function lacks<T>(row: EntityDictionary<T> | undefined, { name }: EntityProperty<T>): boolean {
  return row !== undefined && (!(name in row) || isRaw(row[name]))
}

/** The result of an INSERT with a row for each that went in, also where nothing was returned. */
export function withRowEach<T>(result: QueryResult<T>, count: number): QueryResult<T> {
  const { rows = [] } = result
  return { ...result, rows: Array.from({ length: count }, (_, index) => rows[index] ?? {}) }
}

/** The results of several statements as if they had been one. */
export function merged<T>(results: readonly QueryResult<T>[]): QueryResult<T> {
  const [first] = results
  if (first === undefined) throw new Error('no statement was sent')
  return {
    ...first,
    affectedRows: results.reduce((sum, { affectedRows }) => sum + affectedRows, 0),
    ...(first.rows && { rows: results.flatMap(({ rows }) => rows ?? []) }),
  }
}
