import { randomUUID } from 'node:crypto'
import type { RunnerContext } from '../run/runner-context.ts'
import { Session } from '../session/session.ts'
import { messageOf } from '../thrown.ts'
import {
  type Failure,
  failedStatement,
  type HistoryEntry,
  interruptedStatement,
} from './history.ts'

/**
 * Writes what failed into the history: on the step's own row where that is committed, else in a row of its own.
 *
 * Both statements may be sent twice. A row of its own has a token of its own: the step's may still be held by its
 * transaction, if the rollback got no answer.
 */
export async function recordFailure(
  { table, api, sessionOptions, log }: RunnerContext,
  entry: HistoryEntry,
  failure: Failure & { readonly hasRow: boolean },
): Promise<void> {
  const control = new Session(api, sessionOptions)
  try {
    const marked = failure.hasRow
      ? await control.read(interruptedStatement(table, entry.token, failure))
      : []
    if (marked.length > 0) return
    await control.read(failedStatement(table, { ...entry, token: randomUUID() }, failure))
  } catch (error) {
    log.warn('the failure could not be written to the history', { error: messageOf(error) })
  }
}
