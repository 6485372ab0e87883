import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planDowngrade } from '../../lambda/revisions/downgrade-plan.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { errorOf, mapOf, outcome } from './graph-text.ts'
import { situations } from './random-graph.ts'
import { RowModel } from './row-model.ts'

const line = mapOf('l1aa\nl2bb < l1aa\nl3cc < l2bb')
const two = mapOf('a1aa @alpha\na2aa < a1aa\nb1bb @beta\nb2bb < b1bb')
const depends = mapOf('a1aa @alpha\na2aa < a1aa\nb1bb @beta\nb2bb < b1bb + a2aa')
const fork = mapOf('root\nleft1 < root\nleft2 < left1\nrite1 < root\nrite2 < rite1')
const diamond = mapOf(
  'root\nleft1 < root @left\nleft2 < left1\nrite1 < root @right\nmerge < left2, rite1',
)
const labelBelow = mapOf('a1aa @alpha\na2aa < a1aa\nx1xx < a2aa\ny1yy < a2aa')

const graphs = { line, two, fork, diamond, labelBelow }

/** `revision>rows` of each step, or the error. */
function plan(map: RevisionMap, rows: readonly string[], target: string): string[] | string {
  return outcome(() =>
    planDowngrade(map, rows, target)
      .steps(rows)
      .map((step) => `${step.revision}>${step.rowsAfter}`),
  )
}

describe('planDowngrade', () => {
  test.each([
    ['line', ['l3cc'], 'l1aa', ['l3cc>l2bb', 'l2bb>l1aa']],
    ['line', ['l3cc'], '-1', ['l3cc>l2bb']],
    ['line', ['l2bb'], '-2', ['l2bb>l1aa', 'l1aa>']],
    ['line', ['l2bb'], 'base', ['l2bb>l1aa', 'l1aa>']],
    ['line', ['l2bb'], 'l2bb', []],
    ['line', [], 'base', []],
    ['line', ['l2bb'], 'l3cc', 'error RangeNotAncestor'],
    ['line', [], 'l1aa', 'error RangeNotAncestor'],
    ['line', ['l2bb'], 'a:b', 'error RangeNotAllowed'],
    ['line', ['gone1'], 'base', 'error RevisionNotFound'],
    ['line', ['l1aa', 'l3cc'], 'base', 'error OverlappingRevisions'],
    ['line', ['l1aa', 'l3cc'], 'l3cc', []],
  ] as const)('in a %s from %j to %s', (graph, rows, target, expected) => {
    expect(plan(graphs[graph], rows, target)).toEqual(expected)
  })

  test.each([
    ['two', ['a2aa', 'b2bb'], 'alpha@base', ['a2aa>a1aa,b2bb', 'a1aa>b2bb']],
    ['two', ['a2aa', 'b2bb'], 'a1aa', ['a2aa>a1aa,b2bb']],
    ['two', ['a2aa', 'b2bb'], 'nosuch@base', 'error NoSuchBranch'],
    ['two', ['a2aa', 'b2bb'], 'alpha@b1bb', 'error NotOnBranch'],
    ['two', ['a2aa'], 'b1bb', 'error RangeNotAncestor'],
    ['two', ['a2aa'], 'alpha@b1bb', 'error RangeNotAncestor'],
    ['line', ['l3cc'], 'nosuch@base', 'error NoSuchBranch'],
    ['fork', ['left2', 'rite2'], 'left2@root', ['left2>left1,rite2', 'left1>rite2']],
    ['fork', ['left2', 'rite2'], 'left1', ['left2>left1,rite2']],
    ['diamond', ['merge'], 'left2', ['merge>left2,rite1']],
    ['diamond', ['merge'], 'left@root', ['merge>left2,rite1', 'left2>left1,rite1', 'left1>rite1']],
    ['diamond', ['merge'], '-1', 'error AmbiguousWalk'],
    ['labelBelow', ['x1xx'], 'alpha@-1', 'error InvalidDowngradeTarget'],
    ['labelBelow', ['x1xx', 'y1yy'], 'x1xx@a2aa', ['x1xx>y1yy']],
  ] as const)('with branches, %s, from %j to %s', (graph, rows, target, expected) => {
    expect(plan(graphs[graph], rows, target)).toEqual(expected)
  })

  test.each([
    [['b2bb'], 'b1bb', ['b2bb>a2aa,b1bb']],
    [['b2bb'], 'beta@base', ['b2bb>a2aa,b1bb', 'b1bb>a2aa']],
    [['b2bb'], 'a1aa', ['b2bb>a2aa,b1bb', 'a2aa>a1aa,b1bb']],
    [['b2bb'], 'a2aa', 'error RangeNotAncestor'],
  ])('with dependencies: from %j to %s', (rows, target, expected) => {
    expect(plan(depends, rows, target)).toEqual(expected)
  })

  test('says what a refused target can be instead', () => {
    expect(errorOf(() => planDowngrade(line, ['l2bb'], 'l3cc')).message).toBe(
      'Destination l3cc is not a valid downgrade target from current head(s) l2bb; name a revision ' +
        'they descend from (run history to list them), or base',
    )
    expect(errorOf(() => planDowngrade(labelBelow, ['x1xx'], 'alpha@-1')).message).toBe(
      "Not a valid downgrade target from current heads: 'alpha@-1' leads to a2aa, which x1xx, y1yy " +
        "follow, and branch 'alpha' holds none of them; name the branch by a revision above them, " +
        'or the target without a branch',
    )
  })

  test('keeps its goal when planned again, and does not go further', () => {
    const again = planDowngrade(line, ['l3cc'], '-1')
    expect(again.goal).toEqual(['l2bb'])
    expect(again.steps(['l2bb'])).toEqual([])
    expect(again.steps(['l1aa'])).toEqual([])
    expect(planDowngrade(line, ['l3cc'], 'base').goal).toEqual([])
  })

  test('removes what follows the target and rests on that, on random graphs', () => {
    fc.assert(
      fc.property(situations, ({ nodes, some, others }) => {
        const model = new RowModel(nodes)
        const map = new RevisionMap(nodes)
        const rows = model.rows(model.up(some))
        for (const target of ['base', ...others]) {
          const steps = outcome(() => planDowngrade(map, rows, target).steps(rows))
          const revision = target === 'base' ? undefined : target
          const expected = [...model.removedBy(revision, model.up(rows))].sort()
          if (typeof steps === 'string') {
            expect([steps, expected]).toEqual(['error RangeNotAncestor', []])
          } else {
            expect(steps.map((step) => step.revision).sort()).toEqual(expected)
          }
        }
      }),
    )
  })
})
