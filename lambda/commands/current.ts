import { readFirstState } from '../ledger/database-state.ts'
import { currentRevisions, unknownRows } from '../revisions/version-rows.ts'
import { Session } from '../session/session.ts'
import type { CommandContext } from './context.ts'
import { describeRevisions, type RevisionsReport } from './revision-report.ts'

/** The version rows as they are now, and which revisions they stand for. */
export interface CurrentReport extends RevisionsReport<'current'> {
  readonly rows: readonly string[]
  /** Whether every head is applied. */
  readonly atHeads: boolean
  /** Rows that no revision of this bundle has. */
  readonly unknown: readonly string[]
}

export async function current(context: CommandContext): Promise<CurrentReport> {
  const { rows } = await readFirstState(context, new Session(context.api, context.sessionOptions))
  const unknown = unknownRows(context.map, rows)
  const known = rows.filter((row) => !unknown.includes(row))
  return {
    status: 'succeeded',
    command: 'current',
    rows,
    atHeads: unknown.length === 0 && context.map.realHeads.every((head) => rows.includes(head)),
    revisions: describeRevisions(context, currentRevisions(context.map, known)),
    unknown,
  }
}
