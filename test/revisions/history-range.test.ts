import { describe, expect, test } from 'vitest'
import { historyRevisions } from '../../lambda/revisions/history-range.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { errorOf, lineOf, mapOf, outcome } from './graph-text.ts'

const line = mapOf('l1aa\nl2bb < l1aa\nl3cc < l2bb\nl4dd < l3cc\nl5ee < l4dd')
const two = mapOf('a1aa @alpha\na2aa < a1aa\na3aa < a2aa\nb1bb @beta\nb2bb < b1bb')
const fork = mapOf('root\nleft1 < root @left\nleft2 < left1\nrite1 < root @right\nrite2 < rite1')
const depends = mapOf('a1aa @alpha\na2aa < a1aa\nb1bb @beta\nb2bb < b1bb + a2aa\nb3bb < b2bb')
const graphs = { two, fork, depends }

describe('historyRevisions in a line', () => {
  test.each([
    [':', 'l5ee l4dd l3cc l2bb l1aa'],
    ['base:heads', 'l5ee l4dd l3cc l2bb l1aa'],
    [' l2bb:l4dd ', 'l4dd l3cc l2bb'],
    ['l4dd:', 'l5ee l4dd'],
    [':l2bb', 'l2bb l1aa'],
    ['base:base', ''],
    ['l2bb:l2bb', 'l2bb'],
    ['l2bb:+2', 'l4dd l3cc l2bb'],
    ['l4dd:+9', 'l5ee l4dd'],
    [':+2', 'l2bb l1aa'],
    [':l4dd-1', 'l3cc l2bb l1aa'],
    ['-2:', 'l5ee l4dd l3cc'],
    ['-2:l4dd', 'l4dd l3cc'],
    ['-9:l2bb', 'l2bb l1aa'],
    ['head:base', 'error RangeNotAncestor'],
    ['l4dd:l2bb', 'error RangeNotAncestor'],
    ['-1:l3cc', 'error RangeNotAncestor'],
    ['-9:', 'error NoSuchBranch'],
    ['l3cc-1:l3cc', 'error RevisionNotFound'],
    ['l3cc:-1', 'error RelativeOutOfRange'],
    ['nosuch:', 'error RevisionNotFound'],
    [':nosuch', 'error RevisionNotFound'],
    ['l1aa', 'error HistoryRangeSyntax'],
    ['', 'error HistoryRangeSyntax'],
    ['l1aa:l2bb:l3cc', 'error HistoryRangeSyntax'],
  ])('%j', (range, expected) => {
    const found = outcome(() => historyRevisions(line, range, []).join(' '))
    expect(found).toBe(expected)
  })

  test.each([
    ['current:', ['l3cc'], 'l5ee l4dd l3cc'],
    [':current', ['l3cc'], 'l3cc l2bb l1aa'],
    ['current:+1', ['l3cc'], 'l4dd l3cc'],
    ['-3:current', ['l3cc'], 'l3cc l2bb'],
    ['-9:current', ['l2bb'], 'l2bb l1aa'],
    ['current:l4dd', [], 'l4dd l3cc l2bb l1aa'],
    ['l4dd:current', [], 'l5ee l4dd'],
    ['l4dd:current', ['l2bb'], 'error RangeNotAncestor'],
    ['current:l2bb', ['l4dd'], 'error RangeNotAncestor'],
    ['current:current', ['l4dd'], 'error RevisionNotFound'],
    [':current', ['gone1'], 'error RevisionNotFound'],
    [':', ['gone1'], 'l5ee l4dd l3cc l2bb l1aa'],
  ])('%j with rows %j', (range, rows, expected) => {
    expect(outcome(() => historyRevisions(line, range, rows).join(' '))).toBe(expected)
  })
})

describe('historyRevisions with branches', () => {
  test.each([
    ['two', ':', [], 'a3aa a2aa a1aa b2bb b1bb'],
    ['two', 'a2aa:', [], 'a3aa a2aa'],
    ['two', 'alpha@base:', [], 'a3aa a2aa a1aa'],
    ['two', 'a2aa@base:', [], 'a3aa a2aa a1aa'],
    ['two', 'alpha@a2aa:', [], 'a3aa a2aa'],
    ['two', ':beta@head', [], 'b2bb b1bb'],
    ['two', 'beta@base:+2', [], 'error AmbiguousWalk'],
    ['two', 'beta@base:beta@+2', [], 'b2bb b1bb'],
    ['two', 'current:', ['a2aa', 'b1bb'], 'a3aa a2aa b2bb b1bb'],
    ['two', 'current:+1', ['a2aa', 'b1bb'], 'error AmbiguousUpgrade'],
    ['two', 'a1aa:b2bb', [], 'error RangeNotAncestor'],
    ['two', '-9:', [], 'error MultipleHeads'],
    ['two', '-2:', [], 'error RangeNotAncestor'],
    ['two', 'nosuch@base:', [], 'error RevisionNotFound'],
    ['two', 'heads:', [], 'a3aa b2bb'],
    ['fork', 'root@base:', [], 'error NoSuchBranch'],
    ['fork', 'left1:', [], 'left2 left1'],
    ['fork', 'left1:heads', [], 'left2 left1'],
    ['fork', 'left1:rite2', [], 'error RangeNotAncestor'],
    ['fork', 'root@heads:', [], 'error NoSuchBranch'],
    ['depends', ':b2bb', [], 'b2bb b1bb a2aa a1aa'],
    ['depends', 'b1bb:', [], 'b3bb b2bb b1bb'],
    ['depends', 'a1aa:', [], 'a2aa a1aa'],
    ['depends', 'a2aa:', [], 'a2aa'],
    ['depends', 'alpha@base:', [], ''],
    ['depends', 'current:b3bb', ['a2aa', 'b1bb'], 'b3bb b2bb b1bb a2aa'],
  ] as const)('in %s %j with rows %j', (graph, range, rows, expected) => {
    const found = outcome(() => historyRevisions(graphs[graph], range, rows).join(' '))
    expect(found).toBe(expected)
  })

  test('lists newest first, so that nothing comes before what rests on it', () => {
    const newestFirst = historyRevisions(depends, ':', [])
    expect(newestFirst).toEqual(['b3bb', 'b2bb', 'b1bb', 'a2aa', 'a1aa'])
  })

  test('says what a range may be', () => {
    expect(errorOf(() => historyRevisions(two, 'a1aa', [])).message).toBe(
      "History range requires [start]:[end], [start]:, or :[end], and not 'a1aa'; 'base:heads' lists all",
    )
    expect(errorOf(() => historyRevisions(two, 'a1aa:b2bb', [])).message).toBe(
      'Requested range a1aa:b2bb does not refer to ancestor/descendant revisions along the same ' +
        'branch; begin it with a revision that its end descends from, or with base',
    )
  })

  test('lists 50,000 revisions', () => {
    const long = new RevisionMap(lineOf(50_000))
    expect(historyRevisions(long, 'r10:', []).length).toBe(49_990)
  })
})
