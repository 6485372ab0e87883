import type { Plan } from './plan.ts'
import { refuseRange, stepsFrom } from './plan.ts'
import type { RevisionMap } from './revision-map.ts'
import { rowsAsOrigin, upgradeTargets } from './targets.ts'
import { appliedRevisions, refuseOverlap } from './version-rows.ts'

/**
 * Plans `upgrade TARGET`: the targets and all they rest on, less what is applied.
 *
 * @throws CommandError for a target or rows that cannot be upgraded
 */
export function planUpgrade(map: RevisionMap, rows: readonly string[], target: string): Plan {
  refuseRange(target)
  const goal = upgradeTargets(map, target, rowsAsOrigin(map, rows))
  refuseOverlap(map, goal, 'target')
  const wanted = map.ancestors(goal)
  const appliedTo = (now: readonly string[]) => {
    const applied = appliedRevisions(map, now)
    refuseOverlap(map, now, 'row')
    return applied
  }
  // Rows that cannot be upgraded are refused now, not when the steps are asked for.
  appliedTo(rows)
  return {
    direction: 'upgrade',
    goal,
    steps: (now) => {
      const applied = appliedTo(now)
      const missing = map.oldestFirst(wanted).filter((id) => !applied.has(id))
      return stepsFrom(map, applied, missing, 'upgrade')
    },
  }
}
