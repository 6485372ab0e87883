import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../errors.ts'
import type { DatabaseState, OpenStep } from '../ledger/database-state.ts'
import type { Session } from '../session/session.ts'
import { type WorkingStatement, workingStatement } from './block/statement-mark.ts'
import type { RunnerContext } from './runner-context.ts'
import { WaitLog } from './wait-log.ts'

const POLL_MS = 500
/** The service ends a transaction that was idle for so long. */
const TRANSACTION_IDLE_SECONDS = 180

/** The run that is at work on the same version table; it is looked at again and again, and never queued for. */
export class OtherRun {
  readonly #context: RunnerContext
  readonly #log: WaitLog
  #metAt: number | undefined

  constructor(context: RunnerContext) {
    this.#context = context
    this.#log = new WaitLog(context.log)
  }

  /**
   * Waits a moment, and reports who is at work and when the wait ends at the latest.
   *
   * @throws CommandError when that has taken longer than `lockWaitMs`.
   */
  async wait(state: DatabaseState): Promise<void> {
    await this.#waitFor(description(state))
  }

  /**
   * Whether a statement of the interrupted run is still at work: it has then waited a moment. Nothing of a dead run may
   * be committed after the next one has gone on.
   *
   * @throws CommandError as {@link wait} does.
   */
  async isWorking(reader: Session, open: OpenStep): Promise<boolean> {
    const statement = await workingStatement(reader, open.token)
    if (statement === undefined) return false
    await this.#waitFor(statementDescription(open, statement))
    return true
  }

  async #waitFor(who: string | undefined): Promise<void> {
    const { pollMs = POLL_MS, lockWaitMs = Number.POSITIVE_INFINITY } = this.#context
    this.#metAt ??= Date.now()
    const waited = Date.now() - this.#metAt
    if (waited >= lockWaitMs) throw notFree(who, waited)
    if (who !== undefined) this.#log.tell(`waiting for ${who}`)
    await sleep(Math.min(pollMs * (1 + 3 * Math.random()), lockWaitMs - waited))
  }
}

function description({ open, holder }: DatabaseState): string | undefined {
  if (open?.leased) {
    return `the ${open.direction} of ${open.revision} by ${open.who}, begun ${open.started_at}; if it died it is taken over in ${open.lease_seconds} s`
  }
  if (holder === null) return undefined
  const expires = Math.max(0, TRANSACTION_IDLE_SECONDS - holder.idle_seconds)
  return `another run: database process ${holder.pid} of role ${holder.role} holds the lock since ${holder.since}; if it died the service frees it in ${expires} s`
}

function statementDescription(
  { direction, revision, who }: OpenStep,
  { pid, seconds, progress }: WorkingStatement,
): string {
  return `a statement that the interrupted ${direction} of ${revision} by ${who} has left at work: database process ${pid}, for ${seconds} s${progress}; select pg_cancel_backend(${pid}) ends it`
}

function notFree(who: string | undefined, waited: number): CommandError {
  return new CommandError(
    'LockNotFree',
    `another run was at work for ${Math.round(waited / 1000)} s, and no longer is to be waited (LOCK_WAIT): ${who ?? 'it was just over'}; run it again`,
  )
}
