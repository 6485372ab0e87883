import { CommandError } from '../errors.ts'
import { branchLabels } from './branch-labels.ts'
import { BASE } from './identifiers.ts'
import { listed, shown } from './listed.ts'
import { branchFilter, revisionNamed, revisionsNamed, splitBranch } from './names.ts'
import type { RevisionMap } from './revision-map.ts'
import { currentRevisions, refuseUnknownRows } from './version-rows.ts'
import { walk } from './walk.ts'

/** What a relative upgrade target counts from: the version rows, or the lower end of a range. */
export interface Origin {
  all(): readonly string[]
  /** The only one of them, or `base`. */
  single(): string
}

export function rowsAsOrigin(map: RevisionMap, rows: readonly string[]): Origin {
  const all = () => {
    refuseUnknownRows(map, rows)
    return rows
  }
  const single = () => {
    if (rows.length > 1) throw ambiguousUpgrade(rows)
    return all()[0] ?? BASE
  }
  return { all, single }
}

/**
 * The revisions an upgrade target stands for: a name, `+N`, `BRANCH@+N`, `NAME+N` or `NAME-N`.
 *
 * With `stopAtEnd` a walk off the end stops there, as the upper end of a history range does.
 */
export function upgradeTargets(
  map: RevisionMap,
  target: string,
  origin: Origin,
  stopAtEnd = false,
): string[] {
  const relative = parseRelative(target)
  if (relative === undefined) return revisionsNamed(map, target)
  const { branch, symbol, steps } = relative
  let start: string
  if (symbol !== undefined) {
    // Upwards the branch chooses the way, downwards it has to hold the start.
    start = revisionNamed(map, steps > 0 || branch === undefined ? symbol : `${branch}@${symbol}`)
  } else if (steps > 0) {
    start = branch === undefined ? origin.single() : tipOnBranch(map, origin.all(), branch)
  } else {
    throw outOfRange(target, steps, 'an upgrade counts up from what is applied, as in +1')
  }
  const end = walk(map, start, steps, { branch, stopAtEnd })
  if (end === undefined || end === BASE) throw outOfRange(target, steps, tooFar(start))
  return [end]
}

export interface DowngradeTarget {
  /** What is to be the last one applied, or `base`. */
  readonly revision: string
  /** Where several ways lead down to it, only this branch is unwound. */
  readonly branch: string | undefined
  /** Whether the branch was typed before a name, which then has to be on it. */
  readonly named: boolean
}

/** What a downgrade target stands for: a name, `-N`, `BRANCH@-N`, `NAME-N` or `NAME+N`. */
export function downgradeTarget(
  map: RevisionMap,
  target: string,
  rows: readonly string[],
): DowngradeTarget {
  const relative = parseRelative(target)
  if (relative === undefined) {
    const at = target.lastIndexOf('@')
    const branch = target.slice(0, Math.max(at, 0)) || undefined
    return { revision: revisionNamed(map, target.slice(at + 1)), branch, named: true }
  }
  const { branch, symbol, steps } = relative
  if (symbol === undefined) return belowRows(map, target, relative, rows)
  const start = revisionNamed(
    map,
    steps >= 0 || branch === undefined ? symbol : `${branch}@${symbol}`,
  )
  const revision = walk(map, start, steps, { branch })
  // `base+0` goes nowhere, and nobody means to remove everything by it.
  const isLost = revision === undefined || (revision === BASE && steps >= 0)
  if (isLost) throw outOfRange(target, steps, tooFar(start))
  return { revision, branch, named: false }
}

/**
 * A name where there are no rows to count from: as `revisionsNamed`, and `[LABEL@]-N` is N steps
 * down from every real head (that has the label). Undefined is below `base`.
 */
export function placesNamed(map: RevisionMap, text: string): (string | undefined)[] {
  const { branch, name } = splitBranch(text)
  const steps = /^-\d+$/.test(name) ? Number(name) : 0
  if (steps === 0) return revisionsNamed(map, text)
  const labels = branch === undefined ? undefined : branchLabels(map)
  const hasLabel = (id: string) => branch === undefined || labels?.get(id)?.has(branch) === true
  return map.realHeads.filter(hasLabel).map((head) => walk(map, head, steps))
}

export function outOfRange(target: string, steps: number, why: string): CommandError {
  const count = Math.abs(steps)
  return new CommandError(
    'RelativeOutOfRange',
    `Relative revision ${shown(target)} didn't produce ${count} migrations: ${why}`,
  )
}

interface Relative {
  readonly branch: string | undefined
  readonly symbol: string | undefined
  readonly steps: number
}

function parseRelative(target: string): Relative | undefined {
  const match = /^(?:([^@]+)@)?([\p{L}\p{N}_]+)?([+-]\d+)$/u.exec(target)
  return match === null
    ? undefined
    : { branch: match[1], symbol: match[2], steps: Number(match[3]) }
}

function tipOnBranch(map: RevisionMap, rows: readonly string[], branch: string): string {
  const onBranch = branchFilter(map, branch)
  let tips = onBranch(rows)
  if (tips.length === 0) {
    const applied = onBranch(map.inFileOrder(map.ancestors(rows)))
    const below = new Set(applied.flatMap((id) => map.effectiveParents(id)))
    tips = applied.filter((id) => !below.has(id))
  }
  if (tips.length > 1) throw ambiguousUpgrade(tips)
  return tips[0] ?? BASE
}

function belowRows(
  map: RevisionMap,
  target: string,
  { branch, steps }: Relative,
  rows: readonly string[],
): DowngradeTarget {
  if (steps >= 0) {
    throw outOfRange(target, steps, 'a downgrade counts down from what is applied, as in -1')
  }
  const starts = branch === undefined ? rows : rowsOnBranch(map, rows, branch)
  const [start] = starts
  if (start === undefined) {
    const where = branch === undefined ? '' : ` of branch '${shown(branch)}'`
    throw outOfRange(target, steps, `nothing${where} is applied`)
  }
  // Alembic reads that row as the BRANCH to unwind, and names its error accordingly.
  refuseUnknownRows(map, [start], branch === undefined ? 'NoSuchBranch' : undefined)
  const revision = walk(map, start, steps)
  if (revision === undefined) throw outOfRange(target, steps, tooFar(start))
  if (starts.length > 1) {
    refuseUnknownRows(map, rows)
    throw new CommandError(
      'AmbiguousDowngrade',
      `Ambiguous downgrade ${shown(target)} from multiple current revisions ${listed(starts)}; ` +
        "name the revision to go down to, or a branch as in 'LABEL@-1'",
    )
  }
  return { revision, branch: branch ?? start, named: false }
}

function rowsOnBranch(map: RevisionMap, rows: readonly string[], branch: string): string[] {
  const onBranch = branchFilter(map, branch)
  const current = currentRevisions(map, rows)
  const found = onBranch(rows)
  return found.length > 0 ? found : onBranch(current)
}

function ambiguousUpgrade(starts: readonly string[]): CommandError {
  return new CommandError(
    'AmbiguousUpgrade',
    `Ambiguous upgrade from multiple current revisions ${listed(starts)}; ` +
      "name the revision to go up to, or a branch as in 'LABEL@+1'",
  )
}

function tooFar(start: string): string {
  return `that walks too far from ${start}; run history to see how far it goes`
}
