import type { DataApi } from '../data-api/data-api.ts'
import type { SessionOptions } from '../data-api/session.ts'
import type { Operations } from '../operations/operations.ts'
import type { Direction, RunIdentity } from './history.ts'
import type { VersionTable } from './version-table.ts'

/** Where the runner tells what it does; the Lambda's JSON logger and the CLI's printer both are one. */
export interface RunLog {
  info(message: string, attributes?: Record<string, unknown>): void
  warn(message: string, attributes?: Record<string, unknown>): void
}

/** What every part of the runner works with. */
export interface RunnerContext {
  readonly api: DataApi
  readonly table: VersionTable
  readonly run: RunIdentity
  readonly log: RunLog
  /** When the run must have answered, in epoch milliseconds. */
  readonly deadline: number
  /** Settles when the secret has been checked, which runs beside the first Read. */
  readonly secretChecked: Promise<unknown>
  /** How every session of this run retries and reports. */
  readonly sessionOptions: SessionOptions
}

/** One thing to do in a transaction of its own: a revision up or down, or a stamp. */
export interface RunStep {
  readonly revision: string
  readonly doc: string
  readonly direction: Direction
  readonly rowsBefore: readonly string[]
  readonly rowsAfter: readonly string[]
  /** `null`: irreversible. A stamp runs nothing. */
  readonly run: ((op: Operations) => Promise<void> | void) | null
}

/** What is left to do from these version rows, for a goal that was fixed before; asked again after another run moved them. */
export type RunPlan = (rows: readonly string[]) => readonly RunStep[]
