// How check.mjs asks the planner its questions. The cases were recorded from Alembic 1.19.1; an answer
// has the shape of their `expect`.
import { CommandError } from '../../lambda/errors.ts'
import { branchLabels } from '../../lambda/revisions/branch-labels.ts'
import { planDowngrade } from '../../lambda/revisions/downgrade-plan.ts'
import { historyRevisions } from '../../lambda/revisions/history-range.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { stampRows } from '../../lambda/revisions/stamp-plan.ts'
import { placesNamed } from '../../lambda/revisions/targets.ts'
import { planUpgrade } from '../../lambda/revisions/upgrade-plan.ts'
import { currentRevisions } from '../../lambda/revisions/version-rows.ts'

export function plan(graph, currentRows, command, target, options) {
  try {
    const map = new RevisionMap(graph.revisions.map(toRevision))
    return ask[command](map, currentRows, target, options)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    const { kind, message } = error
    return { error: { kind, group: groupOf(kind), message } }
  }
}

const ask = {
  upgrade: (map, rows, target) => ({ steps: planUpgrade(map, rows, target).steps(rows) }),
  downgrade: (map, rows, target) => ({ steps: planDowngrade(map, rows, target).steps(rows) }),
  stamp: (map, rows, targets, options) => ({ rows: stampRows(map, rows, targets, options) }),
  history: (map, rows, range) => ({ revisions: historyRevisions(map, range, rows) }),
  current: (map, rows) => ({ revisions: currentRevisions(map, rows) }),
  resolve: (map, _rows, target) => ({
    revisions: placesNamed(map, target).map((place) => place ?? null),
  }),
  info,
}

function toRevision({ id, down, dependsOn, labels }) {
  return { revision: id, downRevision: down, dependsOn, branchLabels: labels }
}

function info(map) {
  const { ids, heads, realHeads, bases, labelOwners } = map
  const where = (holds) => ids.filter((id) => holds(map.entry(id))).sort()
  return {
    info: {
      heads: heads.toSorted(),
      realHeads: realHeads.toSorted(),
      effectiveHeads: heads.filter((id) => !realHeads.includes(id)).sort(),
      bases: bases.toSorted(),
      realBases: where((entry) => entry.parents.length === 0),
      branchPoints: where((entry) => entry.children.length > 1),
      mergePoints: where((entry) => entry.down.length > 1),
      labelOwners: Object.fromEntries(labelOwners),
      revisions: Object.fromEntries(ids.map((id) => [id, revisionInfo(map, id)])),
    },
  }
}

function revisionInfo(map, id) {
  const { down, dependsOn, children, allChildren } = map.entry(id)
  return {
    down,
    dependsOnResolved: dependsOn.toSorted(),
    effectiveDown: map.effectiveParents(id).toSorted(),
    children: children.toSorted(),
    allChildren: allChildren.toSorted(),
    labels: [...branchLabels(map).get(id)].sort(),
  }
}

const groups = {
  resolution: ['RevisionNotFound', 'NoSuchBranch', 'AmbiguousPrefix', 'NotOnBranch'],
  ambiguity: ['MultipleHeads', 'AmbiguousUpgrade', 'AmbiguousWalk', 'AmbiguousDowngrade'],
  relative: ['RelativeOutOfRange'],
  range: ['RangeNotAncestor', 'InvalidDowngradeTarget', 'OverlappingRevisions'],
  syntax: ['RangeNotAllowed', 'HistoryRangeSyntax'],
}

function groupOf(kind) {
  return Object.keys(groups).find((group) => groups[group].includes(kind)) ?? 'graph'
}
