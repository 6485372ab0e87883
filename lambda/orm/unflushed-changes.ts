import { type SqlEntityManager, wrap } from '@mikro-orm/sql'

/**
 * Names of an entity manager's changes that are not flushed, such as `Team 1 (name)`. Nothing is sent to find them; the
 * entity manager must not be at work.
 */
export function unflushedChanges(em: SqlEntityManager): string[] {
  const work = em.getUnitOfWork(false)
  const added = [...work.getPersistStack()].filter((entity) => !work.getOriginalEntityData(entity))
  try {
    work.computeChangeSets()
  } catch {
    // An entity lacks a value, which the flush would say.
    return added.map((entity) => `new ${entity.constructor.name}`)
  }
  const changes = work.getChangeSets().map(({ entity, type, payload, meta }) => {
    if (type === 'create') return `new ${meta.className}`
    const what = type.startsWith('delete') ? 'removed' : Object.keys(payload).join(', ')
    return `${keyed(entity)} (${what})`
  })
  const collections = work
    .getCollectionUpdates()
    .filter((collection) => collection.isDirty() && work.getOriginalEntityData(collection.owner))
    .map(({ owner, property }) => `${keyed(owner)} (${property.name})`)
  return [...new Set([...changes, ...collections])]
}

function keyed(entity: object): string {
  const key: unknown = wrap(entity, true).getPrimaryKey()
  return key === undefined || key === null
    ? `new ${entity.constructor.name}`
    : `${entity.constructor.name} ${typeof key === 'object' ? JSON.stringify(key) : String(key)}`
}
