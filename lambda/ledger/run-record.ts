import { StatementError } from '../data-api/errors.ts'
import type { Row } from '../data-api/values.ts'
import type { StepReport } from '../run/report.ts'
import type { RunnerContext } from '../run/runner-context.ts'
import { Session } from '../session/session.ts'
import { literal } from '../sql/literals.ts'
import { qualified } from '../sql/qualified.ts'
import type { Direction } from './history.ts'
import { STEP_COLUMNS, stepOf, versionRows } from './movements.ts'

/** What the history says of one run, which may have had several lives and been delivered more than once. */
export interface RunRecord {
  /** Steps it has finished, oldest first. */
  readonly steps: readonly StepReport[]
  /** Version rows before its first step and after its last one; `undefined` without a finished step. */
  readonly moved: { readonly from: readonly string[]; readonly to: readonly string[] } | undefined
  /** What ended it, when a step failed that is not finished. */
  readonly failure: RecordedFailure | undefined
}

export interface RecordedFailure {
  readonly revision: string
  readonly direction: Direction
  readonly message: string
}

const NOTHING: RunRecord = { steps: [], moved: undefined, failure: undefined }

/** Reads what the history holds of the run with this context's run id. */
export async function readRunRecord({
  api,
  sessionOptions,
  table,
  run,
}: RunnerContext): Promise<RunRecord> {
  try {
    const session = new Session(api, sessionOptions)
    const rows = await session.read(
      qualified`select ${STEP_COLUMNS}, outcome, #to_json(from_rows)::#text as "from", #to_json(to_rows)::#text as "to", error from ${table.history} where run_id #=${literal(run.runId)} order by started_at, seq`,
    )
    return recordOf(rows)
  } catch (error) {
    if (error instanceof StatementError && error.code === '42P01') return NOTHING
    throw error
  }
}

function recordOf(rows: readonly Row[]): RunRecord {
  const finished = rows.filter(({ outcome }) => outcome === 'done' || outcome === 'stamped')
  const failed = rows.find((row) => isFailed(row) && !finished.some((done) => isSame(done, row)))
  const [first, last] = [finished[0], finished.at(-1)]
  return {
    steps: finished.map((row) => stepOf(row)),
    moved: first && last && { from: versionRows(first.from), to: versionRows(last.to) },
    failure: failed && {
      revision: String(failed.revision),
      direction: failed.direction as Direction,
      message: String(failed.error),
    },
  }
}

function isFailed({ outcome }: Row): boolean {
  return outcome === 'failed' || outcome === 'interrupted'
}

/**
 * Whether two rows are of the same step. A step that failed and is finished as well, by another try or another delivery
 * of the run, is finished: rows are written at different moments, so their order does not tell which came last.
 */
function isSame(one: Row, other: Row): boolean {
  return one.revision === other.revision && one.direction === other.direction
}
