import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CommandError } from '../../lambda/errors.ts'
import { planDowngrade } from '../../lambda/revisions/downgrade-plan.ts'
import { historyRevisions } from '../../lambda/revisions/history-range.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { stampRows } from '../../lambda/revisions/stamp-plan.ts'
import {
  downgradeTarget,
  placesNamed,
  rowsAsOrigin,
  upgradeTargets,
} from '../../lambda/revisions/targets.ts'
import { planUpgrade } from '../../lambda/revisions/upgrade-plan.ts'
import { errorOf, mapOf, outcome } from './graph-text.ts'
import { directories } from './random-graph.ts'

const line = mapOf('l1aa @line\nl2bb < l1aa\nl3cc < l2bb\nl4dd < l3cc')
const two = mapOf('a1aa @alpha\na2aa < a1aa\na3aa < a2aa\nb1bb @beta\nb2bb < b1bb')
const fork = mapOf('root\nleft1 < root @left\nleft2 < left1\nrite1 < root @right\nrite2 < rite1')
const depends = mapOf('a1aa @alpha\na2aa < a1aa\nb1bb @beta\nb2bb < b1bb + a1aa')

describe('an upgrade target', () => {
  const targets = (map: RevisionMap, rows: string[], text: string) =>
    outcome(() => upgradeTargets(map, text, rowsAsOrigin(map, rows)))

  test.each([
    [[], '+1', ['l1aa']],
    [[], '+4', ['l4dd']],
    [['l2bb'], '+1', ['l3cc']],
    [['l2bb'], '+3', 'error RelativeOutOfRange'],
    [['l4dd'], '+1', 'error RelativeOutOfRange'],
    [['l2bb'], '+0', 'error RelativeOutOfRange'],
    [['l2bb'], '-1', 'error RelativeOutOfRange'],
    [['l2bb'], '-0', 'error RelativeOutOfRange'],
    [['gone1'], '+1', 'error RevisionNotFound'],
    [[], 'l2bb+1', ['l3cc']],
    [[], 'l3cc-1', ['l2bb']],
    [[], 'l3cc+0', ['l3cc']],
    [[], 'l2+1', ['l3cc']],
    [[], 'line+1', ['l2bb']],
    [[], 'head-1', ['l3cc']],
    [[], 'heads-3', ['l1aa']],
    [[], 'base+2', ['l2bb']],
    [[], 'line@head-2', ['l2bb']],
    [[], 'l1aa-1', 'error RelativeOutOfRange'],
    [[], 'head+1', 'error RelativeOutOfRange'],
    [[], 'base-1', 'error RelativeOutOfRange'],
    [[], 'base+0', 'error RelativeOutOfRange'],
    [[], 'nosuch+1', 'error RevisionNotFound'],
    [[], '+1x', 'error RevisionNotFound'],
    [[], '+1 ', 'error RevisionNotFound'],
    [[], '+-1', 'error RevisionNotFound'],
    [[], 'l1.aa+1', 'error RevisionNotFound'],
    [[], '+', 'error RevisionNotFound'],
    [[], '@+1', 'error RevisionNotFound'],
  ])('in a line with rows %j: %s', (rows, text, expected) => {
    expect(targets(line, rows, text)).toEqual(expected)
  })

  test.each([
    [[], '+1', 'error AmbiguousWalk'],
    [['a1aa'], '+1', ['a2aa']],
    [['a1aa', 'b1bb'], '+1', 'error AmbiguousUpgrade'],
    [['a1aa', 'b1bb'], 'alpha@+1', ['a2aa']],
    [['a1aa', 'b1bb'], 'beta@+1', ['b2bb']],
    [['a1aa'], 'beta@+2', ['b2bb']],
    [[], 'alpha@+3', ['a3aa']],
    [[], 'a2aa@+1', ['a1aa']],
    [['a1aa'], 'nosuch@+1', 'error RevisionNotFound'],
    [['gone1'], 'alpha@+1', 'error RevisionNotFound'],
    [[], 'alpha@base+2', ['a2aa']],
    [[], 'beta@a1aa+1', 'error RelativeOutOfRange'],
    [[], 'beta@a2aa-1', 'error NotOnBranch'],
    [[], 'alpha@a2aa-1', ['a1aa']],
  ])('in two lines with rows %j: %s', (rows, text, expected) => {
    expect(targets(two, rows, text)).toEqual(expected)
  })

  test.each([
    [['root'], '+1', 'error AmbiguousWalk'],
    [['root'], 'left@+1', ['left1']],
    [['left2'], 'right@+1', ['rite1']],
    [['left2', 'rite1'], 'root@+1', 'error AmbiguousUpgrade'],
  ])('at a fork with rows %j: %s', (rows, text, expected) => {
    expect(targets(fork, rows, text)).toEqual(expected)
  })

  test('counts from what is applied on the branch when that has no row', () => {
    expect(targets(depends, ['b2bb'], 'alpha@+1')).toEqual(['a2aa'])
  })

  test('stops at the end of a walk when told so', () => {
    const origin = rowsAsOrigin(line, ['l2bb'])
    expect(upgradeTargets(line, '+9', origin, true)).toEqual(['l4dd'])
    expect(outcome(() => upgradeTargets(line, 'l2bb-9', origin, true))).toBe(
      'error RelativeOutOfRange',
    )
  })
})

describe('a downgrade target', () => {
  const target = (map: RevisionMap, rows: string[], text: string) =>
    outcome(() => downgradeTarget(map, text, rows).revision)

  test.each([
    [['l3cc'], '-1', 'l2bb'],
    [['l3cc'], '-3', 'base'],
    [['l3cc'], '-4', 'error RelativeOutOfRange'],
    [['l3cc'], '-0', 'error RelativeOutOfRange'],
    [['l3cc'], '+1', 'error RelativeOutOfRange'],
    [[], '-1', 'error RelativeOutOfRange'],
    [['gone1'], '-1', 'error NoSuchBranch'],
    [['l3c'], '-1', 'error NoSuchBranch'],
    [['l3cc'], 'l3cc-1', 'l2bb'],
    [['l3cc'], 'l1aa+1', 'l2bb'],
    [['l3cc'], 'l1aa-1', 'base'],
    [['l3cc'], 'l1aa-2', 'error RelativeOutOfRange'],
    [['l3cc'], 'line@l3cc-1', 'l2bb'],
    [['l3cc'], 'base', 'base'],
    [['l3cc'], 'base+1', 'l1aa'],
    [['l3cc'], 'base+0', 'error RelativeOutOfRange'],
    [['l3cc'], 'base-1', 'error RelativeOutOfRange'],
    [['l3cc'], 'line@base', 'base'],
    [['l3cc'], 'line@l2', 'l2bb'],
    [['l3cc'], 'head', 'l4dd'],
    [['l3cc'], '-1x', 'error RevisionNotFound'],
    [['l3cc'], '', 'error RevisionNotFound'],
    [['l3cc'], 'nosuch', 'error RevisionNotFound'],
  ])('in a line with rows %j: %s', (rows, text, expected) => {
    expect(target(line, rows, text)).toBe(expected)
  })

  test.each([
    [['a2aa', 'b1bb'], '-1', 'error AmbiguousDowngrade'],
    [['a2aa', 'gone1'], '-1', 'error RevisionNotFound'],
    [['a2aa', 'b1bb'], 'alpha@-1', 'a1aa'],
    [['a2aa', 'b1bb'], 'beta@-1', 'base'],
    [['a2aa'], 'beta@-1', 'error RelativeOutOfRange'],
    [[], 'beta@-1', 'error RelativeOutOfRange'],
    [['a2aa'], 'nosuch@-1', 'error RevisionNotFound'],
    [['a2aa', 'b1bb'], 'heads', 'error MultipleHeads'],
    [['a2aa', 'b1bb'], 'alpha@head', 'error MultipleHeads'],
  ])('in two lines with rows %j: %s', (rows, text, expected) => {
    expect(target(two, rows, text)).toBe(expected)
  })

  test('finds a branch without a row through what is current on it', () => {
    expect(target(depends, ['b2bb'], 'alpha@-1')).toBe('base')
    expect(target(fork, ['left2', 'rite1'], 'root@-1')).toBe('error AmbiguousDowngrade')
  })

  test('says what several rows are and how to choose', () => {
    expect(errorOf(() => downgradeTarget(two, '-1', ['a2aa', 'b1bb'])).message).toBe(
      'Ambiguous downgrade -1 from multiple current revisions a2aa, b1bb; name the revision to go ' +
        "down to, or a branch as in 'LABEL@-1'",
    )
  })
})

describe('placesNamed', () => {
  test.each([
    ['-1', ['a2aa', 'b1bb']],
    ['-2', ['a1aa', 'base']],
    ['-3', ['base', undefined]],
    ['beta@-1', ['b1bb']],
    ['b1bb@-1', []],
    ['-0', 'error RevisionNotFound'],
    ['+1', 'error RevisionNotFound'],
    ['a2aa-1', 'error RevisionNotFound'],
    ['a2aa', ['a2aa']],
  ])('%s counts from the real heads', (text, expected) => {
    expect(outcome(() => placesNamed(two, text))).toEqual(expected)
  })
})

describe('any text at all', () => {
  const pieces = fc.constantFrom(
    ...['+', '-', '@', ':', '1', '0', '99999999999999999999', ' ', '.', '\n', 'é', '\ud83d'],
    ...['head', 'heads', 'base', 'current', 'rev00', 'rev01', 'rev', 'alpha', 'beta', '+1', '-1'],
    ...['__proto__', 'constructor', 'toString', ''],
  )
  const texts = fc.oneof(
    { weight: 4, arbitrary: fc.array(pieces, { maxLength: 5 }).map((parts) => parts.join('')) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  )

  test('gives an answer or a CommandError of one line, never another exception', () => {
    const situation = fc.tuple(directories, fc.array(texts, { maxLength: 2 }), texts)
    fc.assert(
      fc.property(situation, fc.boolean(), ([nodes, odd, text], isOdd) => {
        const map = new RevisionMap(nodes)
        const rows = isOdd ? odd : [...map.realHeads]
        const calls = [
          () => planUpgrade(map, rows, text).steps(rows),
          () => planDowngrade(map, rows, text).steps(rows),
          () => stampRows(map, rows, [text]),
          () => stampRows(map, [], [text, 'heads']),
          () => historyRevisions(map, text, rows),
          () => historyRevisions(map, `${text}:`, rows),
          () => historyRevisions(map, `:${text}`, rows),
        ]
        for (const call of calls) {
          try {
            expect(Array.isArray(call())).toBe(true)
          } catch (error) {
            if (!(error instanceof CommandError)) throw error
            expect(error.message).toMatch(/^.{1,999}$/)
          }
        }
      }),
      { numRuns: 10_000 },
    )
  })
})
