import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../errors.ts'
import type { DatabaseState } from './database-state.ts'
import type { RunnerContext } from './runner-context.ts'

const POLL_MS = 500
/** The service ends a transaction that was idle for so long. */
const TRANSACTION_IDLE_SECONDS = 180

/** The run that is at work on the same version table; it is looked at again and again, and never queued for. */
export class OtherRun {
  readonly #context: RunnerContext
  #metAt: number | undefined

  constructor(context: RunnerContext) {
    this.#context = context
  }

  /**
   * Waits a moment, telling who is at work and when the wait ends at the latest.
   *
   * @throws CommandError when that has taken longer than `lockWaitMs`.
   */
  async wait(state: DatabaseState): Promise<void> {
    const { log, pollMs = POLL_MS, lockWaitMs = Number.POSITIVE_INFINITY } = this.#context
    this.#metAt ??= Date.now()
    const waited = Date.now() - this.#metAt
    const who = description(state)
    if (waited >= lockWaitMs) throw notFree(who, waited)
    if (who !== undefined) log.info(`waiting for ${who}`)
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

function notFree(who: string | undefined, waited: number): CommandError {
  return new CommandError(
    'LockNotFree',
    `another run was at work for ${Math.round(waited / 1000)} s, and no longer is to be waited (LOCK_WAIT): ${who ?? 'it was just over'}; run it again`,
  )
}
