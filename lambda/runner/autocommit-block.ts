import { setTimeout as sleep } from 'node:timers/promises'
import { Session } from '../data-api/session.ts'
import { type CommitTrace, commitOrResolve } from './commit.ts'
import { fenceAgainStatement, journalStatement, renewLeaseStatement } from './history.ts'
import type { Journal } from './journal.ts'
import type { RunnerContext } from './runner-context.ts'

/** One step's transaction, as an autocommit block needs it. */
export interface BlockScope {
  readonly context: RunnerContext
  readonly session: Session
  readonly journal: Journal
  readonly token: string
  readonly seq: number
}

const POLL_MS = 500

/**
 * Runs `body` outside the transaction: commits what came before, journalled, and begins again afterwards.
 *
 * `onCommitted` is called when what came before is committed. Committed when it throws: everything before the block, and the statements of the block that went through. The history
 * row then is `interrupted`, and the next run goes on after what the journal says is done.
 */
export async function runAutocommitBlock(
  scope: BlockScope,
  body: () => Promise<void>,
  onCommitted: () => void,
): Promise<void> {
  const { context, session, journal, token } = scope
  await session.settled()
  if (session.failure) throw session.failure
  journal.refuseRowsRead()
  await commitJournal(scope)
  onCommitted()
  const control = new Session(context.api, context.sessionOptions)
  journal.enterBlock(async () => {
    const rows = await control.own(renewLeaseStatement(context.table, token))
    if (rows.length === 0) throw new Error(TAKEN_OVER)
  })
  await body()
  await session.settled()
  if (session.failure) throw session.failure
  journal.leaveBlock()
  await beginAgain(scope)
}

const TAKEN_OVER =
  'another run has taken this step over, because its lease had ended: nothing more is done here'

async function commitJournal(scope: BlockScope): Promise<void> {
  const { context, session, journal, token, seq } = scope
  const done = journal.count
  const rows = await session.own(
    journalStatement(context.table, token, { done, digest: journal.digest }),
  )
  if (rows.length !== 1) throw new Error(TAKEN_OVER)
  const trace: CommitTrace = {
    token,
    seq,
    isCommitted: (row) => row.outcome === 'running' && row.done === done,
  }
  if (await commitOrResolve(context, session, trace)) return
  throw new Error('the work before the autocommit block could not be committed: run it again')
}

/** A new transaction for the rest of the revision, if the step still is ours. */
async function beginAgain({ context, session, token }: BlockScope): Promise<void> {
  const fence = fenceAgainStatement(context.table, { oldToken: token, token, run: context.run })
  while (Date.now() < context.deadline) {
    await session.begin()
    const [answer] = await session.own(fence)
    if (answer?.opened === 1) return
    await session.rollback()
    if (answer?.locked === true) throw new Error(TAKEN_OVER)
    await sleep(POLL_MS)
  }
  throw new Error('the lock was not free again before the deadline')
}
