import { CommandError } from '../errors.ts'
import { BASE } from './identifiers.ts'
import { listed } from './listed.ts'
import { branchFilter } from './names.ts'
import type { RevisionMap } from './revision-map.ts'

export interface WalkOptions {
  /** Walking up, only children on this branch count. */
  readonly branch?: string | undefined
  /** Stay on the last revision, or on `base`, instead of falling off the end. */
  readonly stopAtEnd?: boolean | undefined
}

/**
 * Where one is after `steps` versioned steps from a revision or `base`: up if positive, down if negative.
 *
 * Undefined is off the end: above a head, or below `base`.
 *
 * @throws CommandError AmbiguousWalk at a branch point (up) or a merge point (down)
 */
export function walk(
  map: RevisionMap,
  start: string,
  steps: number,
  { branch, stopAtEnd = false }: WalkOptions = {},
): string | undefined {
  const onBranch = branchFilter(map, branch)
  let place = start
  for (let taken = 0; taken < Math.abs(steps); taken++) {
    const ways = steps > 0 ? onBranch(waysUp(map, place)) : waysDown(map, place)
    const [next] = ways
    if (next === undefined) return stopAtEnd ? place : undefined
    if (ways.length > 1) throw ambiguousWalk(place, steps, ways)
    place = next
  }
  return place
}

function waysUp(map: RevisionMap, place: string): readonly string[] {
  return place === BASE ? map.bases : map.entry(place).children
}

function waysDown(map: RevisionMap, place: string): readonly string[] {
  if (place === BASE) return []
  const { down } = map.entry(place)
  return down.length === 0 ? [BASE] : down
}

function ambiguousWalk(place: string, steps: number, ways: readonly string[]): CommandError {
  const [direction, advice] =
    steps > 0
      ? ['up', "name a branch as in 'LABEL@+1', or the revision you mean"]
      : ['down', 'name the revision you mean']
  return new CommandError(
    'AmbiguousWalk',
    `Ambiguous walk: ${direction} from ${place} there are ${listed(ways)}; ${advice}`,
  )
}
