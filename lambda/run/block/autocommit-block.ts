import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { asksForRows, decodeRows } from '../../data-api/values.ts'
import { CommandError } from '../../errors.ts'
import type { HistoryEntry } from '../../ledger/history.ts'
import type { Session } from '../../session/session.ts'
import type {
  RevisionStatement,
  StatementGate,
  StatementRoute,
} from '../../session/session-options.ts'
import { asError } from '../../thrown.ts'
import { type CommitTrace, commitOrResolve, NotCommitted } from '../commit.ts'
import type { RunnerContext } from '../runner-context.ts'
import type { BlockProgress } from './block-progress.ts'
import { BlockStatements } from './block-statements.ts'
import { FenceLost } from './fence-lost.ts'
import { Lease } from './lease.ts'
import type { StatementWatch } from './statement-watch.ts'

/** One step's transaction, as its autocommit blocks need it. */
export interface BlocksScope {
  readonly context: RunnerContext
  readonly session: Session
  readonly entry: HistoryEntry
  readonly watch: StatementWatch
  readonly progress: BlockProgress
  /** `performance.now()` before the fence was sent. */
  readonly fencedAt: number
}

/**
 * Where a revision is: before its first statement; in a block; after a block with no statement of the transaction yet;
 * in the transaction, where no block may come any more.
 */
type Phase = 'start' | 'block' | 'after-block' | 'transaction'

const POLL_MS = 500

/**
 * The autocommit blocks of one revision: they come first, and hold only statements that may run twice. What follows them
 * is the revision's one transaction. So nothing that cannot run twice is committed before the version rows move, and an
 * interrupted step runs again from its start.
 *
 * The fence is committed before the first block, with a lease; the transaction after the blocks begins with a fence of
 * its own, which checks that the history row still is this step's. A statement belongs to a block when the function
 * passed to `op.autocommitBlock` has made it, or what that has called: every other statement, and every other block, is
 * refused while a block is at work.
 */
export class AutocommitBlocks implements StatementGate {
  readonly #scope: BlocksScope
  readonly #inside = new AsyncLocalStorage<BlockStatements>()
  readonly #ended = new AbortController()
  readonly #lease: Lease
  #phase: Phase = 'start'
  #current: BlockStatements | undefined
  #first = ''
  #hasOpened = false

  constructor(scope: BlocksScope) {
    this.#scope = scope
    this.#lease = new Lease(scope.context, scope.entry.token, scope.fencedAt)
  }

  /** Whether the step's history row is committed as `running`. */
  get hasOpened(): boolean {
    return this.#hasOpened
  }

  /** Whether a block is at work. */
  get isInBlock(): boolean {
    return this.#phase === 'block'
  }

  admit(made: RevisionStatement): StatementRoute | undefined {
    const { sql } = made.statement
    const inside = this.#inside.getStore()
    if (this.#phase === 'block') {
      if (inside !== this.#current) throw beside(sql)
      this.#refuseUnrepeatable(made)
      return inside
    }
    if (inside !== undefined) throw afterItsBlock(sql)
    if (this.#phase === 'after-block')
      void this.#beginTransaction().catch(() => 'it is the failure')
    if (this.#phase !== 'transaction') this.#first = sql
    this.#phase = 'transaction'
    return undefined
  }

  /** Runs `body` outside the transaction. What it throws is the failure of the revision, caught or not. */
  async run(body: () => Promise<void>): Promise<void> {
    const { session } = this.#scope
    try {
      this.#refuseBlock()
      await this.#runBlock(body)
    } catch (error) {
      session.fail(asError(error))
      throw error
    }
  }

  /** The transaction for the version rows, where no statement came after the blocks. */
  async finish(): Promise<void> {
    if (this.#phase !== 'after-block') return
    this.#phase = 'transaction'
    await this.#beginTransaction()
  }

  /** Waits for nothing more. */
  end(): void {
    this.#ended.abort()
  }

  async #runBlock(body: () => Promise<void>): Promise<void> {
    const isFirst = this.#phase === 'start'
    const block = this.#newBlock()
    this.#current = block
    this.#phase = 'block'
    try {
      if (isFirst) await this.#commitFence()
      await this.#inside.run(block, body)
      await this.#scope.session.flush()
    } finally {
      this.#current = undefined
      this.#phase = 'after-block'
    }
  }

  #newBlock(): BlockStatements {
    const { context, entry, progress } = this.#scope
    const scope = { context, token: entry.token, lease: this.#lease, progress }
    return new BlockStatements({ ...scope, ended: this.#ended.signal })
  }

  #refuseBlock(): void {
    if (this.#scope.context.transaction === 'run') throw inOneTransaction()
    if (this.#inside.getStore() !== undefined) throw nested()
    if (this.#phase === 'block') throw twoAtOnce()
    if (this.#phase === 'transaction') throw notFirst(this.#first, this.#hasOpened)
  }

  #refuseUnrepeatable({ statement, returns, repeatable }: RevisionStatement): void {
    const { sql, facts } = statement
    if (returns === 'nothing' && facts.repeatable) return
    if (returns !== 'nothing' || !repeatable) throw notRepeatable(sql)
    if (!facts.changesRows) return
    const { log, warn = (line) => log.warn(line) } = this.#scope.context
    warn(
      `an autocommit block commits '${sql.slice(0, 80)}' by itself, and may run it twice: it must leave the same rows each time, as 'set x = 1' does and 'set x = x + 1' does not`,
    )
  }

  async #commitFence(): Promise<void> {
    const { context, session, entry, watch } = this.#scope
    const { token, seq } = entry
    const trace: CommitTrace = { token, seq, isCommitted: ({ outcome }) => outcome === 'running' }
    await session.flush()
    // Before it is certain: what ends the step then looks for the row.
    this.#hasOpened = true
    watch.backend = undefined
    if (await commitOrResolve(context, session, trace)) return
    this.#hasOpened = false
    throw new NotCommitted()
  }

  /** The transaction of what follows the blocks, if the step still is this run's. In line before what is sent next. */
  async #beginTransaction(): Promise<void> {
    const { context, session, entry, watch } = this.#scope
    const { transaction } = session
    const fence = asksForRows(context.table.fenceAgainStatement(entry, entry.token))
    await transaction.accept(async () => {
      if (session.failure) throw session.failure
      while (Date.now() < context.deadline && !this.#ended.signal.aborted) {
        await transaction.begin()
        const [row] = decodeRows(await transaction.send(fence))
        if (row?.opened === 1) {
          watch.backend = Number(row.pid)
          return
        }
        await transaction.rollBackInTurn()
        if (row?.locked === true) throw new FenceLost('another run has taken this step over')
        await sleep(context.pollMs ?? POLL_MS)
      }
      throw new FenceLost('the lock was not free again')
    })
  }
}

const BLOCKS_FIRST =
  'the blocks of a revision come first, because they are committed by themselves and what follows them is one transaction'

function notFirst(sql: string, afterBlock: boolean): CommandError {
  const before = `'${sql.slice(0, 80)}'`
  return new CommandError(
    'BlockNotFirst',
    afterBlock
      ? `op.autocommitBlock comes after ${before}, which follows an earlier block: ${BLOCKS_FIRST}; put what follows ${before} into a revision of its own`
      : `op.autocommitBlock comes after ${before}: ${BLOCKS_FIRST}; put what comes before the block into a revision of its own`,
  )
}

function beside(sql: string): CommandError {
  return new CommandError(
    'BesideBlock',
    `'${sql.slice(0, 80)}' comes beside an op.autocommitBlock that has not ended: add the missing 'await' before the block, or move the statement behind it`,
  )
}

function afterItsBlock(sql: string): CommandError {
  return new CommandError(
    'AfterBlock',
    `'${sql.slice(0, 80)}' belongs to an op.autocommitBlock that has ended: add the missing 'await' inside the block`,
  )
}

function nested(): CommandError {
  return new CommandError(
    'NestedBlock',
    'op.autocommitBlock inside op.autocommitBlock: write the statements of both into one block',
  )
}

function twoAtOnce(): CommandError {
  return new CommandError(
    'BesideBlock',
    "op.autocommitBlock beside another one that has not ended: add the missing 'await' before the first",
  )
}

function inOneTransaction(): CommandError {
  return new CommandError(
    'BlockInOneTransaction',
    "op.autocommitBlock commits its statements by themselves, and with transaction 'run' all revisions are one transaction: run up to this revision first, with transaction 'revision'",
  )
}

function notRepeatable(sql: string): CommandError {
  return new CommandError(
    'NotRepeatable',
    `inside op.autocommitBlock only statements that may run twice are allowed (create or drop index concurrently, reindex concurrently, vacuum, analyze, alter type … add value if not exists), not '${sql.slice(0, 80)}': move it out of the block, or pass { repeatable: true } to op.execute if it may run twice`,
  )
}
