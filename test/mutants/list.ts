import { DATA_API } from './list-data-api.ts'
import { HANDLERS } from './list-handlers.ts'
import { OPERATIONS } from './list-operations.ts'
import { OWNERS } from './list-owners.ts'
import { REVISIONS } from './list-revisions.ts'
import { RUN } from './list-run.ts'
import { SQL } from './list-sql.ts'
import type { Mutant } from './mutant.ts'

/** The faults that the tests have to notice, those first that would lose data. */
export const MUTANTS: readonly Mutant[] = [
  ...RUN,
  ...OWNERS,
  ...DATA_API,
  ...SQL,
  ...OPERATIONS,
  ...REVISIONS,
  ...HANDLERS,
]
