import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { planUpgrade } from '../../lambda/revisions/upgrade-plan.ts'
import { errorOf, lineOf, mapOf } from './graph-text.ts'
import { directories, situations } from './random-graph.ts'
import { RowModel } from './row-model.ts'

const shop = mapOf(`
  a1 @alpha
  a2 < a1
  b1 @beta
  b2 < b1 + a2
  c1 < b1
`)

describe('RevisionMap', () => {
  test('is empty for an empty directory', () => {
    const { ids, heads, realHeads, bases } = new RevisionMap([])
    expect([ids, heads, realHeads, bases]).toEqual([[], [], [], []])
  })

  test('knows heads, real heads, bases and label owners in file order', () => {
    expect(shop.ids).toEqual(['a1', 'a2', 'b1', 'b2', 'c1'])
    expect(shop.heads).toEqual(['a2', 'b2', 'c1'])
    expect(shop.realHeads).toEqual(['b2', 'c1'])
    expect(shop.bases).toEqual(['a1', 'b1'])
    expect([...shop.labelOwners]).toEqual([
      ['alpha', 'a1'],
      ['beta', 'b1'],
    ])
  })

  test('knows whole ids only', () => {
    expect([shop.has('a1'), shop.has('a'), shop.has('alpha')]).toEqual([true, false, false])
    expect(errorOf(() => shop.entry('alpha')).kind).toBe('RevisionNotFound')
  })

  test.each([
    ['ancestors', 'full', ['a1', 'a2', 'b1', 'b2']],
    ['ancestors', 'versioned', ['b1', 'b2']],
  ] as const)('%s (%s) of b2', (method, edges, expected) => {
    expect([...shop[method](['b2'], edges)].sort()).toEqual(expected)
  })

  test.each([
    ['full', ['a1', 'a2', 'b2']],
    ['versioned', ['a1', 'a2']],
  ] as const)('descendants (%s) of a1', (edges, expected) => {
    expect([...shop.descendants(['a1'], edges)].sort()).toEqual(expected)
  })

  test('a lineage goes both ways but does not turn', () => {
    expect([...shop.lineage(['b2'])].sort()).toEqual(['b1', 'b2'])
    expect([...shop.lineage(['a2'], 'full')].sort()).toEqual(['a1', 'a2', 'b2'])
  })

  test.each([
    ['a dependency an ancestor lists too', 'x1\na1 + x1\na2 < a1\na3 < a2 + x1', 'a3', ['a2']],
    [
      'but not one that is merely implied',
      'x1\nx2 < x1\na1 + x2\na2 < a1 + x1',
      'a2',
      ['a1', 'x1'],
    ],
    ['nor one on an own ancestor', 'a1\na2 < a1\na3 < a2 + a1', 'a3', ['a2', 'a1']],
    ['nor a down revision', 'r1\nl1 < r1\nm1 < l1, r1', 'm1', ['l1', 'r1']],
  ])('effective parents leave out %s', (_case, text, id, expected) => {
    expect(mapOf(text).effectiveParents(id)).toEqual(expected)
  })

  test('agrees with the definitions on random graphs', () => {
    fc.assert(
      fc.property(situations, ({ nodes, some }) => {
        const map = new RevisionMap(nodes)
        const model = new RowModel(nodes)
        expect(map.ancestors(some)).toEqual(model.up(some))
        const below = model.ids.filter((id) => some.some((given) => model.up([id]).has(given)))
        expect([...map.descendants(some)].sort()).toEqual(below.sort())
        for (const id of model.ids) {
          expect(map.effectiveParents(id).toSorted()).toEqual(model.effectiveParents(id))
        }
      }),
    )
  })

  test('orders any subset with ancestors first, even where the link is not in the subset', () => {
    fc.assert(
      fc.property(situations, ({ nodes, some }) => {
        const model = new RowModel(nodes)
        const order = new RevisionMap(nodes).oldestFirst(new Set(some))
        expect(order.toSorted()).toEqual(some.toSorted())
        for (const [place, id] of order.entries()) {
          expect(order.slice(place).some((later) => model.above(id).has(later))).toBe(false)
        }
      }),
    )
  })

  test('is the same each time for the same files', () => {
    fc.assert(
      fc.property(directories, (nodes) => {
        const all = (map: RevisionMap) => [map.heads, map.oldestFirst(new Set(map.ids))]
        expect(all(new RevisionMap(nodes))).toEqual(all(new RevisionMap(structuredClone(nodes))))
      }),
    )
  })

  // Other processes only ever add time, so the fastest rounds are compared, and up to three times.
  test('takes time in proportion to the number of revisions', { retry: 2 }, () => {
    const small = Array.from({ length: 10 }, () => lineOf(1_000))
    const large = [lineOf(10_000)]
    const timeOf = (all: ReturnType<typeof lineOf>[]) => {
      const start = performance.now()
      for (const nodes of all) planUpgrade(new RevisionMap(nodes), [], 'head').steps([])
      return performance.now() - start
    }
    const rounds = Array.from({ length: 25 }, () => [timeOf(small) / 10, timeOf(large)] as const)
    const fastest = (size: 0 | 1) => Math.min(...rounds.map((times) => times[size]))
    expect(fastest(1)).toBeLessThanOrEqual(15 * fastest(0))
  })

  test('walks a line of 200,000 revisions without overflowing the stack', () => {
    const map = new RevisionMap(lineOf(200_000))
    expect(map.ancestors(['r199999']).size).toBe(200_000)
    expect(map.descendants(['r0'], 'versioned').size).toBe(200_000)
    expect(planUpgrade(map, ['r100000'], 'head').steps(['r100000']).length).toBe(99_999)
  })
})
