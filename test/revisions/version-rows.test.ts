import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import {
  appliedRevisions,
  currentRevisions,
  refuseOverlap,
  rowsOf,
  unknownRows,
} from '../../lambda/revisions/version-rows.ts'
import { errorOf, mapOf, outcome } from './graph-text.ts'
import { situations } from './random-graph.ts'
import { RowModel } from './row-model.ts'

const map = mapOf('a1aa @alpha\na2aa < a1aa\na3aa < a2aa\nb1bb @beta\nb2bb < b1bb + a2aa')

describe('unknownRows', () => {
  test('are those that are no whole id: a beginning or a label is none', () => {
    const rows = ['a1aa', 'gone1', 'a1a', 'alpha', 'A1AA']
    expect(unknownRows(map, rows)).toEqual(['gone1', 'a1a', 'alpha', 'A1AA'])
  })

  test('are refused by name with the fix', () => {
    expect(errorOf(() => appliedRevisions(map, ['a1aa', 'gone1'])).message).toBe(
      "Can't locate revision identified by 'gone1', which the version table holds; known heads " +
        'are a3aa, b2bb; add the missing revision files, or stamp with --purge',
    )
  })
})

describe('rows, applied revisions and current', () => {
  test.each([
    [[], [], []],
    [['a1aa'], ['a1aa'], ['a1aa']],
    [['b2bb'], ['a1aa', 'a2aa', 'b1bb', 'b2bb'], ['a2aa', 'b2bb']],
    [
      ['a3aa', 'b2bb'],
      ['a1aa', 'a2aa', 'a3aa', 'b1bb', 'b2bb'],
      ['a3aa', 'b2bb'],
    ],
    [
      ['b1bb', 'a2aa'],
      ['a1aa', 'a2aa', 'b1bb'],
      ['a2aa', 'b1bb'],
    ],
  ])('of rows %j', (rows, applied, current) => {
    expect([...appliedRevisions(map, rows)].sort()).toEqual(applied)
    expect(currentRevisions(map, rows)).toEqual(current)
    expect(rowsOf(map, appliedRevisions(map, rows)).toSorted()).toEqual(rows.toSorted())
  })

  test('agree with the definitions on random graphs', () => {
    fc.assert(
      fc.property(situations, ({ nodes, some }) => {
        const random = new RevisionMap(nodes)
        const model = new RowModel(nodes)
        const applied = model.up(some)
        expect(rowsOf(random, applied).toSorted()).toEqual(model.rows(applied))
        expect(appliedRevisions(random, model.rows(applied))).toEqual(applied)
        const tips = [...applied].filter(
          (id) => ![...applied].some((other) => model.down(other).includes(id)),
        )
        expect(currentRevisions(random, some).toSorted()).toEqual(tips.sort())
      }),
    )
  })
})

describe('refuseOverlap', () => {
  test.each([[[]], [['a3aa']], [['a3aa', 'b1bb']], [['a3aa', 'b2bb']]])('lets %j pass', (ids) => {
    expect(outcome(() => refuseOverlap(map, ids, 'row'))).toBeUndefined()
  })

  test.each([
    [['a1aa', 'a3aa'], 'a3aa', 'a1aa'],
    [['a3aa', 'b1bb', 'a1aa'], 'a3aa', 'a1aa'],
    [['a2aa', 'b2bb'], 'b2bb', 'a2aa'],
  ])('refuses %j', (ids, upper, lower) => {
    const error = errorOf(() => refuseOverlap(map, ids, 'row'))
    expect(error.kind).toBe('OverlappingRevisions')
    expect(error.message).toBe(
      `Requested revision ${upper} overlaps with other requested revisions ${lower}; the version ` +
        `table must not hold both, so stamp ${upper} to leave that row alone`,
    )
  })
})
