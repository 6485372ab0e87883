import type { Operation } from '../calls.ts'

export type FaultKind =
  | 'cut-before'
  | 'cut-after'
  | 'throttle'
  | 'statement-timeout'
  | 'transaction-expired'
  | 'password-rejected'
  | 'kill-backend'
  | 'freeze'
  | { readonly status: 500 | 503 | 504; readonly when: 'before' | 'after' }
  | { readonly resuming: number }
  | { readonly delay: number }
  /** The socket is cut at once and the call carried out so many ms later; a commit's transaction cannot be found meanwhile. */
  | { readonly late: number }

/** Which calls fail, and how. A rule without conditions hits the next call it can hit. */
export interface FaultRule {
  /** Only calls of this database, those of its transactions included. */
  readonly database?: string
  /** Only from the nth call on (1 = the next), counting every call of the database from now. */
  readonly nth?: number
  readonly operation?: Operation
  /** Only statements whose SQL matches; a string is the source of a regular expression. */
  readonly sqlPattern?: RegExp | string
  /** How many calls are hit. Default: 1. `resuming` goes by time instead. */
  readonly times?: number
  readonly kind: FaultKind
}

/** A rule that was added; tells how many calls it has hit. */
export interface ArmedFault {
  readonly fired: number
}

export interface Faults {
  add(rule: FaultRule): ArmedFault
  /** Forgets all rules, or those that name the database. */
  clear(database?: string): void
}

/** What the rules look at. */
export interface FaultedCall {
  readonly operation: Operation
  readonly database?: string
  readonly sql?: string
  readonly transactionId?: string
}

interface Armed {
  readonly rule: FaultRule
  readonly pattern: RegExp | undefined
  seen: number
  left: number
  fired: number
  resumesAt: number | undefined
}

/** The rules of one local Aurora, in the order they were added: the first that matches wins. */
export class FaultRules implements Faults {
  #armed: Armed[] = []

  add(rule: FaultRule): ArmedFault {
    const pattern = rule.sqlPattern === undefined ? undefined : new RegExp(rule.sqlPattern)
    const left = rule.times ?? 1
    const armed = { rule, pattern, seen: 0, left, fired: 0, resumesAt: undefined }
    this.#armed.push(armed)
    return armed
  }

  clear(database?: string): void {
    this.#armed = this.#armed.filter(
      ({ rule }) => database !== undefined && rule.database !== database,
    )
  }

  /** The fault that hits this call, if any. Every call must be shown exactly once. */
  match(call: FaultedCall): FaultKind | undefined {
    let kind: FaultKind | undefined
    for (const armed of this.#armed) {
      const { rule } = armed
      if (rule.database !== undefined && rule.database !== call.database) continue
      armed.seen += 1
      if (kind === undefined && hits(armed, call)) kind = rule.kind
    }
    this.#armed = this.#armed.filter(isAlive)
    return kind
  }
}

function hits(armed: Armed, call: FaultedCall): boolean {
  const { rule, pattern } = armed
  if (rule.nth !== undefined && armed.seen < rule.nth) return false
  if (rule.operation !== undefined && rule.operation !== call.operation) return false
  if (pattern !== undefined && (call.sql === undefined || call.sql.search(pattern) === -1)) {
    return false
  }
  const applies = isApplicable(rule.kind, call)
  // A chosen call that the fault cannot hit uses the rule up all the same.
  if (!applies && rule.nth === undefined) return false
  if (typeof rule.kind === 'object' && 'resuming' in rule.kind) {
    armed.resumesAt ??= Date.now() + rule.kind.resuming * 1000
    if (Date.now() >= armed.resumesAt) return false
  } else {
    armed.left -= 1
  }
  if (applies) armed.fired += 1
  return applies
}

function isAlive({ left, resumesAt }: Armed): boolean {
  return left > 0 && (resumesAt === undefined || Date.now() < resumesAt)
}

function isApplicable(kind: FaultKind, { operation, transactionId }: FaultedCall): boolean {
  const statement = operation === 'ExecuteStatement' || operation === 'BatchExecuteStatement'
  const opensConnection =
    operation === 'BeginTransaction' || (statement && transactionId === undefined)
  if (kind === 'statement-timeout') return statement
  if (kind === 'transaction-expired') return transactionId !== undefined
  if (kind === 'password-rejected') return opensConnection
  if (kind === 'kill-backend') return operation !== 'GetSecretValue'
  // Commit and rollback do not list the exception: an open transaction keeps the instance awake.
  if (typeof kind === 'object' && 'resuming' in kind) {
    return operation === 'BeginTransaction' || statement
  }
  return true
}
