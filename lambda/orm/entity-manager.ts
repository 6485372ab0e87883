import { SqlEntityManager } from '@mikro-orm/sql'
import type { OperationCalls } from '../operations/operation-call.ts'
import type { DataApiDriver } from './driver.ts'
import { watchedQueryBuilder } from './query-builder.ts'
import { OrmSessions } from './sessions.ts'

type EntityManagerClass = new (
  ...args: ConstructorParameters<typeof SqlEntityManager<DataApiDriver>>
) => SqlEntityManager<DataApiDriver>

/** What of an entity manager reaches the database. */
const WATCHED = [
  'begin',
  'clone',
  'commit',
  'count',
  'countBy',
  'execute',
  'find',
  'findAll',
  'findAndCount',
  'findByCursor',
  'findOne',
  'findOneOrFail',
  'flush',
  'insert',
  'insertMany',
  'lock',
  'nativeDelete',
  'nativeUpdate',
  'populate',
  'refresh',
  'refreshOrFail',
  'rollback',
  'transactional',
  'upsert',
  'upsertMany',
] as const satisfies readonly (keyof SqlEntityManager)[]

/** What is watched of a revision. */
type Watch = Pick<OperationCalls, 'start' | 'unsent' | 'unfinished'>

/**
 * An entity manager whose calls are watched until they are awaited, like those of `op`: a forgotten `em.flush()` is
 * named even where it fails before its first statement, and its rejection is not an unhandled one. Changes that are never
 * flushed, and queries that are never executed, are named as well.
 */
export function watchedEntityManager(watch: Watch): EntityManagerClass {
  const sessions = sessionsOf(watch)
  // The forks that MikroORM makes, as for em.transactional(), are of this class as well.
  class EntityManager extends SqlEntityManager<DataApiDriver> {
    constructor(...args: ConstructorParameters<typeof SqlEntityManager<DataApiDriver>>) {
      super(...args)
      sessions.add(this)
    }

    override createQueryBuilder: SqlEntityManager<DataApiDriver>['createQueryBuilder'] = (
      ...args
    ) => watchedQueryBuilder(super.createQueryBuilder(...args), watch)
  }
  for (const name of WATCHED) {
    const method = SqlEntityManager.prototype[name] as (...args: unknown[]) => Promise<unknown>
    Object.defineProperty(EntityManager.prototype, name, {
      configurable: true,
      value(this: SqlEntityManager, ...args: unknown[]) {
        const call = (given: readonly unknown[]) => method.apply(this, [...given])
        return watch.start(`em.${name}`, () => sessions.around(name, this, args, call))
      },
    })
  }
  return EntityManager
}

const allSessions = new WeakMap<Watch, OrmSessions>()

/** The sessions of one revision, which may call `orm()` more than once. */
function sessionsOf(watch: Watch): OrmSessions {
  const known = allSessions.get(watch)
  if (known) return known
  const isBusy = () => watch.unfinished().some((call) => call.startsWith('em.'))
  const sessions = new OrmSessions(isBusy)
  allSessions.set(watch, sessions)
  watch.unsent.note(() => withoutFlush(sessions.unflushed()))
  return sessions
}

const MOST_NAMED = 5

function withoutFlush(changes: readonly string[]): string | undefined {
  if (changes.length === 0) return undefined
  const more = changes.length > MOST_NAMED ? ` and ${changes.length - MOST_NAMED} more` : ''
  const named = changes.slice(0, MOST_NAMED).join(', ')
  return `flushing what it changed in an entity manager: ${named}${more}: add 'await em.flush()', or em.clear() to drop it`
}
