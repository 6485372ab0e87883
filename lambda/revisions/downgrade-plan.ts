import { CommandError } from '../errors.ts'
import { BASE } from './identifiers.ts'
import { listed, shown } from './listed.ts'
import { branchRevision, notOnBranch } from './names.ts'
import type { Plan } from './plan.ts'
import { refuseRange, stepsFrom } from './plan.ts'
import type { RevisionMap } from './revision-map.ts'
import type { DowngradeTarget } from './targets.ts'
import { downgradeTarget } from './targets.ts'
import { appliedRevisions, refuseOverlap } from './version-rows.ts'

/**
 * Plans `downgrade TARGET`: what follows the target, and all that rests on it, as far as applied.
 *
 * Other branches are left alone unless something in them rests on what goes.
 *
 * @throws CommandError for a target or rows that cannot be downgraded
 */
export function planDowngrade(map: RevisionMap, rows: readonly string[], target: string): Plan {
  refuseRange(target)
  const aim = downgradeTarget(map, target, rows)
  const unwanted = map.descendants(firstToGo(map, aim, target))
  const goal = aim.revision === BASE ? [] : [aim.revision]
  const applied = appliedRevisions(map, rows)
  const isReached = goal.every((id) => rows.includes(id))
  if (!isReached && ![...applied].some((id) => unwanted.has(id))) throw notBelow(target, rows)
  refuseOffBranch(map, aim)
  return {
    direction: 'downgrade',
    goal,
    steps: (now) => {
      const appliedNow = appliedRevisions(map, now)
      const leaving = map.oldestFirst(appliedNow).filter((id) => unwanted.has(id))
      if (leaving.length > 0) refuseOverlap(map, now, 'row')
      return stepsFrom(map, appliedNow, leaving.reverse(), 'downgrade')
    },
  }
}

/** The lowest revisions to remove: what directly follows the target, on the branch if there is a choice. */
function firstToGo(map: RevisionMap, aim: DowngradeTarget, target: string): readonly string[] {
  const next = aim.revision === BASE ? map.bases : map.entry(aim.revision).children
  if (aim.branch === undefined || next.length < 2) return next
  const line = map.ancestors([branchRevision(map, aim.branch)], 'versioned')
  const onBranch = next.filter((id) => line.has(id))
  if (onBranch.length > 0) return onBranch
  throw new CommandError(
    'InvalidDowngradeTarget',
    `Not a valid downgrade target from current heads: '${shown(target)}' leads to ${aim.revision}, which ` +
      `${listed(next)} follow, and branch '${aim.branch}' holds none of them; name the branch by ` +
      'a revision above them, or the target without a branch',
  )
}

// Alembic leaves the branch unread where only one way leads down, and unwinds it whatever was typed.
// Last, so that what Alembic refuses as well is refused with its kind.
function refuseOffBranch(map: RevisionMap, { revision, branch, named }: DowngradeTarget): void {
  if (branch === undefined) return
  const line = map.lineage([branchRevision(map, branch)])
  if (!named || revision === BASE || line.has(revision)) return
  throw notOnBranch(`${branch}@${revision}`, revision, branch)
}

function notBelow(target: string, rows: readonly string[]): CommandError {
  return new CommandError(
    'RangeNotAncestor',
    `Destination ${shown(target)} is not a valid downgrade target from current head(s) ${listed(rows)}; ` +
      'name a revision they descend from (run history to list them), or base',
  )
}
