import type { RevisionMap } from './revision-map.ts'

/**
 * The branch labels of every revision, in file order, as `history` and `branches` show them.
 *
 * A label covers the revision that carries it and all its versioned descendants. In a plain line it
 * covers what is below as well, down to the first branch point, merge point or second dependent.
 */
export function branchLabels(map: RevisionMap): ReadonlyMap<string, ReadonlySet<string>> {
  const labels = new Map(map.ids.map((id) => [id, new Set<string>()]))
  for (const [label, owner] of map.labelOwners) {
    const covered = map.descendants([owner], 'versioned')
    if ([...covered].every((id) => isPlain(map, id))) {
      for (const id of plainLineBelow(map, owner)) covered.add(id)
    }
    for (const id of covered) labels.get(id)?.add(label)
  }
  return labels
}

function plainLineBelow(map: RevisionMap, id: string): string[] {
  const line: string[] = []
  for (let below = map.entry(id).down[0]; below !== undefined && isPlain(map, below); ) {
    line.push(below)
    below = map.entry(below).down[0]
  }
  return line
}

function isPlain(map: RevisionMap, id: string): boolean {
  const { down, allChildren } = map.entry(id)
  return down.length <= 1 && allChildren.length <= 1
}
