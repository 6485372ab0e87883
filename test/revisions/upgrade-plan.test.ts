import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { planUpgrade } from '../../lambda/revisions/upgrade-plan.ts'
import { errorOf, mapOf, outcome } from './graph-text.ts'
import { situations } from './random-graph.ts'
import { RowModel } from './row-model.ts'

const two = mapOf('a1aa @alpha\na2aa < a1aa\na3aa < a2aa\nb1bb @beta\nb2bb < b1bb')
const depends = mapOf('a1aa @alpha\na2aa < a1aa\nb1bb @beta\nb2bb < b1bb + a2aa')
const diamond = mapOf('root\nleft < root\nrite < root\nmerge < left, rite\nafter < merge')

const graphs = { two, depends, diamond }

/** `revision>rows` of each step, or the error. */
function plan(map: RevisionMap, rows: readonly string[], target: string): string[] | string {
  return outcome(() =>
    planUpgrade(map, rows, target)
      .steps(rows)
      .map((step) => `${step.revision}>${step.rowsAfter}`),
  )
}

describe('planUpgrade', () => {
  test.each([
    ['two', [], 'alpha@head', ['a1aa>a1aa', 'a2aa>a2aa', 'a3aa>a3aa']],
    ['two', ['a1aa'], 'beta@+1', ['b1bb>a1aa,b1bb']],
    ['two', ['a2aa', 'b2bb'], 'heads', ['a3aa>a3aa,b2bb']],
    ['two', ['a3aa', 'b2bb'], 'heads', []],
    ['two', ['a3aa'], 'a1aa', []],
    ['two', ['b2bb'], 'base', []],
    ['depends', ['b1bb'], 'beta@+1', ['a1aa>a1aa,b1bb', 'a2aa>a2aa,b1bb', 'b2bb>b2bb']],
    ['depends', ['b2bb'], 'alpha@head', []],
    ['diamond', ['left'], 'merge', ['rite>left,rite', 'merge>merge']],
    ['diamond', [], '+1', ['root>root']],
    ['two', [], 'head', 'error MultipleHeads'],
    ['two', [], 'a1aa:a2aa', 'error RangeNotAllowed'],
    ['two', ['gone1'], 'heads', 'error RevisionNotFound'],
    ['two', ['a1a'], 'heads', 'error RevisionNotFound'],
    ['two', ['alpha'], 'heads', 'error RevisionNotFound'],
    ['two', ['gone1'], 'nosuch@head', 'error RevisionNotFound'],
    ['two', ['gone1'], 'beta@a1aa', 'error NotOnBranch'],
    ['two', ['a1aa', 'a3aa'], 'heads', 'error OverlappingRevisions'],
    ['two', ['a1aa', 'a3aa'], 'a1aa', 'error OverlappingRevisions'],
    ['depends', [], 'b1bb@heads', ['a1aa>a1aa', 'a2aa>a2aa', 'b1bb>a2aa,b1bb', 'b2bb>b2bb']],
  ] as const)('in %s from %j to %s', (graph, rows, target, expected) => {
    expect(plan(graphs[graph], rows, target)).toEqual(expected)
  })

  test('refuses targets of which one includes another, and says which to name', () => {
    const map = mapOf('r1\na1 < r1\nb1 < r1 + a1')
    expect(errorOf(() => planUpgrade(map, [], 'r1@heads')).message).toBe(
      'Requested revision b1 overlaps with other requested revisions a1; b1 includes a1, so name ' +
        'the target b1',
    )
  })

  test('runs whole lines one after the other, from the last in file order', () => {
    const order = planUpgrade(two, [], 'heads').steps([])
    expect(order.map((step) => step.revision)).toEqual(['b1bb', 'b2bb', 'a1aa', 'a2aa', 'a3aa'])
  })

  test('a relative target keeps its goal when planned again from other rows', () => {
    const again = planUpgrade(two, ['a1aa'], '+1')
    expect(again.goal).toEqual(['a2aa'])
    expect(again.steps(['a2aa'])).toEqual([])
    expect(again.steps(['b1bb']).map((step) => step.revision)).toEqual(['a1aa', 'a2aa'])
    expect(outcome(() => again.steps(['gone1']))).toBe('error RevisionNotFound')
  })

  test('applies the targets and all they rest on, less what is applied, on random graphs', () => {
    fc.assert(
      fc.property(situations, ({ nodes, some, others }) => {
        const model = new RowModel(nodes)
        const rows = model.rows(model.up(some))
        for (const target of others) {
          const steps = planUpgrade(new RevisionMap(nodes), rows, target).steps(rows)
          const expected = [...model.up([target])].filter((id) => !model.up(rows).has(id))
          expect(steps.map((step) => step.revision).sort()).toEqual(expected.sort())
        }
      }),
    )
  })
})
