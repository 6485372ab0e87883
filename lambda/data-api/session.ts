import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { CommandError } from '../errors.ts'
import { NotSent } from './batch.ts'
import type { DataApi, DataApiResult } from './data-api.ts'
import { isExecutable, sendFollowed } from './followed-statement.ts'
import { asksForRows, readRows } from './row-reader.ts'
import type { JournalledStatement, SessionOptions } from './session-options.ts'
import { refuseStatement, resultForm, statementFacts } from './statements.ts'
import { Transaction } from './transaction.ts'
import { decodeRows, type Row } from './values.ts'
import { withValues } from './written-values.ts'

/** The service's limit on one statement. */
export const MAX_SQL_CHARACTERS = 65_536

/** A statement whose result nobody waits for. */
export interface AcceptedStatement {
  /** It is in line, or has run where statements do not travel together. Rejects when it was refused. */
  readonly accepted: Promise<unknown>
  /** It has run, and changed so many rows. */
  readonly ran: Promise<number>
}

/** A statement of the runner's own that answers one row. */
export interface Bookkeeping {
  /** Its text; `counted` is SQL for the rows changed by those statements of the revision that are not counted yet. */
  sql(counted: string): string
  /** Sees its answer; what it throws fails the transaction. */
  check(answer: Row): void
  /** The error that stands for the one it met. */
  failed?(error: Error): Error
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
  #statements = 0
  #putOff = 0
  #rows = 0
  #revisionEnded: string | undefined
  #closed: string | undefined
  #hasFailed = false

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

  /** Whether the failure is of a statement of this session. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** See {@link Transaction.locate}. */
  locate(error: Error): void {
    this.transaction.locate(error)
  }

  /** How many statements of the revision ran. */
  get statements(): number {
    return this.#statements
  }

  /** How many will have run when those that were put off have. */
  get acceptedStatements(): number {
    return this.#statements + this.#putOff
  }

  /** How many rows they inserted, updated or deleted. */
  get rows(): number {
    return this.#rows
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
    return this.#inOrder(sql, () => this.#run(sql, parameters, options))
  }

  /** Like {@link execute}, for a statement whose result nobody waits for: it may travel with the next ones. */
  accept(
    sql: string,
    parameters: readonly SqlParameter[] = [],
    options: { readonly repeatable?: boolean } = {},
  ): AcceptedStatement {
    const { transaction } = this
    const ran = Promise.withResolvers<number>()
    ran.promise.catch(() => 'the transaction remembers it')
    const text = transaction.takesBatches ? batchedText(sql, parameters) : undefined
    if (text === undefined) {
      this.#inOrder(sql, () => this.#run(sql, parameters, options)).then(ran.resolve, ran.reject)
      return { accepted: ran.promise, ran: ran.promise }
    }
    const accepted = this.#ticketed(sql, () =>
      transaction.accept(async () => {
        try {
          // A savepoint that was asked for before may have been made meanwhile.
          if (!transaction.takesBatches) {
            ran.resolve(await this.#run(sql, parameters, options))
          } else if (await this.#isWanted(sql, parameters, options)) {
            await this.#putOffStatement(sql, parameters, text, ran)
          } else {
            ran.resolve(0)
          }
        } catch (error) {
          // What was put off before a statement that is refused would have failed before it.
          await transaction.sendPutOff().catch(() => 'then that is the failure')
          ran.reject(error)
          throw error
        }
      }),
    )
    return { accepted, ran: ran.promise }
  }

  /** Runs a statement and answers its rows, however large the result is. */
  query(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    return this.#inOrder(sql, async () => {
      this.#refuseAfterEnd()
      await this.#admitted({ sql, parameters, returns: 'rows', repeatable: false })
      const rows = await readRows(
        (statement) => this.transaction.send(statement),
        sql,
        parameters,
        { inTransaction: this.transaction.id !== undefined, maxCharacters: MAX_SQL_CHARACTERS },
      )
      this.#count(resultForm(sql) === 'returning' ? rows.length : 0)
      return rows
    })
  }

  /** Runs a statement of the runner's own, with a small answer: no part of the revision, so neither journalled nor counted. */
  own(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    const statement = asksForRows(sql, parameters)
    return this.#inOrder(sql, async () => decodeRows(await this.transaction.send(statement)))
  }

  /** Like {@link own}, outside any transaction, for what may be sent twice: reading, and writing what is there or not. */
  read(sql: string, parameters: readonly SqlParameter[] = []): Promise<Row[]> {
    this.transaction.forget()
    const statement = asksForRows(sql, parameters)
    return this.#inOrder(sql, async () =>
      decodeRows(await this.transaction.send(statement, { harmless: true })),
    )
  }

  /** Like {@link own}, for an answer that may come later: it may travel with the statements around it. Resolves when accepted. */
  async keepBooks({ sql, check, failed = (error) => error }: Bookkeeping): Promise<void> {
    const { transaction } = this
    const counted = (more: string) => (more === '' ? `${this.#rows}` : `${this.#rows} + ${more}`)
    if (!transaction.takesBatches) {
      const text = sql(counted(''))
      await this.#inOrder(text, async () => {
        const [answer = {}] = decodeRows(
          await transaction.send(asksForRows(text)).catch((error: Error) => {
            throw failed(error)
          }),
        )
        check(answer)
      })
      return
    }
    await transaction.accept(() =>
      transaction.putOff({
        answers: true,
        counts: false,
        statement: () => ({ sql: sql(counted('')) }),
        text: () => sql(counted('$1')),
        done: (answer) => check(answer as Row),
        failed: (error) => this.#failed(failed(error)),
      }),
    )
  }

  /**
   * Refuses every further statement of the revision with `reason`; those of the runner still pass.
   *
   * Before the rollback: what a forgotten promise sends after it would be committed on its own.
   */
  endRevision(reason: string): void {
    this.#revisionEnded = reason
  }

  /** Refuses every further statement with `reason`. */
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

  async #run(
    sql: string,
    parameters: readonly SqlParameter[],
    options: { readonly repeatable?: boolean },
  ): Promise<number> {
    if (!(await this.#isWanted(sql, parameters, options))) return 0
    const { transaction } = this
    const result = await transaction.watched(sql, () => this.#carryOut(sql, parameters))
    transaction.ran(sql)
    return this.#count(result.numberOfRecordsUpdated ?? 0)
  }

  /** Refuses what may not run; false for a statement that an interrupted run has committed already. */
  #isWanted(
    sql: string,
    parameters: readonly SqlParameter[],
    { repeatable = false }: { readonly repeatable?: boolean },
  ): Promise<boolean> {
    this.#refuse(sql)
    this.#refuseAfterEnd()
    return this.#admitted({ sql, parameters, returns: 'nothing', repeatable })
  }

  async #putOffStatement(
    sql: string,
    parameters: readonly SqlParameter[],
    text: string,
    ran: PromiseWithResolvers<number>,
  ): Promise<void> {
    this.#putOff += 1
    await this.transaction.putOff({
      answers: false,
      counts: statementFacts(sql).changesRows,
      statement: () => ({ sql, ...(parameters.length > 0 && { parameters }) }),
      text: () => text,
      done: (changed) => {
        this.#putOff -= 1
        this.transaction.ran(sql)
        ran.resolve(this.#count(changed as number))
      },
      failed: (error) => {
        this.#putOff -= 1
        ran.reject(error)
        return this.#failed(error)
      },
    })
  }

  async #admitted(statement: JournalledStatement): Promise<boolean> {
    return (await this.#options.journal?.admit(statement)) ?? true
  }

  #count(rows: number): number {
    this.#statements += 1
    this.#rows += rows
    return rows
  }

  #failed(error: Error): Error {
    if (!(error instanceof NotSent)) this.#hasFailed = true
    return error
  }

  #refuseAfterEnd(): void {
    if (this.#revisionEnded === undefined) return
    throw new CommandError('RevisionEnded', this.#revisionEnded)
  }

  #refuse(sql: string): void {
    if (this.#closed !== undefined) throw new CommandError('SessionClosed', this.#closed)
    this.transaction.refuseAfterFailure(sql)
    refuseStatement(sql)
    if (sql.length > MAX_SQL_CHARACTERS) throw tooLong(sql)
  }

  #carryOut(sql: string, parameters: readonly SqlParameter[]): Promise<DataApiResult> {
    const { journal, follow } = this.#options
    const { transaction } = this
    const send = (options = {}) =>
      transaction.send({ sql, ...(parameters.length > 0 && { parameters }), ...options })
    if (follow && transaction.id !== undefined) {
      const limits = { number: this.#statements, maxCharacters: MAX_SQL_CHARACTERS }
      return sendFollowed((statement) => transaction.send(statement), { sql, parameters }, limits)
    }
    return journal ? journal.carryOut(sql, send) : send()
  }
}

/** The text of a statement that can travel with others; undefined for one that has to be sent by itself. */
function batchedText(sql: string, parameters: readonly SqlParameter[]): string | undefined {
  try {
    const facts = statementFacts(sql)
    const isText = parameters.every(({ value }) => value?.stringValue !== undefined)
    if (!isText || !isExecutable(facts) || /statement_timeout/i.test(sql)) return undefined
    const text = withValues(facts.sql, parameters)
    return text.length <= MAX_SQL_CHARACTERS ? text : undefined
  } catch {
    // Refused when its turn comes.
    return undefined
  }
}

function tooLong(sql: string): CommandError {
  return new CommandError(
    'StatementTooLong',
    `a statement has ${sql.length} characters and the Data API takes at most ${MAX_SQL_CHARACTERS}: pass rows to op.bulkInsert or op.bulkUpdate, or split it (it begins: ${sql.slice(0, 80)})`,
  )
}
