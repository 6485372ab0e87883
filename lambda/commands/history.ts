import { readFirstState } from '../ledger/database-state.ts'
import { type HistoryRow, recentStatement } from '../ledger/history.ts'
import { historyRevisions } from '../revisions/history-range.ts'
import { Session } from '../session/session.ts'
import type { BundledRevisions, CommandContext } from './context.ts'
import { describeRevisions, type RevisionsReport } from './revision-report.ts'

export interface HistoryReport extends RevisionsReport<'history'> {
  /** Rows of the version table; empty when no database was asked. */
  readonly current: readonly string[]
  /** What was run on this database, newest first, failed steps included; empty when no database was asked. */
  readonly runs: readonly HistoryRow[]
}

export interface HistoryOptions {
  /** `LOWER:UPPER`, as Alembic has it; either may be `current`. Default: `:`, which is all. */
  readonly range?: string
  /** How many history rows to answer. Default: 50. */
  readonly limit?: number
}

/** The revisions of a range, newest first, and the newest history rows of the database. */
export async function history(
  context: CommandContext,
  { range = ':', limit = 50 }: HistoryOptions = {},
): Promise<HistoryReport> {
  const session = new Session(context.api, context.sessionOptions)
  const { ready, rows } = await readFirstState(context, session)
  const revisions = describeRevisions(context, historyRevisions(context.map, range, rows))
  const runs = ready ? await session.read(recentStatement(context.table, limit)) : []
  return {
    status: 'succeeded',
    command: 'history',
    current: rows,
    revisions,
    runs: runs as unknown as HistoryRow[],
  }
}

/** The revisions of a range, newest first; no database call. */
export function bundleHistory(
  revisions: BundledRevisions,
  { range = ':' }: Pick<HistoryOptions, 'range'> = {},
): HistoryReport {
  return {
    status: 'succeeded',
    command: 'history',
    current: [],
    revisions: describeRevisions(revisions, historyRevisions(revisions.map, range, [])),
    runs: [],
  }
}
