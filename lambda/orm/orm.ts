import {
  type AnyEntity,
  type EntityClass,
  type EntitySchema,
  MikroORM,
  type SqlEntityManager,
} from '@mikro-orm/sql'
import type { Operations } from '../operations/operations.ts'
import { DataApiDriver } from './driver.ts'
import { watchedEntityManager } from './entity-manager.ts'

export {
  CheckConstraintViolationException,
  type Collection,
  defineEntity,
  ForeignKeyConstraintViolationException,
  type InferEntity,
  type Loaded,
  NotFoundError,
  NotNullConstraintViolationException,
  p,
  type Ref,
  raw,
  ref,
  Type,
  UniqueConstraintViolationException,
} from '@mikro-orm/sql'

/** What `defineEntity` answers, or a class made of it. */
export type Entity = EntityClass<AnyEntity> | EntitySchema

/** MikroORM's entity manager, with its query builder (`em.createQueryBuilder`). */
export type EntityManager = SqlEntityManager<DataApiDriver>

/**
 * A MikroORM entity manager on the transaction of a revision: models and a session.
 *
 * Declare the entities in the revision and with the columns it uses, not more: the application's own models describe
 * the database as it is today, a revision the one it meets. Tables and columns come from `op`; MikroORM creates none.
 *
 * Each call has its own identity map. A flush is one INSERT and one UPDATE per entity, or as few as 65,536 characters
 * allow. Changes that are never flushed fail the revision. `em.transactional()` is a savepoint. An error of the database has the SQLSTATE in `code` and our
 * `StatementError` as `cause`; caught outside of `em.transactional()` it still fails the revision.
 *
 * @example
 * ```ts
 * import { defineRevision } from 'aurora-migrations'
 * import { defineEntity, orm, p } from 'aurora-migrations/orm'
 *
 * const Team = defineEntity({
 *   name: 'Team',
 *   tableName: 'teams',
 *   properties: { id: p.integer().primary(), name: p.string() },
 * })
 *
 * export default defineRevision({
 *   revision: 'b7d1c0a84be3',
 *   downRevision: '169ad57156f0',
 *   doc: 'trim the names of teams',
 *   async upgrade(op) {
 *     const em = orm(op, [Team])
 *     for (const team of await em.find(Team, {})) team.name = team.name.trim()
 *     await em.flush()
 *   },
 *   downgrade: null,
 * })
 * ```
 */
export function orm(
  op: Pick<Operations, 'calls' | 'getBind'>,
  entities: readonly Entity[],
): EntityManager {
  const { em } = new MikroORM<DataApiDriver, EntityManager>({
    ...NOT_FROM_ENVIRONMENT,
    entityManager: watchedEntityManager(op.calls),
    entities: [...entities],
    driver: DataApiDriver,
    // A function, because MikroORM would copy an object.
    driverOptions: () => op.getBind(),
    dbName: 'the database of the revision',
    ensureDatabase: false,
    // The revision is the transaction, and the driver counts characters, not rows.
    implicitTransactions: false,
    batchSize: Number.MAX_SAFE_INTEGER,
    debug: false,
    logger: () => undefined,
  })
  return em.fork()
}

/** MikroORM reads these from `MIKRO_ORM_…` variables, which must not change what a revision does. */
const NOT_FROM_ENVIRONMENT: object = Object.fromEntries(
  [
    'allowGlobalContext',
    'autoJoinOneToOneOwner',
    'clientUrl',
    'entitiesTs',
    'forceEntityConstructor',
    'forceUndefined',
    'forceUtcTimezone',
    'loadStrategy',
    'populateAfterFlush',
    'schema',
    'timezone',
    'useBatchInserts',
    'useBatchUpdates',
  ].map((option) => [option, undefined]),
)
