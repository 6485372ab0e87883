import { inspect, types } from 'node:util'
import * as v from 'valibot'
import { CommandError } from '../errors.ts'
import { listed, shown } from './listed.ts'
import type { Revision } from './revision.ts'

const work = v.pipe(
  v.function(),
  v.check((value) => !types.isGeneratorFunction(value)),
)
const names = v.optional(v.array(v.string()))

/** What each key of a revision may be, and how to write it. */
const KEYS: Readonly<Record<keyof Revision, readonly [v.GenericSchema, string]>> = {
  revision: [v.string(), "write its id, such as revision: 'ae1027a6acf0'"],
  // Without one the graph refuses it, in Alembic's words.
  downRevision: [
    v.nullish(v.union([v.string(), v.array(v.string())])),
    'write the id it follows, an array of ids for a merge, or null for a base',
  ],
  branchLabels: [names, 'write an array of names, or leave it out'],
  dependsOn: [names, 'write an array of revision ids and branch labels, or leave it out'],
  doc: [v.string(), "write one line for people, such as doc: 'create account table'"],
  file: [v.optional(v.string()), 'leave it out, because the build sets it'],
  checksum: [v.optional(v.string()), 'leave it out, because the build sets it'],
  upgrade: [work, 'write upgrade(op) { … }'],
  downgrade: [
    v.nullable(work),
    'write downgrade(op) { … }, or downgrade: null if it cannot be taken back',
  ],
}

/**
 * Refuses what a revision file exports when it is no revision. The compiler says most of this, but only to those who
 * let it check the folder.
 *
 * @throws CommandError naming the revision, its file, the key and the fix
 */
export function checkRevision(revision: Revision): void {
  const given = (revision ?? {}) as unknown as Readonly<Record<string, unknown>>
  const where = nameOf(given)
  if (given.revision === undefined && given.upgrade === undefined) {
    throw new CommandError(
      'NoRevision',
      `${where} exports no revision: write export default defineRevision({ … }), or move the file out of the folder`,
    )
  }
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(KEYS, key))
  if (unknown.length > 0) {
    const allowed = Object.keys(KEYS).filter((key) => key !== 'file' && key !== 'checksum')
    throw new CommandError(
      'UnknownKey',
      `${where} has the key ${listed(unknown)}, which a revision does not have: allowed are ${allowed.join(', ')}`,
    )
  }
  for (const [key, [schema, fix]] of Object.entries(KEYS)) {
    if (v.is(schema, given[key])) continue
    if (given[key] === undefined) {
      throw new CommandError(
        `Missing${key[0]?.toUpperCase()}${key.slice(1)}`,
        `${where} has no ${key}: ${fix}`,
      )
    }
    throw new CommandError(
      'WrongType',
      `${where}: ${key} is ${shownValue(given[key])}, which is not allowed: ${fix}`,
    )
  }
}

function nameOf({ revision, file }: Readonly<Record<string, unknown>>): string {
  const place = typeof file === 'string' ? file : undefined
  if (typeof revision !== 'string') return place ?? 'a revision'
  return `revision ${shown(revision)}${place === undefined ? '' : ` (${place})`}`
}

function shownValue(value: unknown): string {
  if (types.isGeneratorFunction(value)) return 'a generator function, whose body would never run'
  return shown(inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY }))
}
