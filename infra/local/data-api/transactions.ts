import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { databaseError, type TransactionEnd, transactionNotFound } from '../service-error.ts'
import { type BackendControl, backendPid } from './backend-control.ts'
import type { ConnectionPool } from './connection-pool.ts'

export interface TransactionTimers {
  readonly transactionIdleMs: number
  readonly transactionTotalMs: number
}

/** An open transaction: one connection, and at most one call at a time. */
export interface Transaction {
  readonly id: string
  readonly database: string
  readonly client: Client
  readonly pool: ConnectionPool
  /** A call, or a statement that goes on after its call timed out, is using the connection. */
  busy: boolean
  /** A call is waiting for its answer: the idle clock stands still. */
  inCall: boolean
  idleTimer: NodeJS.Timeout
  readonly totalTimer: NodeJS.Timeout
  readonly onBackendGone: () => void
}

const rememberedEnds = 10_000

/** Open transactions by id, and why the ones no longer open ended. */
export class TransactionTable {
  readonly #timers: TransactionTimers
  readonly #backends: BackendControl
  readonly #open = new Map<string, Transaction>()
  readonly #ends = new Map<string, { readonly database: string; readonly end: TransactionEnd }>()

  constructor(timers: TransactionTimers, backends: BackendControl) {
    this.#timers = timers
    this.#backends = backends
  }

  open(database: string, client: Client, pool: ConnectionPool): Transaction {
    const id = randomBytes(120).toString('base64')
    const expire = () => void this.end(id, 'expired')
    const expireIdle = () => {
      if (!transaction.inCall) expire()
    }
    // A backend that dies takes its transaction with it.
    const onBackendGone = () => this.#remember(transaction, 'aborted')
    const transaction: Transaction = {
      id,
      database,
      client,
      pool,
      busy: false,
      inCall: false,
      idleTimer: setTimeout(expireIdle, this.#timers.transactionIdleMs).unref(),
      totalTimer: setTimeout(expire, this.#timers.transactionTotalMs).unref(),
      onBackendGone,
    }
    client.once('end', onBackendGone)
    this.#open.set(id, transaction)
    return transaction
  }

  /** Database of a transaction, also of one that has ended. */
  databaseOf(id: string): string | undefined {
    return (this.#open.get(id) ?? this.#ends.get(id))?.database
  }

  /** Takes the transaction for one call; every use of the id starts the idle clock again. */
  take(id: string): Transaction {
    const transaction = this.#open.get(id)
    // An id that never existed reads like one forgotten long ago.
    if (transaction === undefined) {
      throw transactionNotFound(id, this.#ends.get(id)?.end ?? 'expired')
    }
    transaction.idleTimer.refresh()
    if (transaction.busy) throw databaseError('Transaction is still running a query')
    transaction.busy = true
    transaction.inCall = true
    return transaction
  }

  /** The call is answered; its statement may still be running. */
  answered(transaction: Transaction): void {
    transaction.inCall = false
    if (this.#open.has(transaction.id)) transaction.idleTimer.refresh()
  }

  giveBack(transaction: Transaction): void {
    transaction.busy = false
    this.answered(transaction)
  }

  /** Ends a transaction without a commit and frees its connection. */
  async end(id: string, end: TransactionEnd): Promise<void> {
    const transaction = this.#open.get(id)
    if (transaction === undefined) return
    this.#remember(transaction, end)
    // A statement still running keeps its locks until its backend is told to stop.
    if (transaction.busy) await this.#backends.terminate(backendPid(transaction.client))
    await transaction.pool.release(transaction.client)
  }

  /** Forgets a transaction that a call is about to finish. */
  hide(transaction: Transaction): void {
    this.#remember(transaction, 'terminated')
  }

  /** Forgets a transaction that a call has finished; its connection is cleaned later. */
  close(transaction: Transaction, end: TransactionEnd): void {
    this.#remember(transaction, end)
    void transaction.pool.release(transaction.client)
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.end(id, 'terminated')))
  }

  #remember(transaction: Transaction, end: TransactionEnd): void {
    if (!this.#open.delete(transaction.id)) return
    clearTimeout(transaction.idleTimer)
    clearTimeout(transaction.totalTimer)
    transaction.client.off('end', transaction.onBackendGone)
    this.#ends.set(transaction.id, { database: transaction.database, end })
    const [oldest] = this.#ends.keys()
    if (this.#ends.size > rememberedEnds && oldest !== undefined) this.#ends.delete(oldest)
  }
}
