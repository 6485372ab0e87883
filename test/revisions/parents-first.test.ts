import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parentsFirst } from '../../lambda/revisions/parents-first.ts'
import { directories } from './random-graph.ts'
import { RowModel } from './row-model.ts'

const parents: Record<string, string[]> = {
  root: [],
  left: ['root'],
  right: ['root'],
  merge: ['left', 'right'],
  loop: ['loop2'],
  loop2: ['tail', 'loop'],
  tail: [],
}
const parentsOf = (id: string) => parents[id] ?? []

describe('parentsFirst', () => {
  test('walks the last start and the last parent first', () => {
    expect(parentsFirst(['merge'], parentsOf)).toEqual(['root', 'right', 'left', 'merge'])
    expect(parentsFirst(['left', 'tail'], parentsOf)).toEqual(['tail', 'root', 'left'])
  })

  test('gives nothing for no start, and each id once for repeated ones', () => {
    expect(parentsFirst([], parentsOf)).toEqual([])
    expect(parentsFirst(['left', 'left', 'root'], parentsOf)).toEqual(['root', 'left'])
  })

  test('hands over a cycle, each id followed by its parent', () => {
    const stop = (cycle: string[]): never => {
      throw new Error(cycle.join(' '))
    }
    expect(() => parentsFirst(['merge', 'loop'], parentsOf, stop)).toThrow('loop loop2')
    expect(() => parentsFirst(['a'], () => ['a'], stop)).toThrow('a')
  })

  test('puts every id of a random graph once, after all of its parents', () => {
    fc.assert(
      fc.property(directories, (nodes) => {
        const model = new RowModel(nodes)
        const order = parentsFirst(model.ids, (id) => model.parents(id))
        expect(order.toSorted()).toEqual(model.ids.toSorted())
        for (const [place, id] of order.entries()) {
          const later = model.parents(id).filter((parent) => order.indexOf(parent) > place)
          expect(later).toEqual([])
        }
      }),
    )
  })

  test('walks a line of 200,000 without overflowing the stack', () => {
    const order = parentsFirst(['200000'], (id) => (id === '0' ? [] : [String(Number(id) - 1)]))
    expect(order.length).toBe(200_001)
    expect(order[0]).toBe('0')
  })
})
