import type { Client } from 'pg'
import { longestTransactionId, optionalString, type WireRequest } from '../request-checks.ts'
import { type TransactionEnd, validationError } from '../service-error.ts'
import type { CallEffects } from './call-effects.ts'
import { type Cluster, databaseOf } from './cluster.ts'
import { toServiceError } from './database-error-text.ts'
import type { TransactionTable } from './transactions.ts'

/** A connection for one statement: the transaction's, or a pooled one. */
export interface Lease {
  readonly client: Client
  readonly inTransaction: boolean
  /** Set before the release when the call has ended the transaction. */
  end: TransactionEnd | undefined
  /** The call has its answer, although its statement may go on. */
  answered(): void
  /** Resolves when the next call may follow; a pooled connection is cleaned after that. */
  release(): Promise<void>
}

interface Parts {
  readonly cluster: Cluster
  readonly transactions: TransactionTable
}

export async function openLease(
  { cluster, transactions }: Parts,
  request: WireRequest,
  effects: CallEffects,
): Promise<Lease> {
  const id = optionalString(request, 'transactionId', longestTransactionId)
  if (id === undefined) return pooledLease(cluster, request, effects)
  cluster.authorise(request)
  const database = databaseOf(request)
  const transaction = transactions.take(id)
  if (database !== undefined && database !== transaction.database) {
    transactions.giveBack(transaction)
    throw validationError(
      `Database name ${database} is not the same as the transaction's, ${transaction.database}`,
    )
  }
  const lease: Lease = {
    client: transaction.client,
    inTransaction: true,
    end: undefined,
    answered: () => transactions.answered(transaction),
    async release() {
      transactions.giveBack(transaction)
      if (lease.end !== undefined) await transactions.end(id, lease.end)
    },
  }
  return lease
}

async function pooledLease(
  cluster: Cluster,
  request: WireRequest,
  effects: CallEffects,
): Promise<Lease> {
  const { pool } = cluster.connect(request, effects)
  const client = await pool.acquire().catch((error: unknown) => {
    throw toServiceError(error)
  })
  return {
    client,
    inTransaction: false,
    end: undefined,
    answered: () => {},
    async release() {
      void pool.release(client)
    },
  }
}
