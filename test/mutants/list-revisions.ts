import { mutantsOf } from './mutant.ts'

/** The graph and the plans. */
export const REVISIONS = [
  ...mutantsOf(
    'lambda/revisions/upgrade-plan.ts',
    ['revisions/upgrade-plan', 'alembic/cases'],
    [
      [
        'version rows of which one includes another are upgraded',
        "refuseOverlap(map, now, 'row')",
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/revisions/downgrade-plan.ts',
    ['revisions/downgrade-plan', 'alembic/cases'],
    [
      ['a downgrade goes from the oldest revision on', 'leaving.reverse()', 'leaving'],
      ['a downgrade to a revision of another branch is fine', 'refuseOffBranch(map, aim)\n', ''],
    ],
  ),
  ...mutantsOf(
    'lambda/revisions/stamp-plan.ts',
    ['revisions/stamp-plan', 'alembic/cases'],
    [['a stamp keeps the rows it replaces', '!replaced.has(row)', 'true']],
  ),
  ...mutantsOf(
    'lambda/revisions/version-rows.ts',
    ['revisions/version-rows', 'alembic/cases'],
    [
      [
        'a revision that others depend on stays a row',
        'map.entry(id).allChildren.some(',
        'map.entry(id).children.some(',
      ],
      [
        'unknown rows are left alone',
        'if (unknown.length === 0) return',
        'if (unknown.length < 9) return',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/revisions/plan.ts',
    ['revisions/plan', 'revisions/upgrade-plan', 'revisions/downgrade-plan'],
    [
      [
        'a step leaves the rows of its parents',
        'rowsBefore.filter((row) => !leaving.includes(row))',
        'rowsBefore.filter((row) => leaving.length < 0 || row !== leaving[1])',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/revisions/names.ts',
    ['revisions/names'],
    [
      [
        'an ambiguous beginning of a name stands for the first',
        'if (found.length > 1) {',
        'if (found.length < 0) {',
      ],
      [
        'two letters name a revision',
        'const MIN_COMPLETED_LENGTH = 4',
        'const MIN_COMPLETED_LENGTH = 2',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/revisions/revision-graph.ts',
    ['revisions/revision-graph'],
    [
      [
        'two files may have one id',
        'if (first !== undefined) throw duplicate',
        "if (first?.id === '') throw duplicate",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/commands/edited-revisions.ts',
    ['checksums'],
    [
      [
        '--strict does not refuse edited revisions',
        'if (strict) throw',
        'if (strict && line === null) throw',
      ],
      [
        'revisions that are not applied count as edited',
        'applied.has(revision)',
        'applied !== undefined',
      ],
    ],
  ),
]
