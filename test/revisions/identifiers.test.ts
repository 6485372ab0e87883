import { describe, expect, test } from 'vitest'
import { checkBranchLabel, checkRevisionId } from '../../lambda/revisions/identifiers.ts'
import { errorOf, outcome } from './graph-text.ts'

describe('a revision id', () => {
  test.each([
    'a',
    '27c6a30d7c24',
    'create_users',
    'v1.2',
    'with space',
    'größe',
    'x'.repeat(32),
    'ü'.repeat(32),
    '😀'.repeat(32),
  ])('may be %j', (id) => {
    expect(outcome(() => checkRevisionId(id, undefined))).toBeUndefined()
  })

  test.each([
    ['a+b1', "Character(s) '+' not allowed in revision identifier 'a+b1'"],
    ['a@b', "Character(s) '@' not allowed in revision identifier 'a@b'"],
    ['a-:b', "Character(s) '-, :' not allowed in revision identifier 'a-:b'"],
    ['', 'is empty'],
    ['base', 'is a word that targets use'],
    ['head', 'is a word that targets use'],
    ['heads', 'is a word that targets use'],
    ['current', 'is a word that targets use'],
    ['x'.repeat(33), 'has 33 characters'],
    ['a\u0000b', 'cannot be stored'],
    ['a\nb', 'cannot be stored'],
    ['a\ud800', 'cannot be stored'],
    [1001, 'is not a string'],
    [undefined, 'is not a string'],
  ])('may not be %j', (id, reason) => {
    const error = errorOf(() => checkRevisionId(id, undefined))
    expect(error.kind).toBe('IllegalRevisionId')
    expect(error.message).toContain(reason)
    expect(error.message).not.toContain('\n')
  })

  test('is refused with its file when there is one', () => {
    expect(errorOf(() => checkRevisionId('a+b', 'migrations/a.ts')).message).toBe(
      "Character(s) '+' not allowed in revision identifier 'a+b' in migrations/a.ts; " +
        "use letters, digits, '_' and '.'",
    )
  })
})

describe('a branch label', () => {
  test.each(['shop', 'shopping-cart', 'a+b', 'v1.2'])('may be %j', (label) => {
    expect(outcome(() => checkBranchLabel(label, 'a1'))).toBeUndefined()
  })

  test.each(['', 'base', 'head', 'heads', 'current', 'a@b', 'a:b', 'shop-1', 'shop+12', 7])(
    'may not be %j, which would be read as something else',
    (label) => {
      const error = errorOf(() => checkBranchLabel(label, 'a1'))
      expect(error.kind).toBe('IllegalRevisionId')
      expect(error.message).toContain('revision a1')
    },
  )
})
