import type { EntityDictionary, EntityProperty, QueryResult } from '@mikro-orm/sql'

interface Led<T> {
  readonly rows: EntityDictionary<T>[]
  /** Puts what came back in the order of the rows that went in, with something for each of them. */
  restore(result: QueryResult<T>): QueryResult<T>
}

/**
 * MikroORM lets an INSERT return what its first row lacks of the properties that the database fills in, such as the key,
 * so the first row has to be one that lacks the most.
 */
export function leaderFirst<T>(
  rows: EntityDictionary<T>[],
  filledIn: readonly EntityProperty<T>[],
): Led<T> {
  const lacking = rows.map((row) => filledIn.filter(({ name }) => !(name in row)).length)
  const leader = Math.max(lacking.indexOf(Math.max(...lacking)), 0)
  return {
    rows: moved(rows, leader, 0),
    restore: (result) => {
      const returned = moved(result.rows ?? [], 0, leader)
      return { ...result, rows: rows.map((_, index) => returned[index] ?? {}) }
    },
  }
}

function moved<T>(items: readonly T[], from: number, to: number): T[] {
  const item = items.slice(from, from + 1)
  return items.toSpliced(from, 1).toSpliced(to, 0, ...item)
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
