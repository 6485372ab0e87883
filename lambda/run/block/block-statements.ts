import { setTimeout as sleep } from 'node:timers/promises'
import type { DataApiResult, DataApiStatement } from '../../data-api/data-api.ts'
import { explained, hasTimedOut, StatementError } from '../../data-api/errors.ts'
import { CommandError } from '../../errors.ts'
import { asWritten, behind } from '../../session/enclosed-statement.ts'
import { Session } from '../../session/session.ts'
import type { SendStatement, StatementRoute } from '../../session/session-options.ts'
import { qualified } from '../../sql/qualified.ts'
import { statementFacts } from '../../sql/statement.ts'
import { MAX_SQL_CHARACTERS } from '../../sql/statement-length.ts'
import type { RunnerContext } from '../runner-context.ts'
import type { BlockProgress } from './block-progress.ts'
import {
  type ConcurrentIndex,
  concurrentIndex,
  type IndexState,
  indexState,
  isSameIndex,
  qualifiedIndex,
} from './concurrent-index.ts'
import type { Lease } from './lease.ts'
import { statementMark, type WorkingStatement, workingStatement } from './statement-mark.ts'

const POLL_MS = 500
const LOG_EVERY_MS = 15_000
const MOST_SENDS = 3
const SHOWN_CHARACTERS = 200
/** Statements that do no harm where they did not end well. */
const SEEN_NOWHERE = new Set(['vacuum', 'analyze', 'analyse', 'reindex'])
const NOTHING: DataApiResult = { numberOfRecordsUpdated: 0 }

/** What the statements of a step's autocommit blocks work with. */
export interface BlockScope {
  readonly context: RunnerContext
  /** That of the step's history row. */
  readonly token: string
  readonly lease: Lease
  readonly progress: BlockProgress
  /** Aborted: the step has ended, and nothing more is waited for. */
  readonly ended: AbortSignal
}

/**
 * The statements of an autocommit block, each committed on its own and each followed to its end.
 *
 * When a call times out or its result is lost, the statement may still be at work: it is watched until it has ended, and
 * then the catalog tells what became of it. What the catalog cannot tell may run twice (`refuseUnrepeatable` has checked
 * that) and is sent again.
 */
export class BlockStatements implements StatementRoute {
  readonly #scope: BlockScope
  /** Reads, and statements of the runner's own, beside the revision's. */
  readonly #control: Session

  constructor(scope: BlockScope) {
    this.#scope = scope
    this.#control = new Session(scope.context.api, scope.context.sessionOptions)
  }

  async carryOut(statement: DataApiStatement, send: SendStatement): Promise<DataApiResult> {
    const { progress } = this.#scope
    const written = asWritten(statement)
    if (!progress.next(written)) return NOTHING
    try {
      const result = await this.#followed(written, this.#marked(statement, send))
      progress.done()
      return result
    } catch (error) {
      if (error instanceof StatementError && error.outcome === 'refused') progress.failed()
      throw error
    }
  }

  /** Sends the statement behind its mark. */
  #marked(statement: DataApiStatement, send: SendStatement): () => Promise<DataApiResult> {
    const { token, lease } = this.#scope
    const mark = statementMark(token)
    const { sql } = statement
    if (mark.length + sql.length > MAX_SQL_CHARACTERS) throw tooLong(sql, mark.length)
    const marked = { ...behind(mark, statement), continueAfterTimeout: true }
    return () => send(marked, { harmless: false, before: lease.hold })
  }

  async #followed(
    { sql }: DataApiStatement,
    send: () => Promise<DataApiResult>,
  ): Promise<DataApiResult> {
    // A script is not sent, and has no catalog to look at.
    if (this.#scope.context.offline) return await send()
    const index = concurrentIndex(sql)
    for (let sends = 1; ; sends += 1) {
      try {
        const result = await send()
        // An INVALID index is there as well, for `if not exists`.
        if (!index?.ifNotExists || (await this.#settledIndex(index)).valid) return result
        await this.#dropInvalid(index)
      } catch (error) {
        if (!(error instanceof StatementError)) throw error
        const verdict = await this.#resolve(sql, index, error)
        if (verdict === 'done') return NOTHING
        if (sends === MOST_SENDS) throw error
      }
    }
  }

  /** Whether a statement that failed is done all the same, or to be sent again; throws when it really failed. */
  async #resolve(
    sql: string,
    index: ConcurrentIndex | undefined,
    error: StatementError,
  ): Promise<'done' | 'again'> {
    const isLost = error.outcome === 'unknown' || hasTimedOut(error)
    if (isLost) await this.#untilEnded(sql)
    if (index?.action === 'create' && (isLost || error.code === '42P07')) {
      return await this.#builtIndex(index, isLost ? withoutResult(error) : error)
    }
    if (index?.action === 'drop' && (isLost || error.code === '42704')) {
      return (await indexState(this.#control, index)).present ? 'again' : 'done'
    }
    if (!isLost) throw await this.#explained(error, index)
    return hasTimedOut(error) ? this.#unseenEnd(sql) : 'again'
  }

  /** An INVALID index of an earlier attempt makes room for a new one; of this attempt it is the failure. */
  async #builtIndex(index: ConcurrentIndex, error: StatementError): Promise<'done' | 'again'> {
    const { present, valid } = await this.#settledIndex(index)
    if (!present) return 'again'
    if (valid) {
      if (await isSameIndex(this.#control, index)) return 'done'
      throw error
    }
    if (error.code !== '42P07') throw await this.#explained(error, index)
    await this.#dropInvalid(index)
    return 'again'
  }

  /** The index, once it is valid or no process is at work on it. */
  async #settledIndex(index: ConcurrentIndex): Promise<IndexState> {
    for (;;) {
      const state = await indexState(this.#control, index)
      if (!state.present || state.valid || !state.building) return state
      await this.#pause()
    }
  }

  async #dropInvalid(index: ConcurrentIndex): Promise<void> {
    const name = qualifiedIndex(index)
    this.#scope.context.log.warn(`index ${name} was left INVALID: dropped, and built again`)
    await this.#control.own(`drop index concurrently if exists ${name}`)
  }

  async #explained(
    error: StatementError,
    index: ConcurrentIndex | undefined,
  ): Promise<StatementError> {
    const named = await this.#withTimeout(error)
    if (index === undefined) return named
    const { present, valid } = await indexState(this.#control, index)
    if (!present || valid) return named
    return explained(
      named,
      `index ${qualifiedIndex(index)} is left INVALID, and built anew by the next run: see that nothing is in its way, such as duplicates in a unique index`,
    )
  }

  /** Names the setting of the role or the database that ended the statement: this package sets none in a block. */
  async #withTimeout(error: StatementError): Promise<StatementError> {
    if (error.code !== '57014' || !error.message.includes('statement timeout')) return error
    const [row] = await this.#control.read(
      qualified`select #current_setting('statement_timeout') as value, current_user::#text as role`,
    )
    return explained(
      error,
      `the role or the database sets statement_timeout to ${row?.value}, which also ends the statements of an autocommit block: alter role ${row?.role} set statement_timeout = 0`,
    )
  }

  /** Watches the statement in the database until it has ended there. */
  async #untilEnded(sql: string): Promise<void> {
    const { context, token } = this.#scope
    for (let loggedAt = 0; ; ) {
      const working = await workingStatement(this.#control, token)
      if (working === undefined) return
      if (Date.now() - loggedAt >= LOG_EVERY_MS) {
        loggedAt = Date.now()
        context.log.info(stillWorking(working, sql))
      }
      await this.#pause()
    }
  }

  /** What is left of a statement that went on after its time-out, when the catalog keeps no trace of it. */
  #unseenEnd(sql: string): 'done' {
    const { verb } = statementFacts(sql)
    if (!SEEN_NOWHERE.has(verb)) throw tooSlow(sql)
    this.#scope.context.log.warn(
      `it took longer than the 45 s after which the Data API returns no result, and has ended now: ${sql.slice(0, SHOWN_CHARACTERS)}`,
    )
    return 'done'
  }

  async #pause(): Promise<void> {
    const { context, ended, lease } = this.#scope
    await sleep(2 * (context.pollMs ?? POLL_MS), undefined, { signal: ended })
    await lease.hold()
  }
}

function stillWorking({ seconds, progress }: WorkingStatement, sql: string): string {
  return `still at work after ${seconds} s${progress}: ${sql.slice(0, SHOWN_CHARACTERS)}`
}

/** The error of a statement that ended after the service had stopped waiting: no error that another try would not meet. */
function withoutResult(error: StatementError): StatementError {
  const message = 'it failed, and how is not known, because the Data API returned no result for it'
  return new StatementError(
    error.sql,
    { exception: 'ResultLost', outcome: 'refused', message },
    error,
  )
}

/** No error of the database, which would have the revision tried again: it would take as long again. */
function tooSlow(sql: string): CommandError {
  return new CommandError(
    'ResultLost',
    `a statement of an autocommit block took longer than the 45 s of the Data API, so its result is lost and it may be committed or not: divide it into shorter ones, by ranges of a key (it begins: ${sql.slice(0, 80)})`,
  )
}

function tooLong(sql: string, mark: number): CommandError {
  return new CommandError(
    'StatementTooLong',
    `a statement of an autocommit block has ${sql.length} characters and may have at most ${MAX_SQL_CHARACTERS - mark}: split it (it begins: ${sql.slice(0, 80)})`,
  )
}
