import { setTimeout as sleep } from 'node:timers/promises'
import { StatementError } from '../data-api/errors.ts'
import { UnknownOutcome } from '../errors.ts'
import { readState } from '../ledger/database-state.ts'
import { outcomeStatement } from '../ledger/history.ts'
import { Session } from '../session/session.ts'
import type { RunnerContext } from './runner-context.ts'

/** The connection broke at a commit, and nothing of the transaction is committed. */
export class NotCommitted extends Error {
  override readonly name = 'NotCommitted'

  constructor() {
    super('the connection broke at the commit, and nothing was committed: run it again')
  }
}

/** What the transaction leaves in the history when it is committed. */
export interface CommitTrace {
  readonly token: string
  readonly seq: number
  isCommitted(row: { readonly outcome: string }): boolean
}

const POLL_MS = 500

/**
 * Commits; when the answer is lost, finds out what happened instead of guessing. False: it was not committed.
 *
 * The transaction is rolled back: if that works, it was not committed. If it is gone, the COMMIT may still be in flight
 * (a row was seen to appear 2.3 s later), so the lock is watched: once it is free, or a newer history row is there, a
 * read *in a later call* sees the row or it will never come.
 *
 * Throws the {@link StatementError} of a commit the database refused (a deferred constraint, a serialization failure),
 * and {@link UnknownOutcome} when the deadline comes before the answer.
 */
export async function commitOrResolve(
  context: RunnerContext,
  session: Session,
  trace: CommitTrace,
): Promise<boolean> {
  try {
    await session.commit()
    return true
  } catch (error) {
    if (!(error instanceof StatementError)) throw error
    const gone = error.exception === 'TransactionNotFoundException'
    if (error.outcome === 'refused' && !gone) throw error
    context.log.warn('commit without a clear answer: asking the database what happened', {
      error: error.message,
    })
    if (await rolledBack(context, session)) return false
    return await traceIsThere(context, trace)
  }
}

/** True when the transaction was still open and is rolled back now: its COMMIT never took place. */
async function rolledBack(context: RunnerContext, session: Session): Promise<boolean> {
  for (;;) {
    try {
      return await session.rollback()
    } catch (error) {
      await pause(context, error)
    }
  }
}

async function traceIsThere(context: RunnerContext, trace: CommitTrace): Promise<boolean> {
  for (;;) {
    try {
      const session = new Session(context.api, context.sessionOptions)
      const state = await readState(session, context.table)
      // Our own row may be there since an earlier commit of the step.
      const settled = state.holder === null || state.lastSeq > trace.seq
      const [row] = await session.read(outcomeStatement(context.table, trace.token))
      if (row && trace.isCommitted({ outcome: String(row.outcome) })) return true
      if (settled) return false
      await pause(context, undefined)
    } catch (error) {
      if (error instanceof UnknownOutcome) throw error
      await pause(context, error)
    }
  }
}

async function pause(context: RunnerContext, cause: unknown): Promise<void> {
  const pollMs = 2 * (context.pollMs ?? POLL_MS)
  if (Date.now() + pollMs >= context.deadline) {
    throw new UnknownOutcome(
      'the answer to a commit was lost and the database could not be asked before the deadline: run the same command again, it finds out and goes on',
      { cause },
    )
  }
  await sleep(pollMs)
}
