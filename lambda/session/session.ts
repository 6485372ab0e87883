import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { DataApi, DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import type { Repeatable } from '../data-api/retry.ts'
import { asksForRows, decodeRows, type Row } from '../data-api/values.ts'
import { CommandError } from '../errors.ts'
import type { Statement } from '../sql/statement.ts'
import { lengthError, MAX_SQL_CHARACTERS } from '../sql/statement-length.ts'
import {
  type AcceptedStatement,
  type Bookkeeping,
  batchedText,
  PutOffBookkeeping,
  PutOffStatement,
} from './batched-statements.ts'
import { sendFollowed } from './followed-statement.ts'
import { readRows } from './row-reader.ts'
import type {
  RevisionStatement,
  SendStatement,
  SessionOptions,
  StatementRoute,
} from './session-options.ts'
import { StatementCount } from './statement-count.ts'
import { Transaction } from './transaction.ts'
import { changedRows, withoutRows } from './unread-rows.ts'

type StatementOptions = Partial<Pick<RevisionStatement, 'returns' | 'repeatable'>>

/** Where a statement goes; throws for one that is refused. */
type Route = () => StatementRoute | undefined

/** What may be sent in a turn that was taken, see {@link Session.inOneTurn}. */
export interface Turn {
  /** As {@link Session.own} does. */
  read(sql: string): Promise<Row[]>
  /** As {@link Session.execute} does. */
  execute(statement: Statement): Promise<number>
}

/**
 * The conversation of one revision (or of the runner itself) with the database, in one {@link Transaction}.
 *
 * Outside a transaction each statement is committed on its own.
 */
export class Session {
  readonly transaction: Transaction
  readonly #options: SessionOptions
  readonly #pending = new Set<{ readonly sql: string }>()
  readonly #count = new StatementCount()
  #refusal: ((sql: string) => Error) | undefined
  #closed: string | undefined

  constructor(
    api: DataApi,
    options: SessionOptions = {},
    transaction: Transaction = new Transaction(api, options),
  ) {
    this.transaction = transaction
    this.#options = options
  }

  /** See {@link Transaction.failure}. */
  get failure(): Error | undefined {
    return this.transaction.failure
  }

  /** The statements in line. */
  get pending(): readonly string[] {
    return [...this.#pending].map(({ sql }) => sql)
  }

  /** See {@link Transaction.fail}. */
  fail(error: Error): void {
    this.transaction.fail(error)
  }

  /** See {@link Transaction.locate}. */
  locate(error: Error): void {
    this.transaction.locate(error)
  }

  /** What the statements of the revision came to so far. */
  get count(): Readonly<StatementCount> {
    return this.#count
  }

  begin = (): Promise<void> => this.transaction.begin()
  commit = (): Promise<void> => this.transaction.commit()
  rollback = (): Promise<boolean> => this.transaction.rollback()
  flush = (): Promise<void> => this.transaction.flush()
  /** Resolves when nothing is in line any more. */
  settled = (): Promise<void> => this.transaction.settled()

  /** Runs a statement whose rows nobody asks for; answers the number of rows it changed. */
  execute(statement: Statement, options: { readonly repeatable?: boolean } = {}): Promise<number> {
    const route = this.#routeOf(statement, options)
    return this.#inOrder(statement.sql, () => this.#run(statement, route))
  }

  /** Like {@link execute}, for a statement whose result nobody waits for: it may travel with the next ones. */
  accept(statement: Statement, options: { readonly repeatable?: boolean } = {}): AcceptedStatement {
    const { transaction } = this
    const route = this.#routeOf(statement, options)
    const run = () => this.#run(statement, route)
    const text = transaction.willTakeBatches
      ? batchedText(statement, MAX_SQL_CHARACTERS)
      : undefined
    if (text === undefined) {
      const ran = this.#inOrder(statement.sql, run)
      return { accepted: ran, ran }
    }
    const accepted = this.#ticketed(statement.sql, () =>
      transaction.accept(async () => {
        // A savepoint that was asked for before may have been made meanwhile; and an autocommit block has no transaction.
        if (!transaction.takesBatches) return { ran: await run() }
        this.#admitted(statement, route)
        return await this.#putOff(statement, text)
      }),
    )
    const ran = accepted.then((putOff) => putOff.ran)
    ran.catch(() => 'the transaction remembers it')
    return { accepted, ran }
  }

  /** Runs a statement and answers its rows, however large the result is. */
  query(statement: Statement): Promise<Row[]> {
    const route = this.#routeOf(statement, { returns: 'rows' })
    return this.#inOrder(statement.sql, async () => {
      this.#admitted(statement, route)
      const rows = await readRows((call) => this.transaction.send(call), statement, this.#limits)
      this.#count.ran(statement.facts.resultForm === 'returning' ? rows.length : 0)
      return rows
    })
  }

  /** Runs a statement of the runner's own, with a small answer: no part of the revision, so neither journalled nor counted. */
  own(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    return this.#inOrder(sql, () => this.#ask(sql, parameters))
  }

  /** Does `work` in one turn: nothing of a later call comes between what it sends. `shown` stands for it in messages. */
  inOneTurn<T>(shown: Statement, work: (turn: Turn) => Promise<T>): Promise<T> {
    const route = this.#routeOf(shown, {})
    return this.#inOrder(shown.sql, async () => {
      this.#admitted(shown, route)
      return await work({
        read: (sql) => this.#ask(sql, []),
        execute: (statement) => this.#run(statement, route),
      })
    })
  }

  /** Like {@link own}, outside any transaction, for what may be sent twice: reading, and writing what is there or not. */
  read(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    this.transaction.forget()
    const before = async () => this.#refuseAfterClose()
    return this.#inOrder(sql, () => this.#ask(sql, parameters, { harmless: true, before }))
  }

  /** Like {@link own}, for an answer that may come later: it may travel with the statements around it. Resolves when accepted. */
  async keepBooks(books: Bookkeeping): Promise<void> {
    const { transaction } = this
    if (transaction.takesBatches) {
      await transaction.accept(() => transaction.putOff(new PutOffBookkeeping(books, this.#count)))
      return
    }
    const sql = books.sql(`${this.#count.rows}`)
    const [answer = {}] = await this.own(sql).catch((error: Error) => {
      throw books.failed?.(error) ?? error
    })
    books.check(answer)
  }

  /**
   * Refuses every further statement of the revision with what `refusal` makes of it; those of the runner still pass.
   *
   * Before the rollback: what a forgotten promise sends after it would be committed on its own.
   */
  endRevision(refusal: (sql: string) => Error): void {
    this.#refusal = refusal
  }

  /** Refuses every further statement with `reason`, and sends none again. */
  close(reason: string): void {
    this.#closed = reason
  }

  #inOrder<T>(sql: string, work: () => Promise<T>): Promise<T> {
    return this.#ticketed(sql, () => this.transaction.inOrder(work))
  }

  #ticketed<T>(sql: string, enqueue: () => Promise<T>): Promise<T> {
    const ticket = { sql }
    this.#pending.add(ticket)
    const run = enqueue()
    const done = () => void this.#pending.delete(ticket)
    run.then(done, done)
    return run
  }

  /** Sends a statement of ours, which is not read: what a revision may not say is no question there. */
  async #ask(
    sql: string,
    parameters: readonly SqlParameter[],
    repeatable?: Repeatable,
  ): Promise<Row[]> {
    this.#refuseAfterClose()
    this.transaction.refuseAfterFailure()
    const tooLong = lengthError(sql)
    if (tooLong) throw tooLong
    return decodeRows(await this.transaction.send(asksForRows(sql, parameters), repeatable))
  }

  async #run(statement: Statement, route: Route): Promise<number> {
    const outside = this.#admitted(statement, route)
    const { transaction } = this
    const changed = await transaction.watched(statement.sql, () =>
      this.#carryOut(statement, outside),
    )
    transaction.ran(statement)
    return this.#count.ran(changed)
  }

  async #putOff(statement: Statement, text: string): Promise<PutOffStatement> {
    const putOff = new PutOffStatement(statement, text, this.#count)
    putOff.ran.catch(() => 'the transaction remembers it')
    await this.transaction.putOff(putOff)
    return putOff
  }

  /** Decides, when the revision makes a statement, where it goes; the refusal of one is thrown when its turn comes. */
  #routeOf(
    statement: Statement,
    { returns = 'nothing', repeatable = false }: StatementOptions,
  ): Route {
    try {
      const route = this.#options.gate?.admit({ statement, returns, repeatable })
      return () => route
    } catch (error) {
      return () => {
        throw error
      }
    }
  }

  /** Refuses what may not run. Returns how it is sent, where that is outside the transaction. */
  #admitted(statement: Statement, route: Route): StatementRoute | undefined {
    this.#refuseAfterClose()
    this.transaction.refuseAfterFailure(statement)
    statement.refuse()
    if (this.#refusal !== undefined) throw this.#refusal(statement.sql)
    return route()
  }

  #refuseAfterClose(): void {
    if (this.#closed !== undefined) throw new CommandError('SessionClosed', this.#closed)
  }

  /** Sends a statement and returns the number of rows it changed. */
  async #carryOut(statement: Statement, outside: StatementRoute | undefined): Promise<number> {
    const call = withoutRows(statement, this.#limits)
    return changedRows(call, await this.#sendTo(outside, statement, call))
  }

  #sendTo(
    outside: StatementRoute | undefined,
    { facts }: Statement,
    call: DataApiStatement,
  ): Promise<DataApiResult> {
    const send: SendStatement = (...given) => this.transaction.send(...given)
    if (outside) return outside.carryOut(call, send)
    if (!this.#options.follow) return send(call)
    const { maxCharacters } = this.#limits
    return sendFollowed(send, call, { facts, number: this.#count.statements, maxCharacters })
  }

  get #limits(): { readonly inTransaction: boolean; readonly maxCharacters: number } {
    const inTransaction = this.transaction.id !== undefined
    return { inTransaction, maxCharacters: MAX_SQL_CHARACTERS }
  }
}
