import { describe, expect, test } from 'vitest'
import { branchLabels } from '../../lambda/revisions/branch-labels.ts'
import { mapOf } from './graph-text.ts'

/** `id:labels` for every revision that has any. */
function labelled(text: string): string[] {
  const sets = [...branchLabels(mapOf(text))].filter(([, labels]) => labels.size > 0)
  return sets.map(([id, labels]) => `${id}:${[...labels].sort().join(',')}`)
}

describe('branchLabels', () => {
  test.each([
    ['a plain line, both ways', 'a1\na2 < a1 @x\na3 < a2', ['a1:x', 'a2:x', 'a3:x']],
    [
      'a plain line with several labels',
      'a1 @one @uno\na2 < a1 @two',
      ['a1:one,two,uno', 'a2:one,two,uno'],
    ],
    [
      'all above, when there is a fork above',
      'a1\na2 < a1 @x\nb1 < a2\nc1 < a2',
      ['a2:x', 'b1:x', 'c1:x'],
    ],
    ['only above a fork', 'root\na1 < root\na2 < a1 @x\nb1 < root', ['a1:x', 'a2:x']],
    [
      'beyond a merge point above, but not below',
      'l1 @x\nr1\nm1 < l1, r1\nn1 < m1 @y',
      ['l1:x', 'm1:x', 'n1:x,y'],
    ],
    [
      'nothing below when something above has a second dependent',
      'a1\na2 < a1 @x\na3 < a2\nd1 + a3\nd2 + a3',
      ['a2:x', 'a3:x'],
    ],
    ['not what depends on it', 'a1 @x\nd1 + a1', ['a1:x']],
  ])('covers %s', (_case, text, expected) => {
    expect(labelled(text)).toEqual(expected)
  })
})
