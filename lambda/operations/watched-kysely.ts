import type { Kysely } from 'kysely'
import type { OperationCalls } from './operation-call.ts'

/** The methods of Kysely's builders that reach the database. */
const EXECUTES = new Set([
  'execute',
  'executeQuery',
  'executeTakeFirst',
  'executeTakeFirstOrThrow',
  'explain',
])

/**
 * Kysely whose calls are watched until they are awaited, like those of `op`: a forgotten await is named, and its
 * rejection is not an unhandled one, which would end the process.
 *
 * A proxy, because Kysely makes its builders itself. What a callback gets (`eb`, a transaction) is Kysely's own.
 */
export function watchedKysely<Tables>(
  db: Kysely<Tables>,
  calls: Pick<OperationCalls, 'start'>,
): Kysely<Tables> {
  return watched(db, calls)
}

function watched<T extends object>(target: T, calls: Pick<OperationCalls, 'start'>): T {
  return new Proxy(target, {
    get(object, name) {
      // Not the proxy: Kysely's fields are private.
      const member: unknown = Reflect.get(object, name, object)
      if (typeof member !== 'function') return watchedIfBuilder(member, calls)
      // db.fn is a function with functions on it, none of which sends anything.
      if (Object.keys(member).length > 0) return member
      return (...args: unknown[]) => {
        const run = (): unknown => member.apply(object, args) as unknown
        if (typeof name === 'string' && EXECUTES.has(name)) {
          return calls.start(`op.getBind()….${name}`, async (note) => {
            note(statementOf(object))
            return await run()
          })
        }
        return name === 'getExecutor' ? run() : watchedIfBuilder(run(), calls)
      }
    },
  })
}

function watchedIfBuilder(value: unknown, calls: Pick<OperationCalls, 'start'>): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Promise) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  const isPlain = prototype === Object.prototype || prototype === Array.prototype
  return isPlain ? value : watched(value, calls)
}

function statementOf(builder: object): string {
  if (!('compile' in builder) || typeof builder.compile !== 'function') return ''
  const { sql } = builder.compile() as { sql: string }
  return sql
}
