import { readState } from '../ledger/database-state.ts'
import { movements, sameRows } from '../ledger/movements.ts'
import { Session } from '../session/session.ts'
import type { RunnerContext } from './runner-context.ts'

/** What an older bundle must know to tell a database ahead of it from a wrong one. */
export interface OlderBundle {
  isKnown(revision: string): boolean
  /** Whether everything this bundle was asked for is applied in these rows, which are all known to it. */
  isDone(rows: readonly string[]): boolean
}

/**
 * The version rows of a database that went on from this bundle with a newer one, as after a deployment that was rolled
 * back; `undefined` for any other database.
 *
 * The history must show it: followed back from the present rows without a gap, it comes to rows that this bundle knows,
 * and with these its work was done. Unknown rows of another origin (the wrong cluster, somebody else's branch, a tool
 * that writes no history) never pass.
 */
export async function rowsAhead(
  context: RunnerContext,
  { isKnown, isDone }: OlderBundle,
): Promise<readonly string[] | undefined> {
  const session = new Session(context.api, context.sessionOptions)
  const state = await readState(session, context.table)
  if (!state.ready || state.rows.every(isKnown)) return undefined
  let expected = state.rows
  for await (const { from, to } of movements(context, session)) {
    if (!sameRows(to, expected)) return undefined
    if (from.every(isKnown)) return isDone(from) ? state.rows : undefined
    expected = from
  }
  return undefined
}
