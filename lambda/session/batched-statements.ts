import type { DataApiStatement } from '../data-api/data-api.ts'
import type { Row } from '../data-api/values.ts'
import { qualified } from '../sql/qualified.ts'
import type { Statement } from '../sql/statement.ts'
import { withValues } from '../sql/written-values.ts'
import { type BatchedStatement, NotSent } from './batch.ts'
import { isExecutable } from './followed-statement.ts'
import type { StatementCount } from './statement-count.ts'

/** A statement whose result nobody waits for. */
export interface AcceptedStatement {
  /** It is in line, or has run where statements do not travel together. Rejects when it was refused. */
  readonly accepted: Promise<unknown>
  /** It has run, and changed so many rows. */
  readonly ran: Promise<number>
}

/** {@link AcceptedStatement} that travels with those after it. */
export class PutOffStatement implements BatchedStatement {
  readonly answers = false
  readonly counts: boolean
  /** How many rows it changed, once it ran. */
  readonly ran: Promise<number>
  readonly #statement: Statement
  readonly #text: string
  readonly #count: StatementCount
  readonly #settled = Promise.withResolvers<number>()

  /** `text`: see {@link batchedText}. */
  constructor(statement: Statement, text: string, count: StatementCount) {
    this.counts = statement.facts.changesRows
    this.ran = this.#settled.promise
    this.#statement = statement
    this.#text = text
    this.#count = count
    count.putOff += 1
  }

  statement = (): DataApiStatement => this.#statement.call
  text = (): string => this.#text

  done(changed: Row | number): void {
    this.#count.putOff -= 1
    this.#settled.resolve(this.#count.ran(changed as number))
  }

  failed(error: Error): Error {
    this.#count.putOff -= 1
    this.#count.hasFailed ||= !(error instanceof NotSent)
    this.#settled.reject(error)
    return error
  }
}

/** A statement of the runner's own that answers one row. */
export interface Bookkeeping {
  /** Its text; `rows` is SQL for how many the statements of the revision before it have changed. */
  sql(rows: string): string
  /** Sees its answer; what it throws fails the transaction. */
  check(answer: Row): void
  /** The error that stands for the one it met. */
  failed?(error: Error): Error
}

/** {@link Bookkeeping} that travels with the statements of the revision. */
export class PutOffBookkeeping implements BatchedStatement {
  readonly answers = true
  readonly counts = false
  readonly #books: Bookkeeping
  readonly #count: StatementCount

  constructor(books: Bookkeeping, count: StatementCount) {
    this.#books = books
    this.#count = count
  }

  statement = (): DataApiStatement => ({ sql: this.#books.sql(`${this.#count.rows}`) })
  text = (): string => this.#books.sql(qualified`${this.#count.rows} #+ $1`)
  done = (answer: Row | number): void => this.#books.check(answer as Row)

  failed(error: Error): Error {
    this.#count.hasFailed ||= !(error instanceof NotSent)
    return this.#books.failed?.(error) ?? error
  }
}

/** What is one thing for the whole call: its time limit, the time at which it began, its text. */
const IS_OF_ONE_CALL = /statement_timeout|statement_timestamp|current_query/i

/** The text of a statement that can travel with others; undefined for one that has to be sent by itself. */
export function batchedText(statement: Statement, maxCharacters: number): string | undefined {
  const { sql, parameters } = statement
  try {
    const { facts } = statement
    const values = parameters.map(({ value }) => value?.stringValue)
    // Before it is written: bulk data has megabytes.
    const fits = values.every((value) => value !== undefined && value.length <= maxCharacters)
    if (!fits || !isExecutable(facts) || IS_OF_ONE_CALL.test(sql)) return undefined
    const text = withValues(facts.sql, parameters)
    return text.length <= maxCharacters ? text : undefined
  } catch {
    // Refused when its turn comes.
    return undefined
  }
}
