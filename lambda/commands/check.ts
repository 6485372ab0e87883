import { CommandError } from '../errors.ts'
import { openWarning, readFirstState, refusePopulated } from '../ledger/database-state.ts'
import { planUpgrade } from '../revisions/upgrade-plan.ts'
import { unknownRows } from '../revisions/version-rows.ts'
import type { Status } from '../run/report.ts'
import { Session } from '../session/session.ts'
import type { CommandContext } from './context.ts'
import { editedRevisions, editedWarnings } from './edited-revisions.ts'

export interface CheckReport {
  /** `failed`: there are problems. */
  readonly status: Status
  readonly command: 'check'
  /** Rows of the version table. */
  readonly rows: readonly string[]
  /** What an upgrade to the heads would apply, in order. */
  readonly pending: readonly string[]
  /** Applied revisions whose files were edited since. */
  readonly edited: readonly string[]
  /** Rows that no revision of this bundle has. */
  readonly unknown: readonly string[]
  /** Why an upgrade to the heads would be refused, a line each. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** Whether an upgrade to the heads could run on this database, without running anything: one call. */
export async function check(
  context: CommandContext,
  { strict = false }: { readonly strict?: boolean } = {},
): Promise<CheckReport> {
  const state = await readFirstState(context, new Session(context.api, context.sessionOptions))
  const edited = editedRevisions(context, state)
  const problems: string[] = []
  const warnings = orProblem(problems, () => editedWarnings(edited, strict)) ?? []
  const steps = orProblem(problems, () =>
    planUpgrade(context.map, state.rows, 'heads').steps(state.rows),
  )
  const pending = (steps ?? []).map(({ revision }) => revision)
  if (pending.length > 0) orProblem(problems, () => refusePopulated(context.table, {}, state))
  return {
    status: problems.length === 0 ? 'succeeded' : 'failed',
    command: 'check',
    rows: state.rows,
    pending,
    edited,
    unknown: unknownRows(context.map, state.rows),
    problems,
    warnings: [...state.warnings, ...warnings, ...(state.open ? [openWarning(state.open)] : [])],
  }
}

function orProblem<T>(problems: string[], work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    problems.push(error.message)
    return undefined
  }
}
