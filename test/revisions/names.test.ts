import { describe, expect, test } from 'vitest'
import {
  branchFilter,
  branchRevision,
  revisionNamed,
  revisionsNamed,
  splitBranch,
} from '../../lambda/revisions/names.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { errorOf, mapOf, outcome } from './graph-text.ts'

const two = mapOf(`
  a1aa @alpha
  a2aa < a1aa
  b1bb @beta
  b2bb < b1bb
`)
const fork = mapOf('root\nleft1 < root @left\nleft2 < left1\nrite1 < root @right')
const effective = mapOf('a1aa @alpha\na2aa < a1aa\nb1bb @beta\nb2bb < b1bb + a2aa')
const partial = mapOf(`
  abcdef01 @shipping
  abcdee02 < abcdef01
  shipx999 < abcdee02
  abc < shipx999
`)

describe('splitBranch', () => {
  test.each([
    ['a1', undefined, 'a1'],
    ['alpha@head', 'alpha', 'head'],
    ['a@b@c', 'a', 'b@c'],
    ['@head', undefined, 'head'],
    ['alpha@', 'alpha', ''],
  ])('splits %j at the first @', (text, branch, name) => {
    expect(splitBranch(text)).toEqual({ branch, name })
  })
})

describe('revisionsNamed', () => {
  test.each([
    ['base', []],
    ['heads', ['a2aa', 'b2bb']],
    ['head', 'error MultipleHeads'],
    ['alpha@head', ['a2aa']],
    ['alpha@heads', ['a2aa']],
    ['alpha@base', []],
    ['nosuch@base', []],
    ['a2aa@head', ['a2aa']],
    ['@heads', ['a2aa', 'b2bb']],
    ['a1aa', ['a1aa']],
    ['alpha', ['a1aa']],
    ['alpha@a2aa', ['a2aa']],
    ['alpha@alpha', ['a1aa']],
    ['beta@a2aa', 'error NotOnBranch'],
    ['beta@alpha', 'error NotOnBranch'],
    ['nosuch', 'error RevisionNotFound'],
    ['nosuch@a1aa', 'error NoSuchBranch'],
    ['nosuch@head', 'error RevisionNotFound'],
    ['', 'error RevisionNotFound'],
    ['alpha@', 'error RevisionNotFound'],
    ['HEAD', 'error RevisionNotFound'],
    ['A1AA', 'error RevisionNotFound'],
    ['-1', 'error RevisionNotFound'],
    ['a1aa+1', 'error RevisionNotFound'],
  ])('reads %j in two lines', (text, expected) => {
    expect(outcome(() => revisionsNamed(two, text))).toEqual(expected)
  })

  test.each([
    ['heads', ['b2bb']],
    ['head', 'error MultipleHeads'],
    ['alpha@head', ['a2aa']],
    ['alpha@heads', ['a2aa']],
  ])('%j: an effective head is a head, but not a real one', (text, expected) => {
    expect(outcome(() => revisionsNamed(effective, text))).toEqual(expected)
  })

  test.each([
    ['left@root', ['root']],
    ['left@rite1', 'error NotOnBranch'],
    ['root@head', 'error MultipleHeads'],
    ['root@heads', ['left2', 'rite1']],
    ['right@head', ['rite1']],
  ])('%j: what is below a fork is on both branches', (text, expected) => {
    expect(outcome(() => revisionsNamed(fork, text))).toEqual(expected)
  })

  test.each([
    ['abcdef', ['abcdef01']],
    ['shipx', ['shipx999']],
    ['shipp', ['abcdef01']],
    ['s', 'error AmbiguousPrefix'],
    ['ship', 'error AmbiguousPrefix'],
    ['abcd', 'error AmbiguousPrefix'],
    ['abc', ['abc']],
    ['ab', 'error AmbiguousPrefix'],
    ['abcx', 'error RevisionNotFound'],
    ['shipp@head', ['abc']],
  ])('%j: the beginning of one id or label of four or more characters', (text, expected) => {
    expect(outcome(() => revisionsNamed(partial, text))).toEqual(expected)
  })

  test('a short id is not completed, and one letter is enough for a longer one', () => {
    expect(outcome(() => revisionsNamed(mapOf('xyz'), 'xy'))).toBe('error RevisionNotFound')
    expect(revisionsNamed(mapOf('wxyz'), 'w')).toEqual(['wxyz'])
  })

  test('an id and the label of the same revision are ambiguous too', () => {
    expect(outcome(() => revisionsNamed(mapOf('shop1 @shopping'), 'shop'))).toBe(
      'error AmbiguousPrefix',
    )
  })

  test('only what is on the branch completes a name after BRANCH@', () => {
    const map = mapOf('shop1 @alpha\nshop2 @beta')
    expect(outcome(() => revisionsNamed(map, 'shop'))).toBe('error AmbiguousPrefix')
    expect(revisionsNamed(map, 'beta@shop')).toEqual(['shop2'])
  })

  test.each(['head', 'heads', 'base', 'nosuch@head'])('an empty directory has no %s', (text) => {
    expect(revisionsNamed(new RevisionMap([]), text)).toEqual([])
  })
})

describe('revisionNamed', () => {
  test.each([
    ['base', 'base'],
    ['alpha@base', 'base'],
    ['alpha@head', 'a2aa'],
    ['heads', 'error MultipleHeads'],
  ])('reads %j as one revision or base', (text, expected) => {
    expect(outcome(() => revisionNamed(two, text))).toBe(expected)
  })
})

describe('a branch', () => {
  test.each([
    ['alpha', 'a1aa'],
    ['a2aa', 'a2aa'],
    ['a2', 'a2aa'],
    ['nosuch', 'error NoSuchBranch'],
    ['head', 'error NoSuchBranch'],
  ])('%j is the revision that carries the label, or has the id', (branch, expected) => {
    expect(outcome(() => branchRevision(two, branch))).toBe(expected)
  })

  test('filters by the line, and is not looked up when there is nothing to filter', () => {
    expect(branchFilter(two, 'alpha')(['a1aa', 'a2aa', 'b1bb'])).toEqual(['a1aa', 'a2aa'])
    expect(branchFilter(two, undefined)(['a1aa', 'b1bb'])).toEqual(['a1aa', 'b1bb'])
    expect(branchFilter(two, 'nosuch')([])).toEqual([])
    expect(outcome(() => branchFilter(two, 'nosuch')(['a1aa']))).toBe('error RevisionNotFound')
  })
})

describe('what is not found is said in one line with the fix', () => {
  test.each([
    [
      'nosuch',
      "Can't locate revision identified by 'nosuch'; known heads are a2aa, b2bb; run history to list all",
    ],
    [
      'nosuch@a1aa',
      "Can't locate revision identified by 'nosuch': there is no such branch; branch labels are alpha, beta; an id does as well",
    ],
    [
      'beta@a2aa',
      "Can't locate revision identified by 'a2aa': revision a2aa is not on branch 'beta'; leave out 'beta@' or name a revision of that branch",
    ],
    [
      'head',
      "Multiple head revisions are present for given argument 'head': a2aa, b2bb; name one of them, or its branch as in 'LABEL@head', or say 'heads' for all, or merge them",
    ],
  ])('%s', (text, message) => {
    expect(errorOf(() => revisionsNamed(two, text)).message).toBe(message)
  })

  test('an ambiguous beginning', () => {
    expect(errorOf(() => revisionsNamed(partial, 'abcd')).message).toBe(
      "Can't locate revision identified by 'abcd': abcdef01, abcdee02 begin with it; " +
        'type more of the one you mean',
    )
  })
})
