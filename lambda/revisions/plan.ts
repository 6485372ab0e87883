import { CommandError } from '../errors.ts'
import { shown } from './listed.ts'
import type { RevisionMap } from './revision-map.ts'
import { rowsOf } from './version-rows.ts'

export type Direction = 'upgrade' | 'downgrade'

/** One revision to run, and what the version table holds before and after it. */
export interface Step {
  readonly revision: string
  readonly direction: Direction
  readonly rowsBefore: readonly string[]
  readonly rowsAfter: readonly string[]
}

/** A target that was understood once, so that planning again from other rows keeps the goal. */
export interface Plan {
  readonly direction: Direction
  /** The revisions the target stood for; none means `base`. */
  readonly goal: readonly string[]
  /**
   * What is left to do from these rows: nothing when the goal is reached.
   *
   * @throws CommandError RevisionNotFound for unknown rows, OverlappingRevisions for rows of which
   * one includes another
   */
  steps(rows: readonly string[]): Step[]
}

/** Puts revisions that may run in this order into steps; `applied` is what was applied before. */
export function stepsFrom(
  map: RevisionMap,
  applied: ReadonlySet<string>,
  order: readonly string[],
  direction: Direction,
): Step[] {
  // How many applied revisions rest directly on each one: it is a row as long as none does.
  const resting = new Map<string, number>()
  const rest = (id: string, change: 1 | -1): 'row changes' | 'stays' => {
    const before = resting.get(id) ?? 0
    resting.set(id, before + change)
    return before === 0 || before + change === 0 ? 'row changes' : 'stays'
  }
  for (const id of applied) for (const parent of map.entry(id).parents) rest(parent, 1)
  let rowsBefore: readonly string[] = rowsOf(map, applied)
  return order.map((revision) => {
    const { parents } = map.entry(revision)
    const change = direction === 'upgrade' ? 1 : -1
    const changing = parents.filter((parent) => rest(parent, change) === 'row changes')
    const [leaving, coming] =
      direction === 'upgrade' ? [changing, [revision]] : [[revision], changing]
    const staying = rowsBefore.filter((row) => !leaving.includes(row))
    const rowsAfter = map.inFileOrder(staying.concat(coming))
    const step = { revision, direction, rowsBefore, rowsAfter }
    rowsBefore = rowsAfter
    return step
  })
}

/** Refuses `a:b`, which is for offline mode and history. */
export function refuseRange(target: string): void {
  if (!target.includes(':')) return
  throw new CommandError(
    'RangeNotAllowed',
    `Range revision not allowed: '${shown(target)}'; name one target, or use --sql for a range`,
  )
}
