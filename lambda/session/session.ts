import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { DataApi, DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import type { Repeatable } from '../data-api/retry.ts'
import { asksForRows, decodeRows, type Row } from '../data-api/values.ts'
import { CommandError } from '../errors.ts'
import { lengthError, MAX_SQL_CHARACTERS } from '../sql/statement-length.ts'
import { refuseStatement, resultForm } from '../sql/statements.ts'
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
  execute(sql: string, parameters: readonly SqlParameter[]): Promise<number>
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
  execute(
    sql: string,
    parameters: readonly SqlParameter[] = [],
    options: { readonly repeatable?: boolean } = {},
  ): Promise<number> {
    const route = this.#routeOf(sql, options)
    return this.#inOrder(sql, () => this.#run(sql, parameters, route))
  }

  /** Like {@link execute}, for a statement whose result nobody waits for: it may travel with the next ones. */
  accept(
    sql: string,
    parameters: readonly SqlParameter[] = [],
    options: { readonly repeatable?: boolean } = {},
  ): AcceptedStatement {
    const { transaction } = this
    const route = this.#routeOf(sql, options)
    const run = () => this.#run(sql, parameters, route)
    const text = transaction.willTakeBatches
      ? batchedText(sql, parameters, MAX_SQL_CHARACTERS)
      : undefined
    if (text === undefined) {
      const ran = this.#inOrder(sql, run)
      return { accepted: ran, ran }
    }
    const accepted = this.#ticketed(sql, () =>
      transaction.accept(async () => {
        // A savepoint that was asked for before may have been made meanwhile; and an autocommit block has no transaction.
        if (!transaction.takesBatches) return { ran: await run() }
        this.#admitted(sql, route)
        return await this.#putOff(withParameters(sql, parameters), text)
      }),
    )
    const ran = accepted.then((statement) => statement.ran)
    ran.catch(() => 'the transaction remembers it')
    return { accepted, ran }
  }

  /** Runs a statement and answers its rows, however large the result is. */
  query(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    const route = this.#routeOf(sql, { returns: 'rows' })
    return this.#inOrder(sql, async () => {
      this.#refuseAfterEnd(sql)
      route()
      const rows = await readRows(
        (statement) => this.transaction.send(statement),
        sql,
        parameters,
        { inTransaction: this.transaction.id !== undefined, maxCharacters: MAX_SQL_CHARACTERS },
      )
      this.#count.ran(resultForm(sql) === 'returning' ? rows.length : 0)
      return rows
    })
  }

  /** Runs a statement of the runner's own, with a small answer: no part of the revision, so neither journalled nor counted. */
  own(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    return this.#inOrder(sql, () => this.#ask(sql, parameters))
  }

  /** Does `work` in one turn: nothing of a later call comes between what it sends. `shown` stands for it in messages. */
  inOneTurn<T>(shown: string, work: (turn: Turn) => Promise<T>): Promise<T> {
    const route = this.#routeOf(shown, {})
    return this.#inOrder(shown, () => {
      this.#admitted(shown, route)
      return work({
        read: (sql) => this.#ask(sql, []),
        execute: (sql, parameters) => this.#run(sql, parameters, route),
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
    return this.#ticketed(sql, () =>
      this.transaction.inOrder(() => {
        this.#refuse(sql)
        return work()
      }),
    )
  }

  #ticketed<T>(sql: string, enqueue: () => Promise<T>): Promise<T> {
    const ticket = { sql }
    this.#pending.add(ticket)
    const run = enqueue()
    const done = () => void this.#pending.delete(ticket)
    run.then(done, done)
    return run
  }

  async #ask(
    sql: string,
    parameters: readonly SqlParameter[],
    repeatable?: Repeatable,
  ): Promise<Row[]> {
    return decodeRows(await this.transaction.send(asksForRows(sql, parameters), repeatable))
  }

  async #run(sql: string, parameters: readonly SqlParameter[], route: Route): Promise<number> {
    const outside = this.#admitted(sql, route)
    const { transaction } = this
    const changed = await transaction.watched(sql, () => this.#carryOut(sql, parameters, outside))
    transaction.ran(sql)
    return this.#count.ran(changed)
  }

  async #putOff(statement: DataApiStatement, text: string): Promise<PutOffStatement> {
    const putOff = new PutOffStatement(statement, text, this.#count)
    putOff.ran.catch(() => 'the transaction remembers it')
    await this.transaction.putOff(putOff)
    return putOff
  }

  /** Decides, when the revision makes a statement, where it goes; the refusal of one is thrown when its turn comes. */
  #routeOf(sql: string, { returns = 'nothing', repeatable = false }: StatementOptions): Route {
    try {
      const route = this.#options.gate?.admit({ sql, returns, repeatable })
      return () => route
    } catch (error) {
      return () => {
        throw error
      }
    }
  }

  /** Refuses what may not run. Returns how it is sent, where that is outside the transaction. */
  #admitted(sql: string, route: Route): StatementRoute | undefined {
    this.#refuse(sql)
    this.#refuseAfterEnd(sql)
    return route()
  }

  #refuseAfterEnd(sql: string): void {
    if (this.#refusal !== undefined) throw this.#refusal(sql)
  }

  #refuse(sql: string): void {
    this.#refuseAfterClose()
    this.transaction.refuseAfterFailure(sql)
    refuseStatement(sql)
    const tooLong = lengthError(sql)
    if (tooLong) throw tooLong
  }

  #refuseAfterClose(): void {
    if (this.#closed !== undefined) throw new CommandError('SessionClosed', this.#closed)
  }

  /** Sends a statement and returns the number of rows it changed. */
  async #carryOut(
    sql: string,
    parameters: readonly SqlParameter[],
    outside: StatementRoute | undefined,
  ): Promise<number> {
    const inTransaction = this.transaction.id !== undefined
    const limits = { inTransaction, maxCharacters: MAX_SQL_CHARACTERS }
    const statement = withoutRows(withParameters(sql, parameters), limits)
    return changedRows(statement, await this.#sendTo(outside, statement))
  }

  #sendTo(
    outside: StatementRoute | undefined,
    statement: DataApiStatement,
  ): Promise<DataApiResult> {
    const send: SendStatement = (...call) => this.transaction.send(...call)
    if (outside) return outside.carryOut(statement, send)
    if (!this.#options.follow) return send(statement)
    const limits = { number: this.#count.statements, maxCharacters: MAX_SQL_CHARACTERS }
    return sendFollowed(send, statement, limits)
  }
}

function withParameters(sql: string, parameters: readonly SqlParameter[]): DataApiStatement {
  return { sql, ...(parameters.length > 0 && { parameters }) }
}
