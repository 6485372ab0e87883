import { CommandError } from '../errors.ts'
import { branchLabels } from './branch-labels.ts'
import { BASE } from './identifiers.ts'
import { listed, shown } from './listed.ts'
import { revisionNamed, splitBranch } from './names.ts'
import type { RevisionMap } from './revision-map.ts'
import type { Origin } from './targets.ts'
import { outOfRange, placesNamed, rowsAsOrigin, upgradeTargets } from './targets.ts'
import { refuseOverlap } from './version-rows.ts'
import { walk } from './walk.ts'

/**
 * The revisions of `history -r LOWER:UPPER`, newest first.
 *
 * An empty LOWER is `base`, an empty UPPER `heads`; `current` on one side stands for the rows. From
 * `base` the dependencies are listed too, from a revision only its versioned descendants.
 *
 * @throws CommandError HistoryRangeSyntax, RangeNotAncestor and what the names and walks throw
 */
export function historyRevisions(
  map: RevisionMap,
  range: string,
  rows: readonly string[],
): string[] {
  const { lower, upper } = endsOf(range, rows)
  const origin = lower.rows ? rowsAsOrigin(map, lower.rows) : namesAsOrigin(map, lower.text)
  const targets = upper.rows
    ? rowsAsOrigin(map, upper.rows).all()
    : upgradeTargets(map, upper.text, origin, true)
  const tops = onBranchOfLower(map, lower.text, targets)
  refuseOverlap(map, tops, 'target')
  const within = map.ancestors(tops)
  const places: readonly (string | undefined)[] = lower.rows
    ? origin.all()
    : placesNamed(map, lower.text)
  if (places.some((place) => place !== undefined && !within.has(place))) throw notInLine(range)
  const start = places.includes(undefined)
    ? belowUpper(map, lower.text, upper, tops, places)
    : places.filter((place) => place !== undefined)
  if (start.length === 0) return map.oldestFirst(within).reverse()
  refuseOverlap(map, start, 'target')
  const above = [...map.descendants(start, 'versioned')].filter((id) => within.has(id))
  return map.oldestFirst(new Set(above)).reverse()
}

interface End {
  readonly text: string
  /** Instead of the text: the rows, where `current` was typed and there are any. */
  readonly rows?: readonly string[]
}

function endsOf(range: string, rows: readonly string[]): { lower: End; upper: End } {
  const [lower = '', upper, ...others] = range.trim().split(':')
  if (upper === undefined || others.length > 0) {
    throw new CommandError(
      'HistoryRangeSyntax',
      `History range requires [start]:[end], [start]:, or :[end], and not '${shown(range)}'; ` +
        "'base:heads' lists all",
    )
  }
  if (upper !== 'current' && lower !== 'current') {
    return { lower: { text: lower || BASE }, upper: { text: upper || 'heads' } }
  }
  const current = rows.length > 0 ? { rows } : {}
  return upper === 'current'
    ? { lower: { text: lower || BASE }, upper: { text: 'heads', ...current } }
    : { lower: { text: BASE, ...current }, upper: { text: upper || 'heads' } }
}

function namesAsOrigin(map: RevisionMap, text: string): Origin {
  return {
    all: () =>
      placesNamed(map, text)
        .filter((place) => place !== undefined)
        .filter((id) => map.has(id)),
    single: () => revisionNamed(map, text),
  }
}

/** With `BRANCH@` in the lower end, only the targets whose branch labels hold BRANCH count. */
function onBranchOfLower(
  map: RevisionMap,
  lower: string,
  targets: readonly string[],
): readonly string[] {
  const { branch } = splitBranch(lower)
  if (branch === undefined) return targets
  const revision = revisionNamed(map, branch)
  const labels = branchLabels(map)
  const ofRevision = [...(labels.get(revision) ?? [])]
  const [label = branch] = revision === branch ? ofRevision : []
  if (revision === branch && ofRevision.length !== 1) {
    throw new CommandError(
      'NoSuchBranch',
      `Can't locate revision identified by '${shown(branch)}@': revision ${branch} has the branch labels ` +
        `${listed(ofRevision)}, and a range needs exactly one; begin the range with a label`,
    )
  }
  return targets.filter((target) => labels.get(target)?.has(label))
}

/**
 * Where `-N` in the lower end is when it falls below `base` from the first head: Alembic then counts
 * from the upper end instead, if that is a revision, and lists from `base` if it falls again.
 */
function belowUpper(
  map: RevisionMap,
  lower: string,
  upper: End,
  tops: readonly string[],
  places: readonly (string | undefined)[],
): string[] {
  const steps = Number(splitBranch(lower).name)
  const [top] = tops
  if (places[0] !== undefined || top === undefined) {
    throw outOfRange(lower, steps, 'some heads are nearer to base; begin the range with a revision')
  }
  if (upper.rows === undefined && !isWholeName(upper.text)) {
    const isOnBranch = `${lower}${upper.text}`.includes('@')
    const kind = tops.length > 1 ? 'MultipleHeads' : 'NoSuchBranch'
    throw new CommandError(
      isOnBranch ? 'RevisionNotFound' : kind,
      `Can't locate revision identified by '${shown(lower)}': it goes below base, and from the upper end ` +
        `'${shown(upper.text)}' it cannot be counted; end the range with a revision, or begin it with base`,
    )
  }
  const place = walk(map, top, steps, { stopAtEnd: true })
  return place === undefined || place === BASE ? [] : [place]
}

/** Whether an upper end is just an id, a label or the beginning of one. */
function isWholeName(text: string): boolean {
  return text !== 'head' && text !== 'heads' && !/[@+-]/.test(text)
}

function notInLine(range: string): CommandError {
  return new CommandError(
    'RangeNotAncestor',
    `Requested range ${shown(range)} does not refer to ancestor/descendant revisions along the same ` +
      'branch; begin it with a revision that its end descends from, or with base',
  )
}
