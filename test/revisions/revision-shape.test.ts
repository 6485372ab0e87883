import { describe, expect, test } from 'vitest'
import type { Revision } from '../../lambda/revisions/revision.ts'
import { checkRevision } from '../../lambda/revisions/revision-shape.ts'

const SOUND = {
  revision: 'b1',
  downRevision: 'a1',
  doc: 'a doc',
  file: 'b1_second.ts',
  upgrade: async () => {},
  downgrade: null,
}

const check = (changes: object) => () => checkRevision({ ...SOUND, ...changes } as Revision)

describe('a revision', () => {
  test.each<[string, object]>([
    ['of a base', { downRevision: null }],
    ['of a merge', { downRevision: ['a1', 'a2'] }],
    ['with labels and dependencies', { branchLabels: ['cart'], dependsOn: ['a2', 'shop'] }],
    ['with a downgrade', { downgrade: () => {} }],
    ['that the build has not seen', { file: undefined, checksum: undefined }],
    ['that the build has seen', { checksum: 'sha256/esbuild-0:00' }],
  ])('%s is taken', (_, changes) => {
    expect(check(changes)).not.toThrow()
  })

  test('may be an object of a class', () => {
    class Later implements Revision {
      readonly revision = 'b1'
      readonly downRevision = null
      readonly doc = 'd'
      async upgrade() {}
      async downgrade() {}
    }
    expect(() => checkRevision(new Later())).not.toThrow()
  })

  test.each<[object, string, string]>([
    [
      { upgrade: undefined },
      'MissingUpgrade',
      'revision b1 (b1_second.ts) has no upgrade: write upgrade(op) { … }',
    ],
    [
      { downgrade: undefined },
      'MissingDowngrade',
      'revision b1 (b1_second.ts) has no downgrade: write downgrade(op) { … }, or downgrade: null if it cannot be taken back',
    ],
    [
      { downgrade: undefined, downgarde: () => {} },
      'UnknownKey',
      'revision b1 (b1_second.ts) has the key downgarde, which a revision does not have: allowed are revision, downRevision, branchLabels, dependsOn, doc, upgrade, downgrade',
    ],
    [
      { downgrade: 'drop table t' },
      'WrongType',
      "revision b1 (b1_second.ts): downgrade is 'drop table t', which is not allowed: write downgrade(op) { … }, or downgrade: null if it cannot be taken back",
    ],
    [
      { downgrade: false },
      'WrongType',
      'revision b1 (b1_second.ts): downgrade is false, which is not allowed: write downgrade(op) { … }, or downgrade: null if it cannot be taken back',
    ],
    [
      { upgrade: null },
      'WrongType',
      'revision b1 (b1_second.ts): upgrade is null, which is not allowed: write upgrade(op) { … }',
    ],
    [
      { upgrade: Promise.resolve() },
      'WrongType',
      'revision b1 (b1_second.ts): upgrade is Promise { undefined }, which is not allowed: write upgrade(op) { … }',
    ],
    [
      { *upgrade() {} },
      'WrongType',
      'revision b1 (b1_second.ts): upgrade is a generator function, whose body would never run, which is not allowed: write upgrade(op) { … }',
    ],
    [
      { async *downgrade() {} },
      'WrongType',
      'revision b1 (b1_second.ts): downgrade is a generator function, whose body would never run, which is not allowed: write downgrade(op) { … }, or downgrade: null if it cannot be taken back',
    ],
    [
      { doc: undefined },
      'MissingDoc',
      "revision b1 (b1_second.ts) has no doc: write one line for people, such as doc: 'create account table'",
    ],
    [
      { doc: 7 },
      'WrongType',
      "revision b1 (b1_second.ts): doc is 7, which is not allowed: write one line for people, such as doc: 'create account table'",
    ],
    [
      { downRevision: 7 },
      'WrongType',
      'revision b1 (b1_second.ts): downRevision is 7, which is not allowed: write the id it follows, an array of ids for a merge, or null for a base',
    ],
    [
      { downRevision: ['a1', null] },
      'WrongType',
      "revision b1 (b1_second.ts): downRevision is [ 'a1', null ], which is not allowed: write the id it follows, an array of ids for a merge, or null for a base",
    ],
    [
      { branchLabels: 'cart' },
      'WrongType',
      "revision b1 (b1_second.ts): branchLabels is 'cart', which is not allowed: write an array of names, or leave it out",
    ],
    [
      { dependsOn: null },
      'WrongType',
      'revision b1 (b1_second.ts): dependsOn is null, which is not allowed: write an array of revision ids and branch labels, or leave it out',
    ],
    [
      { revision: undefined },
      'MissingRevision',
      "b1_second.ts has no revision: write its id, such as revision: 'ae1027a6acf0'",
    ],
    [
      { revision: 7 },
      'WrongType',
      "b1_second.ts: revision is 7, which is not allowed: write its id, such as revision: 'ae1027a6acf0'",
    ],
    [
      { checksum: 7 },
      'WrongType',
      'revision b1 (b1_second.ts): checksum is 7, which is not allowed: leave it out, because the build sets it',
    ],
  ])('with %j is refused', (changes, kind, message) => {
    expect(check(changes)).toThrow(expect.objectContaining({ kind, message }))
  })

  // The index spreads what a file exports.
  test.each([undefined, null, 7, 'text', () => {}, [], {}])('is not %j', (exported) => {
    const revision = Object.assign({}, exported, { file: 'b1_second.ts' }) as unknown as Revision
    expect(() => checkRevision(revision)).toThrow(
      'b1_second.ts exports no revision: write export default defineRevision({ … }), or move the file out of the folder',
    )
  })
})
