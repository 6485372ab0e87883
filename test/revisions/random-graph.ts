import fc from 'fast-check'
import type { RevisionNode } from '../../lambda/revisions/revision-graph.ts'

const LABELS = ['alpha', 'beta', 'gamma', 'delta', 'epsilon']

/** Directories of 1 to 12 revisions with forks, merges, dependencies and labels, in any file order. */
export const directories: fc.Arbitrary<RevisionNode[]> = fc
  .array(
    fc.record({
      down: fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 5, arbitrary: fc.tuple(fc.nat(3)) },
        { weight: 2, arbitrary: fc.array(fc.nat(20), { maxLength: 3 }) },
      ),
      dependsOn: fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(fc.nat(20), { maxLength: 3 }) },
      ),
      isLabelled: fc.boolean(),
      fileOrder: fc.nat(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((drafts) => {
    const idOf = (index: number) => `rev${index.toString().padStart(2, '0')}`
    // Only earlier ones are named, so that there is no cycle; 0 is the one just before.
    const earlier = (index: number, backs: readonly number[]) =>
      index === 0 ? [] : [...new Set(backs.map((back) => idOf(index - 1 - (back % index))))]
    const nodes = drafts.map(({ down, dependsOn, isLabelled, fileOrder }, index) => ({
      revision: idOf(index),
      downRevision: earlier(index, down),
      dependsOn: earlier(index, dependsOn),
      branchLabels: isLabelled ? LABELS.slice(index, index + 1) : [],
      fileOrder,
    }))
    return nodes.sort((a, b) => a.fileOrder - b.fileOrder)
  })

/** A directory, some of its revisions and a few whole numbers to make targets of. */
export const situations = directories.chain((nodes) => {
  const ids = nodes.map((node) => node.revision)
  return fc.record({
    nodes: fc.constant(nodes),
    some: fc.subarray(ids),
    others: fc.subarray(ids, { minLength: 1 }),
    target: targetsFor(nodes),
  })
})

/** Target texts of every form for a directory, sensible ones and others. */
export function targetsFor(nodes: readonly RevisionNode[]): fc.Arbitrary<string> {
  const names = nodes.flatMap((node) => [node.revision, ...(node.branchLabels ?? [])])
  const name = fc.constantFrom(...names)
  const symbol = fc.constantFrom('head', 'heads', 'base', 'nosuch', 'rev0')
  const anyName = fc.oneof({ weight: 3, arbitrary: name }, { weight: 1, arbitrary: symbol })
  const steps = fc.tuple(fc.constantFrom('+', '-'), fc.nat(4)).map(([sign, n]) => `${sign}${n}`)
  const move = fc.oneof(
    steps,
    fc.tuple(anyName, steps).map(([from, step]) => from + step),
  )
  const plain = fc.oneof(anyName, move)
  return fc.oneof(
    plain,
    fc.tuple(name, plain).map(([branch, rest]) => `${branch}@${rest}`),
  )
}
