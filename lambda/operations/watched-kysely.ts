import { Kysely, QueryCreator } from 'kysely'
import { type OperationCalls, shortened } from './operation-call.ts'

/** What watches a revision. */
type Watch = Pick<OperationCalls, 'start' | 'unsent'>

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
 * rejection is not an unhandled one, which would end the process. A builder that is never run, nor becomes a part of
 * another one, is named as well; so are those made in a transaction or a `with`.
 *
 * A proxy, because Kysely makes its builders itself. What a callback builds expressions with (`eb`) is Kysely's own.
 */
export function watchedKysely<Tables>(db: Kysely<Tables>, watch: Watch): Kysely<Tables> {
  return new KyselyWatch(watch).watched(db, 'getBind')
}

class KyselyWatch {
  readonly #watch: Watch
  readonly #proxies = new WeakSet()

  constructor(watch: Watch) {
    this.#watch = watch
  }

  /** `made`: the method that has made it. */
  watched<T extends object>(target: T, made: string): T {
    const used = isExecutable(target) ? this.#watch.unsent.note(() => notRun(target, made)) : noop
    const proxy = new Proxy(target, {
      get: (object, name) => {
        // Not the proxy: Kysely's fields are private.
        const member: unknown = Reflect.get(object, name, object)
        if (typeof member !== 'function') return this.#ifBuilder(member, String(name))
        // db.fn is a function with functions on it, none of which sends anything.
        if (Object.keys(member).length > 0) return member
        return (...args: unknown[]) => {
          used()
          return this.#call(object, name, () =>
            member.apply(object, args.map(this.#withWatchedParameters)),
          )
        }
      },
    })
    this.#proxies.add(proxy)
    return proxy
  }

  #call(object: object, name: string | symbol, run: () => unknown): unknown {
    if (typeof name === 'string' && EXECUTES.has(name)) {
      return this.#watch.start(`op.getBind()….${name}`, async (note) => {
        note(statementOf(object))
        const result = await run()
        // A transaction that the revision ends by itself.
        return result instanceof Kysely ? this.watched(result, name) : result
      })
    }
    return name === 'getExecutor' ? run() : this.#ifBuilder(run(), String(name))
  }

  #ifBuilder(value: unknown, made: string): unknown {
    if (typeof value !== 'object' || value === null || value instanceof Promise) return value
    const prototype: unknown = Object.getPrototypeOf(value)
    const isPlain = prototype === Object.prototype || prototype === Array.prototype
    return isPlain || this.#proxies.has(value) ? value : this.watched(value, made)
  }

  /** A callback that gets what makes statements as a watched one. */
  readonly #withWatchedParameters = (arg: unknown): unknown => {
    if (typeof arg !== 'function' || Object.keys(arg).length > 0) return arg
    return (...parameters: unknown[]): unknown =>
      arg(
        ...parameters.map((parameter) =>
          parameter instanceof QueryCreator || isExecutable(parameter)
            ? this.#ifBuilder(parameter, 'a callback')
            : parameter,
        ),
      )
  }
}

function noop(): void {}

function isExecutable(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    'execute' in value &&
    typeof value.execute === 'function'
  )
}

function notRun(builder: object, made: string): string {
  const text = shortened(statementOf(builder))
  return `running op.getBind()….${made}${text && ` (${text})`}: add .execute(), or pass it to op.execute or op.query`
}

/** Empty for one that is not a statement yet. */
function statementOf(builder: object): string {
  if (!('compile' in builder) || typeof builder.compile !== 'function') return ''
  try {
    return (builder.compile() as { sql: string }).sql
  } catch {
    return ''
  }
}
