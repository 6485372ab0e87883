import { type OperationCalls, shortened } from '../operations/operation-call.ts'

/** The methods of MikroORM's query builder that reach the database. */
const EXECUTES = [
  'execute',
  'getCount',
  'getResult',
  'getResultAndCount',
  'getResultList',
  'getSingleResult',
] as const

/** What of a query builder is used here. */
interface Query {
  /** Makes the text; whatever runs it, or makes it a part of another query, asks for that. */
  getNativeQuery(...args: unknown[]): unknown
  clone(...args: unknown[]): Query
  getFormattedQuery(): string
}

/** A query builder of an entity manager whose calls are watched until they are awaited, and that is named when nothing runs it. */
export function watchedQueryBuilder<T extends object>(
  builder: T,
  watch: Pick<OperationCalls, 'start' | 'unsent'>,
): T {
  const query = builder as unknown as Query &
    Record<string, (...args: unknown[]) => Promise<unknown>>
  const used = watch.unsent.note(() => notRun(query))
  const { getNativeQuery, clone } = query
  query.getNativeQuery = (...args) => {
    used()
    return getNativeQuery.apply(query, args)
  }
  query.clone = (...args) => {
    used()
    return watchedQueryBuilder(clone.apply(query, args), watch)
  }
  for (const name of EXECUTES) {
    const method = query[name]
    query[name] = (...args) => {
      used()
      return watch.start(
        `em.createQueryBuilder()….${name}`,
        async () => await method?.apply(query, args),
      )
    }
  }
  return builder
}

function notRun(query: Query): string {
  const text = textOf(query)
  return `running em.createQueryBuilder()…${text && ` (${shortened(text)})`}: add .execute()`
}

function textOf(query: Query): string {
  try {
    return query.getFormattedQuery()
  } catch {
    return ''
  }
}
