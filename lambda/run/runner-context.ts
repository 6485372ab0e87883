import type { TransactionMode } from '../config.ts'
import type { DataApi } from '../data-api/data-api.ts'
import type { Direction, RunIdentity, Timeouts } from '../ledger/history.ts'
import type { VersionTable } from '../ledger/version-table.ts'
import type { Operations } from '../operations/operations.ts'
import type { SessionOptions } from '../session/session-options.ts'

/** Where the runner tells what it does; the Lambda's JSON logger and the CLI's printer both are one. */
export interface RunLog {
  info(message: string, attributes?: Record<string, unknown>): void
  warn(message: string, attributes?: Record<string, unknown>): void
  /** What is waited for, at each look; for a place that shows only the newest. Default: `info`, now and then. */
  waiting?(message: string): void
}

/** What every part of the runner works with. */
export interface RunnerContext {
  readonly api: DataApi
  readonly table: VersionTable
  readonly run: RunIdentity
  /** Statements are written into a script and not run, so nothing can be looked up. Default: false. */
  readonly offline?: boolean
  readonly log: RunLog
  /** When the run must have answered, in epoch milliseconds. */
  readonly deadline: number
  /** What to do about a revision that had too little time, for its message. Default: what helps in a Lambda. */
  readonly moreTime?: string
  /** False: less time than a run of this function has, so a step that does not fit may fit the next time. Default: true. */
  readonly fullTime?: boolean
  /** Shortest wait between two looks at what another run, or a call without an answer, is doing. Default: 500. */
  readonly pollMs?: number
  /** What the statements of a revision may take. Default: 5 s for a lock, any time for the rest. */
  readonly timeouts?: Timeouts
  /** `run`: all steps of a run are one transaction, all or nothing. Default: `revision`, each one of its own. */
  readonly transaction?: TransactionMode
  /** Whether statements that return nothing travel together. Default: true. */
  readonly batching?: boolean
  /** How long to wait for another run, in milliseconds; 0: not at all. Default: the time left. */
  readonly lockWaitMs?: number
  /** Puts a line into the log and the warnings of the report, once. Default: into the log alone. */
  warn?(line: string): void
  /** Settles when the secret has been checked, which runs beside the first Read. */
  readonly secretChecked: Promise<unknown>
  /** How every session of this run retries and reports. */
  readonly sessionOptions: SessionOptions
  /** Asked before the first step and after each wait for another run; false: the run ends there. Default: never asked. */
  mayGoOn?(): Promise<boolean>
  /** Aborted: the run ends after the step it is at. Default: it goes on to its goal. */
  readonly stop?: AbortSignal
  /** The bundle's checksum of each revision, which the first Read compares with the history's. Default: none. */
  readonly checksums?: Readonly<Record<string, string>>
}

/** One thing to do in a transaction of its own: a revision up or down, or a stamp. */
export interface RunStep {
  readonly revision: string
  readonly doc: string
  readonly direction: Direction
  readonly rowsBefore: readonly string[]
  readonly rowsAfter: readonly string[]
  /** The bundle's checksum of the revision, for the history. */
  readonly checksum?: string
  /** The revision's file, as the bundle names it. */
  readonly file?: string
  /** Whether it may be the first step in a database that holds tables no revision made. Default: false. */
  readonly intoPopulated?: boolean
  /** `null`: irreversible. A stamp runs nothing. */
  readonly run: ((op: Operations) => Promise<void> | void) | null
}

/** What is left to do from these version rows, for a goal that was fixed before; asked again after another run moved them. */
export type RunPlan = (rows: readonly string[]) => readonly RunStep[]
