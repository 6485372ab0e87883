import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { stampRows } from '../../lambda/revisions/stamp-plan.ts'
import { mapOf, outcome } from './graph-text.ts'
import { situations } from './random-graph.ts'
import { RowModel } from './row-model.ts'

const two = mapOf('a1aa @alpha\na2aa < a1aa\na3aa < a2aa\nb1bb @beta\nb2bb < b1bb')
const fork = mapOf(
  'root\nleft1 < root @left\nleft2 < left1\nrite1 < root @right\nmrge < left2, rite1',
)
const depends = mapOf('a1aa @alpha\na2aa < a1aa\nb1bb @beta\nb2bb < b1bb + a2aa')
const graphs = { two, fork, depends }

describe('stampRows', () => {
  test.each([
    ['two', [], ['heads'], ['a3aa', 'b2bb']],
    ['two', [], ['head'], 'error MultipleHeads'],
    ['two', ['a3aa', 'b2bb'], ['a1aa'], ['a1aa', 'b2bb']],
    ['two', ['a1aa'], ['a3aa'], ['a3aa']],
    ['two', ['a1aa'], ['b2bb'], ['a1aa', 'b2bb']],
    ['two', ['a1aa', 'b1bb'], ['base'], []],
    ['two', ['a1aa', 'b1bb'], ['alpha@base'], ['b1bb']],
    ['two', ['a3aa', 'b1bb'], ['heads'], ['a3aa', 'b2bb']],
    ['two', ['a1aa', 'b1bb'], ['base', 'a2aa'], ['a2aa']],
    ['two', ['b1bb'], ['a1aa', 'a1aa'], ['a1aa', 'b1bb']],
    ['two', ['a1aa', 'b1bb'], [], ['a1aa', 'b1bb']],
    ['two', ['a1aa'], ['alpha@head'], ['a3aa']],
    ['two', ['gone1'], ['a1aa'], 'error RevisionNotFound'],
    ['two', ['a1aa'], ['nosuch'], 'error RevisionNotFound'],
    ['two', ['a1aa'], ['nosuch@a1aa'], 'error RevisionNotFound'],
    ['two', [], ['nosuch@a1aa'], 'error NoSuchBranch'],
    ['two', [], ['beta@a1aa'], 'error NotOnBranch'],
    ['two', ['a1aa'], ['-1'], 'error RevisionNotFound'],
    ['two', ['a1aa'], ['+1'], 'error RevisionNotFound'],
    ['two', [], ['-1'], ['a2aa', 'b1bb']],
    ['two', [], ['alpha@-1'], ['a2aa']],
    ['two', [], ['-2'], 'error RelativeOutOfRange'],
    ['two', [], ['-3'], 'error RelativeOutOfRange'],
    ['two', [], ['nosuch@-1'], 'error RelativeOutOfRange'],
    ['fork', ['left2', 'rite1'], ['root'], ['root']],
    ['fork', ['left2', 'rite1'], ['mrge'], ['mrge']],
    ['fork', ['left2', 'rite1'], ['left1'], ['left1', 'rite1']],
    ['fork', ['rite1'], ['root@left1'], ['left1', 'rite1']],
    ['depends', ['b2bb'], ['a1aa'], ['a1aa']],
    ['depends', ['b2bb'], ['alpha@base'], []],
  ] as const)('in %s rows %j stamped %j', (graph, rows, targets, expected) => {
    expect(outcome(() => stampRows(graphs[graph], rows, targets))).toEqual(expected)
  })

  test.each([
    [['gone1', 'a3aa'], ['b1bb'], ['b1bb']],
    [['a1aa'], ['base'], []],
    [['a1aa'], ['nosuch'], 'error RevisionNotFound'],
  ])('with purge, rows %j do not matter for %j', (rows, targets, expected) => {
    expect(outcome(() => stampRows(two, rows, targets, { purge: true }))).toEqual(expected)
  })

  test('replaces exactly the rows in one line with a target, on random graphs', () => {
    fc.assert(
      fc.property(situations, ({ nodes, some, others }) => {
        const model = new RowModel(nodes)
        const rows = model.rows(model.up(some))
        const inLine = (row: string) =>
          others.some((id) => model.up([id]).has(row) || model.up([row]).has(id))
        const expected = new Set([...rows.filter((row) => !inLine(row)), ...others])
        const found = stampRows(new RevisionMap(nodes), rows, others)
        expect(found.toSorted()).toEqual([...expected].sort())
      }),
    )
  })
})
