import { describe, expect, test } from 'vitest'
import type { RevisionNode } from '../../lambda/revisions/revision-graph.ts'
import { linkGraph } from '../../lambda/revisions/revision-graph.ts'
import { errorOf, lineOf, nodesOf } from './graph-text.ts'

const refused: [string, string, string][] = [
  ['two revisions with one id', 'a1\nx1\nb1 < a1\nb1 < x1', 'DuplicateRevision'],
  ['a revision that is its own down revision', 'a1\nb1 < b1', 'LoopDetected'],
  ['a revision among its several down revisions', 'a1\nb1 < a1, b1', 'LoopDetected'],
  ['a revision that depends on itself', 'a1\nb1 < a1 + b1', 'DependencyLoopDetected'],
  ['a cycle without base and head', 'a1 < b1\nb1 < a1', 'CycleDetected'],
  ['a cycle between a base and a head', 'a1\nb1 < a1, c1\nc1 < b1\nd1 < c1', 'CycleDetected'],
  ['a cycle beside a healthy line', 'ok1\nok2 < ok1\na1 < b1\nb1 < a1', 'CycleDetected'],
  ['a cycle over dependencies', 'a1 + b2\na2 < a1\nb1 + a2\nb2 < b1', 'DependencyCycleDetected'],
  ['a cycle of dependencies only', 'a1 + b1\nb1 + a1', 'DependencyCycleDetected'],
  [
    'a cycle over down revisions before one over dependencies',
    'a1 + b1\nb1 + a1\nc1 < d1\nd1 < c1',
    'CycleDetected',
  ],
  ['an unknown down revision', 'a1\nm1 < a1, gone1', 'MissingDownRevision'],
  ['an unknown dependency', 'a1\nb1 + gone1', 'UnknownDependency'],
  ['a dependency on part of an id', 'aaaa1111\nbbbb + aaaa', 'UnknownDependency'],
  ['a dependency on head', 'a1\nb1 + head', 'UnknownDependency'],
  ['a label used twice', 'a1 @shop\nb1 < a1 @shop', 'DuplicateBranchLabel'],
  ['a label that is the id of another revision', 'a1 @b1\nb1', 'DuplicateBranchLabel'],
  ['a label that is its own id', 'a1 @a1', 'DuplicateBranchLabel'],
  ['an id that is a symbol', 'head\nbase < head', 'IllegalRevisionId'],
  ['a label that is a symbol', 'a1 @heads', 'IllegalRevisionId'],
  ['an id with a character of the target grammar', 'a1\na:b < a1', 'IllegalRevisionId'],
]

describe('linkGraph', () => {
  test.each(refused)('refuses %s', (_case, text, kind) => {
    const error = errorOf(() => linkGraph(nodesOf(text)))
    expect(error.kind).toBe(kind)
    expect(error.message).not.toContain('\n')
  })

  test('names both files of a duplicate id, or else what each follows', () => {
    const twice = (file?: string): RevisionNode => ({ revision: 'b1', downRevision: null, file })
    expect(errorOf(() => linkGraph([twice('m/b1_a.ts'), twice('m/b1_b.ts')])).message).toBe(
      'Revision b1 is present more than once: m/b1_a.ts and m/b1_b.ts; give one of them another id',
    )
    expect(errorOf(() => linkGraph(nodesOf('a1\nb1\nb1 < a1'))).message).toContain(
      'the one after base and the one after a1',
    )
  })

  test('names the unknown down revision and who refers to it', () => {
    const nodes = [{ revision: 'b1', downRevision: 'gone1', file: 'm/b1_b.ts' }]
    expect(errorOf(() => linkGraph(nodes)).message).toBe(
      "Revision 'gone1' referenced from downRevision of b1 (m/b1_b.ts) is not present; " +
        'add its file, or give the whole id of a revision of this directory',
    )
  })

  test('names the revisions of a cycle in its order, and only them', () => {
    const text = 'a1\nb1 < a1, d1\nc1 < b1\nd1 < c1\ne1 < d1'
    expect(errorOf(() => linkGraph(nodesOf(text))).message).toContain(
      'Cycle is detected in revisions (d1, c1, b1): by downRevision',
    )
  })

  test('refuses a forgotten downRevision instead of taking it for a base', () => {
    const forgotten = { revision: 'a1' } as RevisionNode
    expect(errorOf(() => linkGraph([forgotten])).message).toBe(
      'Revision a1 has no downRevision; give the id it follows, or null for a base',
    )
  })

  test('takes a single string where a list is meant, as files without types have it', () => {
    const nodes: unknown = [
      { revision: 'a1', downRevision: null, branchLabels: 'alpha' },
      { revision: 'b1', downRevision: null, dependsOn: 'alpha' },
    ]
    const { entries, labelOwners } = linkGraph(nodes as RevisionNode[])
    expect(labelOwners.get('alpha')).toBe('a1')
    expect(entries.get('b1')?.dependsOn).toEqual(['a1'])
  })

  test('links parents and children, labels resolved and repetitions left out', () => {
    const { entries } = linkGraph(nodesOf('a1 @alpha\na2 < a1\nb1 < a1, a1 + alpha, a2, a1'))
    expect(entries.get('b1')).toEqual({
      id: 'b1',
      index: 2,
      down: ['a1'],
      dependsOn: ['a1', 'a2'],
      parents: ['a1', 'a2'],
      children: [],
      allChildren: [],
    })
    expect(entries.get('a1')).toMatchObject({ children: ['a2', 'b1'], allChildren: ['a2', 'b1'] })
    expect(entries.get('a2')).toMatchObject({ children: [], allChildren: ['b1'] })
  })

  test('orders a directory line by line, the line of the last head first', () => {
    const text =
      'after < merge\nmerge < left2, rite1\nrite1 < root\nleft2 < left1\nleft1 < root\nroot'
    const order = ['root', 'rite1', 'left1', 'left2', 'merge', 'after']
    expect(linkGraph(nodesOf(text)).oldestFirst).toEqual(order)
    const lines = linkGraph(nodesOf('a1\nb1\na2 < a1\nb2 < b1'))
    expect(lines.oldestFirst).toEqual(['b1', 'b2', 'a1', 'a2'])
  })

  test('finds a cycle of 100,000 revisions', () => {
    const [, ...rest] = lineOf(100_000)
    const closed = [{ revision: 'r0', downRevision: 'r99999' }, ...rest]
    const error = errorOf(() => linkGraph(closed))
    expect(error.kind).toBe('CycleDetected')
    expect(error.message.length).toBeLessThan(400)
  })
})
