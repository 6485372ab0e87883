import { revisionNamed, revisionsNamed, splitBranch } from './names.ts'
import type { RevisionMap } from './revision-map.ts'
import { outOfRange, placesNamed } from './targets.ts'
import { refuseUnknownRows } from './version-rows.ts'

export interface StampOptions {
  /** Forget the rows there are, known or not. */
  readonly purge?: boolean | undefined
}

/**
 * The rows of the version table after `stamp TARGET...`: the targets, and those rows that are in no
 * line with a target. `base` removes rows, `BRANCH@base` those of the branch.
 *
 * @throws CommandError RevisionNotFound for an unknown row, unless purged, and for unknown targets
 */
export function stampRows(
  map: RevisionMap,
  rows: readonly string[],
  targets: readonly string[],
  { purge = false }: StampOptions = {},
): string[] {
  const before = purge ? [] : rows
  refuseUnknownRows(map, before)
  const stamps = targets.map((target) => stampOf(map, before, target))
  const replaced = new Set(stamps.flatMap((stamp) => stamp.replaced))
  const kept = before.filter((row) => !replaced.has(row))
  return map.inFileOrder(new Set([...kept, ...stamps.flatMap((stamp) => stamp.revisions)]))
}

interface Stamp {
  readonly revisions: readonly string[]
  readonly replaced: readonly string[]
}

function stampOf(map: RevisionMap, rows: readonly string[], target: string): Stamp {
  if (rows.length === 0) return { revisions: revisionsBelowHeads(map, target), replaced: [] }
  const { branch } = splitBranch(target)
  const branchIds = branch === undefined ? [] : [revisionNamed(map, branch)]
  const revisions = revisionsNamed(map, target)
  const rowsInLine = (ids: readonly string[]) => {
    const line = map.lineage(ids, 'full')
    return rows.filter((row) => line.has(row))
  }
  if (revisions.length > 0) return { revisions, replaced: rowsInLine(revisions) }
  return { revisions, replaced: branch === undefined ? rows : rowsInLine(branchIds) }
}

function revisionsBelowHeads(map: RevisionMap, target: string): string[] {
  const places = placesNamed(map, target)
  const revisions = places.filter((place) => place !== undefined).filter((id) => map.has(id))
  const { name } = splitBranch(target)
  if (name.startsWith('-') && (revisions.length < places.length || places.length === 0)) {
    throw outOfRange(target, Number(name), 'not every head has a revision that far below it')
  }
  return revisions
}
