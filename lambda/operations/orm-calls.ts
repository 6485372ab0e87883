import { SqlEntityManager } from '@mikro-orm/sql'
import type { OperationCalls } from './operation-call.ts'
import type { DataApiDriver } from './orm-driver.ts'

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

/**
 * An entity manager whose calls are watched until they are awaited, like those of `op`: a forgotten `em.flush()` is
 * named even where it fails before its first statement, and its rejection is not an unhandled one.
 */
export function watchedEntityManager(calls: Pick<OperationCalls, 'start'>): EntityManagerClass {
  // The forks that MikroORM makes, as for em.transactional(), are of this class as well.
  class EntityManager extends SqlEntityManager<DataApiDriver> {}
  for (const name of WATCHED) {
    const method = SqlEntityManager.prototype[name] as (...args: unknown[]) => Promise<unknown>
    Object.defineProperty(EntityManager.prototype, name, {
      configurable: true,
      value(this: SqlEntityManager, ...args: unknown[]) {
        return calls.start(`em.${name}`, () => method.apply(this, args))
      },
    })
  }
  return EntityManager
}
