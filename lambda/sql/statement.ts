import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { CommandError } from '../errors.ts'
import {
  changesRowsOf,
  headOf,
  mainAfterWith,
  mayRepeat,
  needsTopLevel,
  type ResultForm,
  refusesTransactions,
  resultFormOf,
  verbOf,
} from './classification.ts'
import { refusalOf } from './refusals.ts'
import type { Token } from './scanner.ts'
import { lengthError } from './statement-length.ts'
import { extent, onlyStatement, shownHead } from './statement-tokens.ts'

/** What the text of a statement tells about it. */
export interface StatementFacts {
  /** The statement without comments around it and without its semicolon. */
  readonly sql: string
  /** Its first keyword, in lower case. */
  readonly verb: string
  readonly resultForm: ResultForm
  /** Characters before the statement itself when a `with` stands in front of it: `with a as (…), b as (…) `. Otherwise 0. */
  readonly withLength: number
  /** It counts the rows it changes. */
  readonly changesRows: boolean
  /** PostgreSQL refuses it inside a transaction block. */
  readonly autocommitOnly: boolean
  /**
   * It has to be sent as it is: PostgreSQL refuses it, or does something else, where a function carries it out in a
   * subtransaction. A `do` block counts by the statements that its text shows.
   */
  readonly topLevel: boolean
  /**
   * An autocommit block may send it again when nobody knows whether it was carried out: concurrent create and drop of
   * a named index, reindex concurrently, vacuum, analyze, `add value if not exists`. (Where the first time succeeded,
   * a create or drop without `if [not] exists` then fails and changes nothing.)
   */
  readonly repeatable: boolean
  /** It is `rollback to savepoint`. */
  readonly isRollbackToSavepoint: boolean
}

/** What a statement says of itself, or why it cannot be read. */
type Reading =
  | { readonly facts: StatementFacts; readonly refusal: CommandError | undefined }
  | { readonly fault: unknown }

/**
 * A statement of a revision. Its text is read once, when it is made; every part of the way to the Data API asks this
 * object what it is.
 *
 * A text that is no single statement makes an object as well: what is wrong is thrown by {@link facts} and {@link refuse},
 * when the turn of the statement comes.
 */
export class Statement {
  /** The text as its author wrote it. */
  readonly sql: string
  /** Of the service, `:name` in the text: bulk data, and values that are too long for the text. */
  readonly parameters: readonly SqlParameter[]
  readonly #reading: Reading

  constructor(
    sql: string,
    parameters: readonly SqlParameter[] = [],
    read: () => Reading = () => readingOf(sql, onlyStatement(sql)),
  ) {
    this.sql = sql
    this.parameters = parameters
    this.#reading = readSafely(read)
  }

  /** One statement of a script whose tokens are known. */
  static ofTokens(script: string, tokens: readonly Token[]): Statement {
    const { start, end } = extent(tokens)
    return new Statement(script.slice(start, end), [], () => readingOf(script, tokens))
  }

  /** @throws CommandError for no statement, more than one, and as `splitStatements` does. */
  get facts(): StatementFacts {
    if ('fault' in this.#reading) throw this.#reading.fault
    return this.#reading.facts
  }

  /** `rollback to savepoint`, the one statement that may follow a failed one. */
  get isRollbackToSavepoint(): boolean {
    return 'facts' in this.#reading && this.#reading.facts.isRollbackToSavepoint
  }

  /** What a call sends of it. */
  get call(): Pick<Statement, 'sql'> & Partial<Pick<Statement, 'parameters'>> {
    return { sql: this.sql, ...(this.parameters.length > 0 && { parameters: this.parameters }) }
  }

  /**
   * Why a revision may not send it, naming the right form: it ends or begins a transaction, its effect stays on a pooled
   * connection (`set` without `local`, `listen`, `prepare`, session-level advisory locks, …), or it is too long.
   */
  get refusal(): CommandError | undefined {
    const refused = 'refusal' in this.#reading ? this.#reading.refusal : undefined
    return refused ?? lengthError(this.sql)
  }

  /** @throws CommandError for a {@link refusal}, and as {@link facts} does. */
  refuse(): void {
    if ('fault' in this.#reading) throw this.#reading.fault
    const { refusal } = this
    if (refusal) throw refusal
  }
}

function readSafely(read: () => Reading): Reading {
  try {
    return read()
  } catch (fault) {
    return { fault }
  }
}

function readingOf(text: string, tokens: readonly Token[]): Reading {
  const { start, end } = extent(tokens)
  const head = headOf(tokens)
  const facts = {
    sql: text.slice(start, end),
    verb: verbOf(tokens),
    resultForm: resultFormOf(tokens),
    withLength: (mainAfterWith(tokens)?.start ?? start) - start,
    changesRows: changesRowsOf(tokens),
    autocommitOnly: refusesTransactions(head),
    topLevel: needsTopLevel(text, tokens),
    repeatable: mayRepeat(head),
    isRollbackToSavepoint: /^rollback (work |transaction )?to /.test(head),
  }
  return { facts, refusal: refusalError(text, tokens) }
}

function refusalError(text: string, tokens: readonly Token[]): CommandError | undefined {
  const fix = refusalOf(text, tokens)
  if (fix === undefined) return undefined
  return new CommandError(
    'StatementNotAllowed',
    `'${shownHead(text, tokens)}' is not allowed in a revision: ${fix}`,
  )
}

/** The {@link Statement.facts} of a text that is not sent as a statement of a revision. */
export function statementFacts(sql: string): StatementFacts {
  return new Statement(sql).facts
}
