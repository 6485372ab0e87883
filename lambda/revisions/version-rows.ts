import { CommandError } from '../errors.ts'
import { listed } from './listed.ts'
import type { RevisionMap } from './revision-map.ts'

/** The rows of the version table that are no whole id of this directory. */
export function unknownRows(map: RevisionMap, rows: readonly string[]): string[] {
  return rows.filter((row) => !map.has(row))
}

/**
 * Everything that is applied to a database with these rows.
 *
 * @throws CommandError RevisionNotFound for a row this directory does not know
 */
export function appliedRevisions(map: RevisionMap, rows: readonly string[]): Set<string> {
  refuseUnknownRows(map, rows)
  return map.ancestors(rows)
}

/** The rows of a database to which exactly `applied` is applied: what nothing applied rests on. */
export function rowsOf(map: RevisionMap, applied: ReadonlySet<string>): string[] {
  const isRow = (id: string) => !map.entry(id).allChildren.some((child) => applied.has(child))
  return map.inFileOrder([...applied].filter(isRow))
}

/**
 * What `current` lists: the rows, and heads that have none because something applied depends on them.
 *
 * @throws CommandError RevisionNotFound for a row this directory does not know
 */
export function currentRevisions(map: RevisionMap, rows: readonly string[]): string[] {
  const applied = appliedRevisions(map, rows)
  const isTip = (id: string) => !map.entry(id).children.some((child) => applied.has(child))
  return map.inFileOrder([...applied].filter(isTip))
}

/** @throws CommandError when the rows are not all known to this directory */
export function refuseUnknownRows(
  map: RevisionMap,
  rows: readonly string[],
  kind = 'RevisionNotFound',
): void {
  const unknown = unknownRows(map, rows)
  if (unknown.length === 0) return
  throw new CommandError(
    kind,
    `Can't locate revision identified by '${listed(unknown)}', which the version table holds; ` +
      `known heads are ${listed(map.heads)}; add the missing revision files, or stamp with --purge`,
  )
}

/** Refuses revisions of which one rests on another: as rows or as targets they contradict each other. */
export function refuseOverlap(
  map: RevisionMap,
  ids: readonly string[],
  whose: 'row' | 'target',
): void {
  if (ids.length < 2) return
  const below = map.ancestors(ids.flatMap((id) => map.entry(id).parents))
  const lower = ids.find((id) => below.has(id))
  if (lower === undefined) return
  const above = map.descendants([lower])
  const upper = ids.find((id) => id !== lower && above.has(id))
  const fix =
    whose === 'row'
      ? `the version table must not hold both, so stamp ${upper} to leave that row alone`
      : `${upper} includes ${lower}, so name the target ${upper}`
  throw new CommandError(
    'OverlappingRevisions',
    `Requested revision ${upper} overlaps with other requested revisions ${lower}; ${fix}`,
  )
}
