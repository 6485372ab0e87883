import type { Revision } from '../../lambda/revisions/revision.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { planUpgrade } from '../../lambda/revisions/upgrade-plan.ts'

/** Revisions in `branches` lines that all begin at the first one. */
function revisionsIn(count: number, branches: number): Revision[] {
  const idOf = (i: number) => `rev${String(i).padStart(6, '0')}`
  return Array.from({ length: count }, (_, i) => ({
    revision: idOf(i),
    downRevision: i === 0 ? null : idOf(Math.max(0, i - branches)),
    doc: `revision ${i}`,
    upgrade: async () => {},
    downgrade: null,
  }))
}

const made = new Map<string, Revision[]>()

/** Links the graph and plans the upgrade of an empty database to all heads; the revisions were made before. */
export function plan(count: number, branches: number): number {
  const revisions = made.get(`${count}/${branches}`) ?? []
  const map = new RevisionMap(revisions)
  const steps = planUpgrade(map, [], 'heads').steps([])
  if (steps.length !== count) throw new Error(`${steps.length} of ${count} are planned`)
  return steps.length
}

for (const text of (process.env.BENCH_PLANS ?? '').split(' ')) {
  const [count = 0, branches = 0] = text.split('/').map(Number)
  made.set(text, revisionsIn(count, branches))
}
