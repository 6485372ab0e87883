/**
 * Every id that can be reached from `starts`, each after all of its parents.
 *
 * Depth first, the last start and the last parent first: a line of revisions stays together, and the
 * order is nearly always Alembic's. `onCycle` gets the ids of a cycle, each followed by its parent.
 */
export function parentsFirst(
  starts: readonly string[],
  parentsOf: (id: string) => readonly string[],
  onCycle?: (cycle: string[]) => never,
): string[] {
  const order: string[] = []
  const isDone = new Map<string, boolean>()
  // A stack of our own: a line of 100,000 revisions would overflow the call stack.
  const path: string[] = []
  const parentsOnPath: (readonly string[])[] = []
  const parentsLeft: number[] = []
  const enter = (id: string): void => {
    const parents = parentsOf(id)
    isDone.set(id, false)
    path.push(id)
    parentsOnPath.push(parents)
    parentsLeft.push(parents.length)
  }
  for (const start of starts.toReversed()) {
    if (!isDone.has(start)) enter(start)
    for (let id = path.at(-1); id !== undefined; id = path.at(-1)) {
      const left = (parentsLeft.pop() ?? 0) - 1
      const parent = parentsOnPath.at(-1)?.[left]
      if (parent === undefined) {
        order.push(id)
        isDone.set(id, true)
        path.pop()
        parentsOnPath.pop()
        continue
      }
      parentsLeft.push(left)
      const parentIsDone = isDone.get(parent)
      if (parentIsDone === undefined) enter(parent)
      else if (!parentIsDone) onCycle?.(path.slice(path.indexOf(parent)))
    }
  }
  return order
}
