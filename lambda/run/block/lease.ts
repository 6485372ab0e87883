import { LEASE_SECONDS, renewLeaseStatement } from '../../ledger/history.ts'
import { Session } from '../../session/session.ts'
import type { RunnerContext } from '../runner-context.ts'
import { FenceLost } from './fence-lost.ts'

const LEASE_MS = LEASE_SECONDS * 1000
/**
 * What must be left of the lease when a statement is sent: longer than the 60 s after which the client gives the call
 * up, so that no call of this run can begin once another run may take the step over.
 */
const LEAST_MS = LEASE_MS * 0.75

/** The time for which other runs leave a step alone that works outside a transaction. */
export class Lease {
  readonly #context: RunnerContext
  readonly #token: string
  readonly #control: Session
  #endsAt: number

  /** `since`: a moment before the database wrote the lease, by `performance.now()`. */
  constructor(context: RunnerContext, token: string, since: number) {
    this.#context = context
    this.#token = token
    this.#control = new Session(context.api, context.sessionOptions)
    this.#endsAt = since + LEASE_MS
  }

  /**
   * Renews the lease when less than three quarters of it are left.
   *
   * @throws FenceLost when another run has taken the step over.
   */
  readonly hold = async (): Promise<void> => {
    const now = performance.now()
    if (this.#endsAt - now >= LEAST_MS) return
    const rows = await this.#control.read(renewLeaseStatement(this.#context.table, this.#token))
    if (rows.length === 0) throw new FenceLost('another run has taken this step over')
    this.#endsAt = now + LEASE_MS
  }
}
