import type { Client } from 'pg'
import { statementTimeout } from '../service-error.ts'
import { type BackendControl, backendPid } from './backend-control.ts'
import type { BoundQuery, QueryOutcome } from './bound-query.ts'
import { toServiceError } from './database-error-text.ts'

export interface RunLimits {
  readonly timeoutMs: number
  /** Leave the statement running when its call times out, instead of cancelling it. */
  readonly continueAfterTimeout: boolean
}

/** How long a cancelled statement may take to end before its call is answered anyway. */
const cancelGraceMs = 1_000

/** One statement on one connection under the time limit of a call. */
export class StatementRun {
  /** What the call answers: the outcome, or the error of the service. */
  readonly answer: Promise<QueryOutcome>
  /** The connection is free again; never rejects. */
  readonly settled: Promise<void>
  #running = true

  constructor(client: Client, query: BoundQuery, backends: BackendControl, limits: RunLimits) {
    client.query(query)
    this.settled = query.done.then(
      () => this.#stop(),
      () => this.#stop(),
    )
    this.answer = this.#race(backendPid(client), query, backends, limits)
    this.answer.catch(() => {})
  }

  get running(): boolean {
    return this.#running
  }

  #stop(): void {
    this.#running = false
  }

  async #race(
    pid: number,
    query: BoundQuery,
    backends: BackendControl,
    limits: RunLimits,
  ): Promise<QueryOutcome> {
    const outcome = await withinLimit(query.done, limits.timeoutMs)
    if (outcome !== undefined) return outcome
    if (!limits.continueAfterTimeout) {
      await backends.cancel(pid)
      await Promise.race([this.settled, grace()])
    }
    throw statementTimeout(pid)
  }
}

/** The outcome, or undefined when the time limit comes first; at a limit of 0 it always does. */
async function withinLimit(
  done: Promise<QueryOutcome>,
  timeoutMs: number,
): Promise<QueryOutcome | undefined> {
  if (timeoutMs === 0) return undefined
  const limit = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => limit.resolve(undefined), timeoutMs)
  try {
    return await Promise.race([done, limit.promise])
  } catch (error) {
    throw toServiceError(error)
  } finally {
    clearTimeout(timer)
  }
}

function grace(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, cancelGraceMs).unref())
}
