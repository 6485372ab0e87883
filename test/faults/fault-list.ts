import type { Call, FaultKind } from '../../infra/local/local-aurora.ts'

/** One way to fail, for one call or for several in a row. */
export interface Fault {
  readonly name: string
  readonly kind: FaultKind
  readonly times?: number
}

/** How long the client waits for an answer in these suites. */
export const PATIENCE_MS = 1_200

const status = (code: 500 | 503 | 504, when: 'before' | 'after'): Fault => ({
  name: `${code} ${when}`,
  kind: { status: code, when },
})

export const FAULTS: readonly Fault[] = [
  { name: 'cut before', kind: 'cut-before' },
  { name: 'cut after', kind: 'cut-after' },
  status(500, 'before'),
  status(500, 'after'),
  status(503, 'before'),
  status(503, 'after'),
  status(504, 'before'),
  status(504, 'after'),
  { name: 'throttled', kind: 'throttle' },
  { name: 'resuming', kind: { resuming: 0.4 } },
  { name: 'statement timeout', kind: 'statement-timeout' },
  { name: 'transaction expired', kind: 'transaction-expired' },
  { name: 'password rejected', kind: 'password-rejected' },
  { name: 'backend killed', kind: 'kill-backend' },
  { name: 'server frozen', kind: 'freeze' },
  { name: 'answer too late', kind: { delay: PATIENCE_MS + 200 } },
  { name: 'cut, carried out later', kind: { late: 900 } },
  { name: '3 calls cut before', kind: 'cut-before', times: 3 },
  { name: '3 calls cut after', kind: 'cut-after', times: 3 },
  { name: '3 calls 503 before', kind: { status: 503, when: 'before' }, times: 3 },
  { name: '3 calls 500 after', kind: { status: 500, when: 'after' }, times: 3 },
]

/** Whether the fault can hit this call, as local Aurora decides it. */
export function hits({ kind }: Fault, { operation, transactionId }: Call): boolean {
  const statement = operation === 'ExecuteStatement'
  if (kind === 'statement-timeout') return statement
  if (kind === 'transaction-expired') return transactionId !== undefined
  if (kind === 'password-rejected') {
    return operation === 'BeginTransaction' || (statement && transactionId === undefined)
  }
  if (typeof kind === 'object' && 'resuming' in kind) {
    return statement || operation === 'BeginTransaction'
  }
  return true
}
