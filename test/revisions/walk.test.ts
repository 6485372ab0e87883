import { describe, expect, test } from 'vitest'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { walk } from '../../lambda/revisions/walk.ts'
import { errorOf, lineOf, mapOf, outcome } from './graph-text.ts'

const map = mapOf(`
  root
  left1 < root @left
  left2 < left1
  rite1 < root @right
  merge < left2, rite1
  after < merge
  beta1 @beta
  beta2 < beta1 + after
`)

describe('walk', () => {
  test.each([
    ['left1', 1, undefined, 'left2'],
    ['left1', 3, undefined, 'after'],
    ['left1', 0, undefined, 'left1'],
    ['after', 1, undefined, undefined],
    ['root', 1, undefined, 'error AmbiguousWalk'],
    ['root', 1, 'right', 'rite1'],
    ['root', 4, 'left', 'after'],
    ['base', 1, undefined, 'error AmbiguousWalk'],
    ['base', 2, 'beta', 'beta2'],
    ['base', 1, 'left', 'root'],
    ['root', 1, 'nosuch', 'error RevisionNotFound'],
    ['root', 1, 'beta', undefined],
    ['after', -1, undefined, 'merge'],
    ['after', -2, undefined, 'error AmbiguousWalk'],
    ['left2', -2, undefined, 'root'],
    ['left2', -3, undefined, 'base'],
    ['left2', -4, undefined, undefined],
    ['beta2', -2, undefined, 'base'],
    ['base', -1, undefined, undefined],
    ['base', 0, undefined, 'base'],
  ])('from %s by %i on branch %s comes to %s', (start, steps, branch, end) => {
    expect(outcome(() => walk(map, start, steps, { branch }))).toBe(end)
  })

  test.each([
    ['left1', 99, 'after'],
    ['beta1', 1e30, 'beta2'],
    ['left2', -99, 'base'],
    ['base', -1, 'base'],
  ])('stops at the end from %s by %d, when told so', (start, steps, end) => {
    expect(walk(map, start, steps, { stopAtEnd: true })).toBe(end)
  })

  test('says where it does not know the way', () => {
    expect(errorOf(() => walk(map, 'root', 2)).message).toBe(
      "Ambiguous walk: up from root there are left1, rite1; name a branch as in 'LABEL@+1', " +
        'or the revision you mean',
    )
    expect(errorOf(() => walk(map, 'merge', -1)).message).toBe(
      'Ambiguous walk: down from merge there are left2, rite1; name the revision you mean',
    )
  })

  test('goes a long way on a branch in no time', () => {
    const line = new RevisionMap(lineOf(20_000))
    expect(walk(line, 'base', 20_000, { branch: 'r100' })).toBe('r19999')
  })
})
