import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../data-api/session.ts'
import { BlockStatements, TAKEN_OVER } from './block-statements.ts'
import { type CommitTrace, commitOrResolve } from './commit.ts'
import type { HistoryEntry } from './history.ts'
import type { Journal } from './journal.ts'
import type { RunnerContext } from './runner-context.ts'
import type { StatementWatch } from './statement-watch.ts'

/** One step's transaction, as an autocommit block needs it. */
export interface BlockScope {
  readonly context: RunnerContext
  readonly session: Session
  readonly journal: Journal
  readonly entry: HistoryEntry
  readonly watch: StatementWatch
}

const POLL_MS = 500

/**
 * Runs `body` outside the transaction: commits what came before, journalled, and begins again afterwards.
 *
 * `onCommitted` is called when what came before is committed. Committed when it throws: everything before the block, and
 * the statements of the block that went through. The history row then is `interrupted`, and the next run goes on after
 * what the journal says is done.
 */
export async function runAutocommitBlock(
  scope: BlockScope,
  body: () => Promise<void>,
  onCommitted: () => void,
): Promise<void> {
  const { context, session, journal, entry, watch } = scope
  await session.flush()
  journal.refuseRowsRead()
  await commitJournal(scope)
  onCommitted()
  watch.backend = undefined
  journal.enterBlock(new BlockStatements(context, entry.token))
  await body()
  await session.flush()
  journal.leaveBlock()
  await beginAgain(scope)
}

async function commitJournal(scope: BlockScope): Promise<void> {
  const { context, session, journal } = scope
  const { token, seq } = scope.entry
  const done = journal.count
  const rows = await session.own(
    context.table.journalStatement(token, { done, digest: journal.digest }),
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
async function beginAgain({ context, session, entry, watch }: BlockScope): Promise<void> {
  const { token, timeouts } = entry
  const fence = context.table.fenceAgainStatement({
    oldToken: token,
    token,
    run: context.run,
    timeouts,
  })
  while (Date.now() < context.deadline) {
    await session.begin()
    const [answer] = await session.own(fence)
    if (answer?.opened === 1) {
      watch.backend = Number(answer.pid)
      return
    }
    await session.rollback()
    if (answer?.locked === true) throw new Error(TAKEN_OVER)
    await sleep(context.pollMs ?? POLL_MS)
  }
  throw new Error('the lock was not free again before the deadline')
}
