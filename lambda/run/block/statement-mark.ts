import type { Session } from '../../session/session.ts'
import { literal } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'

/** A statement that a database process works on. */
export interface WorkingStatement {
  readonly pid: number
  readonly seconds: number
  /** What `pg_stat_progress_create_index` says of it; empty for any other statement. */
  readonly progress: string
}

/**
 * The comment before each statement of an autocommit block: with the token of the step's history row, so that the
 * statement can be found in `pg_stat_activity` after the run that sent it is dead. It comes first, because PostgreSQL
 * shows only the beginning of a long statement there.
 */
export function statementMark(token: string): string {
  return `/* aurora-migrations ${token} */ `
}

/** The statement with this token that is still at work in the database, if there is one. */
export async function workingStatement(
  reader: Session,
  token: string,
): Promise<WorkingStatement | undefined> {
  const [row] = await reader.read(
    qualified`select a.pid, #floor(extract(epoch from #clock_timestamp() #- a.query_start))::#int4 as seconds, p.phase, p.blocks_done, p.blocks_total from #pg_stat_activity a left join #pg_stat_progress_create_index p on p.pid #= a.pid where a.state #= 'active' and a.pid #<> #pg_backend_pid() and #starts_with(a.query,${literal(statementMark(token).trimEnd())}) limit 1`,
  )
  if (row === undefined) return undefined
  const { phase, blocks_done, blocks_total } = row
  return {
    pid: Number(row.pid),
    seconds: Number(row.seconds),
    progress: phase ? `, ${phase}, ${blocks_done} of ${blocks_total} blocks` : '',
  }
}
