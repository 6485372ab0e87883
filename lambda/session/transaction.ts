import { setImmediate } from 'node:timers/promises'
import { Calls } from '../data-api/calls.ts'
import type { DataApi, DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import type { StatementError } from '../data-api/errors.ts'
import type { Repeatable } from '../data-api/retry.ts'
import { asksForRows } from '../data-api/values.ts'
import { withPlainColons } from '../sql/named-parameters.ts'
import type { Statement } from '../sql/statement.ts'
import { causesOf } from '../thrown.ts'
import { type BatchedStatement, NotSent, sendBatch } from './batch.ts'
import { KeepAlive } from './keep-alive.ts'
import type { SessionOptions } from './session-options.ts'

/** What a batch may take of a request, which has 4 MiB: its text is JSON within JSON there. */
const MAX_BATCH_CHARACTERS = 256 * 1024

/** As at the top of a dump. */
const NO_TIMEOUT = /^set\s+(?:local\s+)?statement_timeout\s*(?:=|\bto\b)\s*(?:0|'0')$/i

/**
 * The Data API transaction: calls on it are made one after the other, because the service refuses a second one while
 * one runs, and after a call that failed nothing is sent any more but `rollback to savepoint` and the rollback.
 *
 * Statements whose results nobody waits for are put off and travel together, before whatever is sent next.
 */
export class Transaction {
  readonly #calls: Calls
  readonly #options: SessionOptions
  readonly #keepAlive: KeepAlive
  #line: Promise<unknown> = Promise.resolve()
  #inLine = 0
  #id: string | undefined
  #failure: Error | undefined
  #failedPutOff = false
  #atWork: string | undefined
  #isLocated = false
  #batch: BatchedStatement[] = []
  #batchCharacters = 0
  #savepoints = 0
  #oneByOne = false

  constructor(api: DataApi, options: SessionOptions = {}) {
    this.#calls = new Calls(api, options)
    this.#options = options
    this.#keepAlive = new KeepAlive(() => this.#ping(), options.keepAliveMs)
  }

  /** The open transaction, if there is one. */
  get id(): string | undefined {
    return this.#id
  }

  /** The first failure that no `rollback to savepoint` has undone; while there is one, the transaction cannot be committed. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** {@link takesBatches}, once the transaction that is to be begun first is there. */
  get willTakeBatches(): boolean {
    const wanted = this.#options.batchCall !== undefined
    return wanted && this.#savepoints === 0 && !this.#oneByOne
  }

  /** Whether the failure is that of a statement that was put off, so that the revision went past it. */
  get failedPutOff(): boolean {
    return this.#failedPutOff
  }

  /**
   * Whether statements may be put off. Not while there is a savepoint, because a revision that catches an error has to
   * get it; and not after a statement with a `statement_timeout`, which would be one of the whole batch.
   */
  get takesBatches(): boolean {
    return this.#id !== undefined && this.willTakeBatches
  }

  async begin(): Promise<void> {
    this.#id = await this.#calls.begin()
    this.#savepoints = 0
    this.#oneByOne = false
    this.#keepAlive.used()
  }

  /** Commits; throws a {@link StatementError} whose `outcome` is `unknown` when nobody can tell whether it happened. */
  async commit(): Promise<void> {
    await this.flush()
    const id = this.#id
    if (id === undefined) throw new Error('no transaction is open')
    this.#keepAlive.stop()
    try {
      await this.#calls.commit(id)
      this.#id = undefined
    } catch (error) {
      if ((error as StatementError).outcome === 'refused') this.#id = undefined
      throw error
    }
  }

  /**
   * Rolls back; false when the transaction had ended. Throws a {@link StatementError} when the service could not be
   * told: it then ends the transaction itself after 3 minutes.
   */
  async rollback(): Promise<boolean> {
    await this.settled()
    const wasOpen = await this.rollBackInTurn()
    // Nothing of it is left: the next one has a failure of its own, or none.
    this.#failure = undefined
    this.#failedPutOff = false
    this.#isLocated = false
    return wasOpen
  }

  /** {@link rollback}, within {@link accept}. */
  async rollBackInTurn(): Promise<boolean> {
    this.#abandonBatch(this.#failure ?? new Error('the transaction is rolled back'))
    const id = this.#id
    if (id === undefined) return false
    this.#keepAlive.stop()
    const wasOpen = await this.#calls.rollback(id)
    this.#id = undefined
    return wasOpen
  }

  /** Does `work` when everything before it has ended, also what was put off. */
  inOrder<T>(work: () => Promise<T>): Promise<T> {
    return this.accept(async () => {
      await this.sendPutOff()
      return await work()
    })
  }

  /** Does `work` when everything before it has ended or was put off. */
  accept<T>(work: () => Promise<T>): Promise<T> {
    this.#inLine += 1
    const run = this.#line.then(work).catch(async (error: unknown) => {
      // What was put off before a statement that is refused would have failed before it.
      await this.sendPutOff().catch(() => 'then that is the failure')
      throw error
    })
    // A rejection that nobody awaits must fail the revision (`failure`), not the process.
    this.#line = run
      .catch((error: Error) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#inLine -= 1
      })
    return run
  }

  /** Puts a statement off, to travel with those before and after it. Only within {@link accept}. */
  async putOff(statement: BatchedStatement): Promise<void> {
    const characters = statement.text().length
    if (this.#batchCharacters + characters > MAX_BATCH_CHARACTERS) await this.sendPutOff()
    this.#batch.push(statement)
    this.#batchCharacters += characters
  }

  /** Sends what was put off. Throws the failure that keeps the transaction from being committed, an earlier one too. */
  async flush(): Promise<void> {
    await this.inOrder(async () => undefined).catch(() => 'the failure tells it')
    if (this.#failure === undefined) return
    // The operation it belongs to tells where it comes from, see `locate`.
    await setImmediate()
    throw this.#failure
  }

  /** Resolves when nothing is in line any more; what was put off may still be. */
  async settled(): Promise<void> {
    while (this.#inLine > 0) await this.#line
  }

  /** Throws the failure, unless the statement is the one that can undo it. */
  refuseAfterFailure(statement?: Statement): void {
    if (this.#failure && !statement?.isRollbackToSavepoint) throw this.#failure
  }

  /** The failure, told by the operation it belongs to: with its rows, say. The first to tell is the one that knows. */
  locate(error: Error): void {
    if (this.#isLocated || error instanceof NotSent || !isOf(error, this.#failure)) return
    this.#failure = error
    this.#isLocated = true
  }

  /** The revision has failed, whatever it does with the error. */
  fail(error: Error): void {
    this.#failure ??= error
  }

  /** For a session without a transaction: its next statement has nothing to do with the last one. */
  forget(): void {
    this.#failure = undefined
  }

  /** Takes note of a statement that has changed how the transaction goes on. */
  ran({ facts: { sql, verb, isRollbackToSavepoint } }: Statement): void {
    if (verb === 'savepoint') this.#savepoints += 1
    // A release may take several with it: then statements are sent one by one for longer than they need to be.
    if (verb === 'release') this.#savepoints = Math.max(0, this.#savepoints - 1)
    if (/statement_timeout/i.test(sql) && !NO_TIMEOUT.test(sql)) this.#oneByOne = true
    if (!isRollbackToSavepoint) return
    this.#failure = undefined
    this.#failedPutOff = false
    this.#isLocated = false
  }

  /** The statement of the revision that the database works on; of a batch, its first one. */
  get atWork(): string | undefined {
    return this.#atWork
  }

  /** Does `work` while the statement is watched. */
  async watched<T>(sql: string, work: () => Promise<T>): Promise<T> {
    const ended = this.#id === undefined ? undefined : this.#options.watch?.(sql)
    this.#atWork = sql
    try {
      return await work()
    } finally {
      this.#atWork = undefined
      ended?.()
    }
  }

  /** The funnel: every statement of every revision, and ours, is sent from here. */
  async send(statement: DataApiStatement, repeatable?: Repeatable): Promise<DataApiResult> {
    const id = this.#id
    const { idleMs } = this.#keepAlive
    try {
      return await this.#calls.execute(withPlainColons(statement), id, repeatable)
    } catch (error) {
      throw id === undefined ? error : this.#keepAlive.explain(error as StatementError, idleMs)
    } finally {
      if (id !== undefined) this.#keepAlive.used()
    }
  }

  /** Sends what was put off. Only within {@link accept}. */
  async sendPutOff(): Promise<void> {
    if (this.#batch.length === 0) return
    if (this.#failure) {
      this.#abandonBatch(this.#failure)
      return
    }
    const batch = this.#takeBatch()
    const shown = batch.find(({ answers }) => !answers) ?? batch[0]
    try {
      await this.watched(shown?.statement().sql ?? '', () =>
        sendBatch((statement) => this.send(statement), this.#options.batchCall ?? '', batch),
      )
    } catch (error) {
      if (this.#failure === undefined) this.#failedPutOff = true
      this.#failure ??= error as Error
      throw new NotSent(error as Error)
    }
  }

  #abandonBatch(failure: Error): void {
    for (const statement of this.#takeBatch()) statement.failed(new NotSent(failure))
  }

  #takeBatch(): BatchedStatement[] {
    const batch = this.#batch
    this.#batch = []
    this.#batchCharacters = 0
    return batch
  }

  #ping(): void {
    if (this.#failure || this.#inLine > 0 || this.#id === undefined) return
    this.inOrder(() => this.send(asksForRows('select true as alive'))).catch(
      () => 'the next statement says what is wrong',
    )
  }
}

function isOf(error: unknown, failure: Error | undefined): boolean {
  return causesOf(error).some((cause) => cause === failure)
}
