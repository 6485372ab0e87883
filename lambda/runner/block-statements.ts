import { setTimeout as sleep } from 'node:timers/promises'
import type { DataApiResult } from '../data-api/data-api.ts'
import { explained, hasTimedOut, StatementError } from '../data-api/errors.ts'
import { literal } from '../data-api/literals.ts'
import { Session } from '../data-api/session.ts'
import type { SendStatement } from '../data-api/session-options.ts'
import { statementFacts } from '../data-api/statements.ts'
import {
  type ConcurrentIndex,
  concurrentIndex,
  type IndexState,
  indexState,
  isSameIndex,
  qualified,
} from './concurrent-index.ts'
import { LEASE_SECONDS, renewLeaseStatement } from './history.ts'
import type { RunnerContext } from './runner-context.ts'

export const TAKEN_OVER =
  'another run has taken this step over, because its lease had ended: nothing more is done here'

const RENEW_AFTER_MS = (LEASE_SECONDS * 1000) / 4
const POLL_MS = 500
const LOG_EVERY_MS = 15_000
const MOST_SENDS = 3
const NOTHING: DataApiResult = { numberOfRecordsUpdated: 0 }

/**
 * The statements of an autocommit block, each committed on its own and each seen through to its end.
 *
 * When a call times out or its answer is lost, the statement may still be at work: it is watched until it is gone, and
 * then the catalog tells what became of it. What the catalog cannot tell may run twice (`refuseUnrepeatable` saw to
 * that) and is sent again.
 */
export class BlockStatements {
  readonly #context: RunnerContext
  readonly #token: string
  /** Reads, and statements of the runner's own, beside the revision's. */
  readonly #control: Session
  #renewedAt = Date.now()

  constructor(context: RunnerContext, token: string) {
    this.#context = context
    this.#token = token
    this.#control = new Session(context.api, context.sessionOptions)
  }

  async carryOut(sql: string, send: SendStatement): Promise<DataApiResult> {
    const index = concurrentIndex(sql)
    for (let sends = 1; ; sends += 1) {
      await this.#renewLease()
      try {
        const answer = await send({ continueAfterTimeout: true })
        // An INVALID index is there as well, for `if not exists`.
        if (!index?.ifNotExists || (await this.#settledIndex(index)).valid) return answer
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
    if (isLost) await this.#untilGone(sql)
    if (index?.action === 'create' && (isLost || error.code === '42P07')) {
      return await this.#builtIndex(index, error)
    }
    if (index?.action === 'drop' && (isLost || error.code === '42704')) {
      return (await indexState(this.#control, index)).present ? 'again' : 'done'
    }
    if (!isLost) throw index ? await this.#withLeftover(index, error) : error
    return hasTimedOut(error) ? this.#unseenEnd(sql, error) : 'again'
  }

  /** An INVALID index of an earlier attempt makes room for a new one; of this attempt it is the failure. */
  async #builtIndex(index: ConcurrentIndex, error: StatementError): Promise<'done' | 'again'> {
    const { present, valid } = await this.#settledIndex(index)
    if (!present) return 'again'
    if (valid) {
      if (await isSameIndex(this.#control, index)) return 'done'
      throw error
    }
    if (error.code !== '42P07') throw await this.#withLeftover(index, error)
    await this.#dropInvalid(index)
    return 'again'
  }

  /** The index, once it is valid or nobody is at work on it. */
  async #settledIndex(index: ConcurrentIndex): Promise<IndexState> {
    for (;;) {
      const state = await indexState(this.#control, index)
      if (!state.present || state.valid || !state.building) return state
      await this.#pause()
    }
  }

  async #dropInvalid(index: ConcurrentIndex): Promise<void> {
    const name = qualified(index)
    this.#context.log.warn(`index ${name} was left INVALID: dropped, and built again`)
    await this.#control.execute(`drop index concurrently if exists ${name}`)
  }

  async #withLeftover(index: ConcurrentIndex, error: StatementError): Promise<StatementError> {
    const { present, valid } = await indexState(this.#control, index)
    if (!present || valid) return error
    return explained(
      error,
      `index ${qualified(index)} is left INVALID, and built anew by the next run: see that nothing is in its way, such as duplicates in a unique index`,
    )
  }

  /** Watches the statement in the database until it has ended there. */
  async #untilGone(sql: string): Promise<void> {
    const text = literal(statementFacts(sql).sql)
    for (let toldAt = 0; ; ) {
      const [row] = await this.#control.read(
        `select a.pid, floor(extract(epoch from clock_timestamp() - a.query_start))::int as seconds, p.phase, p.blocks_done, p.blocks_total from pg_stat_activity a left join pg_stat_progress_create_index p on p.pid = a.pid where a.datname = current_database() and a.usename = current_user and a.state = 'active' and a.pid <> pg_backend_pid() and a.query <> '' and starts_with(${text}, a.query) limit 1`,
      )
      if (row === undefined) return
      if (Date.now() - toldAt >= LOG_EVERY_MS) {
        toldAt = Date.now()
        const phase = row.phase
          ? `, ${row.phase}, ${row.blocks_done} of ${row.blocks_total} blocks`
          : ''
        this.#context.log.info(`still at work after ${row.seconds} s${phase}: ${sql.slice(0, 200)}`)
      }
      await this.#pause()
    }
  }

  /** What is left of a statement that went on after its time-out, when the catalog keeps no trace of it. */
  #unseenEnd(sql: string, error: StatementError): 'done' {
    const { verb } = statementFacts(sql)
    if (verb !== 'vacuum' && verb !== 'analyze' && verb !== 'analyse' && verb !== 'reindex')
      throw error
    this.#context.log.warn(
      `it took longer than the 45 s after which the Data API tells no result, and is over now: ${sql.slice(0, 200)}`,
    )
    return 'done'
  }

  async #pause(): Promise<void> {
    if (Date.now() >= this.#context.deadline) {
      throw new Error('a statement outside the transaction was still at work at the deadline')
    }
    await sleep(2 * (this.#context.pollMs ?? POLL_MS))
    await this.#renewLease()
  }

  async #renewLease(): Promise<void> {
    if (Date.now() - this.#renewedAt < RENEW_AFTER_MS) return
    const rows = await this.#control.read(renewLeaseStatement(this.#context.table, this.#token))
    if (rows.length === 0) throw new Error(TAKEN_OVER)
    this.#renewedAt = Date.now()
  }
}
