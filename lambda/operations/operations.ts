import type { Compilable, Kysely, RawBuilder } from 'kysely'
import type { Row } from '../data-api/values.ts'
import type { Session } from '../session/session.ts'
import { Statement as SqlStatement } from '../sql/statement.ts'
import { asError } from '../thrown.ts'
import { invalidArgument, optionsOf } from './arguments.ts'
import { type BulkInsertOptions, bulkInsert, bulkInsertReturning } from './bulk/bulk-insert.ts'
import { type BulkUpdateOptions, bulkUpdate } from './bulk/bulk-update.ts'
import type { OperationCall } from './operation-call.ts'
import { SchemaOperations } from './schema/schema-operations.ts'
import { errorInScript, inFile, type Script, SqlFile, statementsOf } from './sql-file.ts'
import { watchedKysely } from './watched-kysely.ts'

/** One SQL statement: text or a `.sql` file, which is sent as it is, a `sql` template, or a Kysely builder. */
export type Statement<R = unknown> = Script | RawBuilder<R> | Compilable<R>

/** What the runner gives a revision. */
export interface RevisionRun {
  /** See {@link Operations.attempt}. Default: 1. */
  readonly attempt?: number
  /** Runs the body of an autocommit block outside the transaction. */
  autocommitBlock(body: () => Promise<void>): Promise<void>
}

/**
 * `op`: what a revision's `upgrade` and `downgrade` change the database with.
 *
 * Each method sends its statements itself and in the order of the calls, all in the revision's transaction. Await each:
 * one that is not awaited fails the revision, as does a statement that PostgreSQL refused even when the error is caught
 * (unless `rollback to savepoint` follows). A builder of {@link getBind}, or a `sql` template of a statement, that is
 * never run fails it as well. A function that goes on by itself after the revision returned is noticed only by what it
 * does before the commit.
 *
 * The promise of a method that answers nothing says that its statements are accepted: they travel with those that
 * follow, and one that is refused fails the revision at the next call that answers something, or at its end. Between
 * `savepoint` and its release each is sent at once, and the promise is that it ran.
 */
export class Operations extends SchemaOperations {
  /**
   * How often this run has begun the revision, this time included: 1 at first. A revision is run again when another
   * transaction was in its way or the connection broke, after its transaction is rolled back. Calls of other services
   * that its JavaScript makes then happen again.
   */
  readonly attempt: number
  readonly #run: RevisionRun
  readonly #bind: Kysely<unknown>

  constructor(session: Session, run: RevisionRun) {
    super(session)
    this.#run = run
    this.attempt = run.attempt ?? 1
    this.#bind = watchedKysely(this.db, this.calls)
  }

  /**
   * Inserts rows, as many a call as a request holds: they travel as one JSON value, and PostgreSQL gives each column its
   * type. Those that take several calls travel as a text a column, after a call that asks for the types; arrays, bytes,
   * domains and a few others stay JSON. The rows are read until the promise is settled: leave them as they are.
   *
   * Rows are inserted in the order given. Columns a row leaves out get their default; where rows leave out different ones,
   * a statement names each value and holds a few hundred rows: give many rows the same columns. Strings, numbers, Dates,
   * bytes (`Uint8Array`) and arrays go into any column that takes them; for a `json` or `jsonb` column pass the value, not
   * its text: a string is a JSON string there, `null` is the SQL NULL and `json(null)` the JSON null. No rows, no call.
   *
   * With `returning` it answers one object a row, in the order of `rows` (that of insertion, which PostgreSQL keeps; where
   * a trigger dropped rows the call fails).
   *
   * @throws CommandError naming row and column, before anything is sent: not a plain object, `undefined`, a NUL
   * character, a row over 3.75 MiB, ….
   * @example await op.bulkInsert('teams', [{ name: 'North End' }, { name: 'Riverside', founded: 1921 }])
   */
  bulkInsert(
    table: string,
    rows: readonly object[],
    options?: BulkInsertOptions & { readonly returning?: undefined },
  ): OperationCall<void>
  bulkInsert<R extends object = Row>(
    table: string,
    rows: readonly object[],
    options: BulkInsertOptions & { readonly returning: readonly string[] },
  ): OperationCall<R[]>
  bulkInsert(
    table: string,
    rows: readonly object[],
    options: BulkInsertOptions = {},
  ): OperationCall<unknown> {
    if (options?.returning !== undefined) {
      return this.call('bulkInsert', (note) =>
        bulkInsertReturning(this.session, [table, rows, options], note),
      )
    }
    return this.callVoid('bulkInsert', (note, send) =>
      bulkInsert(this.session, [table, rows, options], note, send),
    )
  }

  /**
   * Changes the rows found by the columns `key`, and returns how many. The new values travel as one JSON value a call;
   * columns a row leaves out stay as they are. The rows are read until the promise is settled: leave them as they are.
   *
   * Keys are compared as PostgreSQL does it in `group by` and in indexes: 1 is 1.0 in a `numeric`, and letters of another
   * case are the same in a `citext`. Which operators that takes is asked first, with the statements that wait to be sent;
   * where none waits, that is one call more. A type without such a comparison, such as `json` or `box`, cannot be a key.
   *
   * A row that matches nothing fails the call, and nothing of its chunk is changed; `missing: 'ignore'` lets it pass. Two
   * rows with the same key fail it, too.
   *
   * @throws CommandError before anything is sent: as {@link bulkInsert} does, and for a key that is missing or null.
   * @example await op.bulkUpdate('players', [{ id: 1, team_id: 7 }, { id: 2, team_id: 9 }], { key: ['id'] })
   */
  bulkUpdate(
    table: string,
    rows: readonly object[],
    options: BulkUpdateOptions,
  ): OperationCall<number> {
    return this.call('bulkUpdate', (note) => bulkUpdate(this.session, table, rows, options, note))
  }

  /**
   * Runs one statement and answers nothing: text as it is, a `sql` template, or a builder of {@link getBind}.
   *
   * A value in the template becomes a literal, which takes its type from where it stands. Where nothing gives it one,
   * write it: sql`select ${'2014-06-25'}::date`.
   *
   * `repeatable` says, inside an autocommit block, that the statement may run twice. Default: false.
   *
   * @example await op.execute(sql`update account set name = ${'account 2'} where name = ${'account 1'}`)
   */
  execute(
    statement: Statement,
    options: { readonly repeatable?: boolean } = {},
  ): OperationCall<void> {
    return this.callVoid('execute', async (note, send) => {
      const sent = this.#sent(statement)
      note(sent.sql)
      const checked = optionsOf(options, ['repeatable'])
      await inFile('execute', statement, () => send(sent, checked))
    })
  }

  /**
   * Runs one statement, once, and answers its rows, however many: what does not fit into one answer of the Data API
   * stays in the transaction and is read in parts before anything else is sent.
   *
   * It runs in one process of the database, without parallel workers: let `op.execute` write a long aggregate into a
   * table. `fetch`, `call` and `explain`, and a statement of more than about 61,000 characters, are read in one call, and
   * fail where their rows take more than 1 MiB or have a column that the Data API does not return.
   *
   * Values are as node-postgres gives them (`bigint` and `numeric` columns are strings), except that `date`,
   * `timestamp` and `time` are strings, too. An `interval`, `point` or `circle` is to be selected with `::text`.
   *
   * @example const teams = await op.query<{ team: string }>('select distinct team from players')
   */
  query<R = Row>(statement: Statement<R>): OperationCall<R[]> {
    return this.call('query', async (note) => {
      const sent = this.#sent(statement)
      note(sent.sql)
      const rows = await inFile('query', statement, () => this.session.query(sent))
      return rows as R[]
    })
  }

  /**
   * Runs the statements of a script one by one; comments between them are left out. An error names the line, and the
   * file when the script is one that the revision imports.
   *
   * @throws CommandError before anything is sent: a quote that is never closed, a psql command, `copy … from stdin`,
   * a statement that is not allowed in a revision (one error names all of these), a file without a statement.
   * @example await op.executeScript(`create role reader; grant select on teams to reader`)
   */
  executeScript(script: Script): OperationCall<void> {
    return this.callVoid('executeScript', async (note, send) => {
      if (typeof script !== 'string' && !(script instanceof SqlFile)) {
        throw invalidArgument('script', script, 'SQL as a string, or a .sql file that is imported')
      }
      const statements = statementsOf(script)
      note(statements[0]?.statement.sql ?? '')
      const runs = statements.map(async ({ statement, line }) => {
        try {
          await send(statement)
        } catch (error) {
          throw errorInScript(error, 'executeScript', script, { statement, line })
        }
      })
      await Promise.all(runs)
    })
  }

  /**
   * Runs the statements of `body` outside the transaction, for what PostgreSQL refuses inside one: each is committed on
   * its own. What follows the block is the revision's one transaction.
   *
   * Blocks come first: one or more, before every other statement, one after the other. They hold only statements that may
   * run twice and return nothing. A revision that fails, or whose run is killed, is left interrupted: what its blocks have
   * committed stays, and the next run begins the revision again. (Within one run a block statement that has ended well is
   * not sent again.)
   *
   * @throws CommandError for a block that does not come first, is inside another or beside one at work, and for a
   * statement that may not run twice. The revision has then failed, also when the error is caught.
   * @example
   * ```ts
   * await op.autocommitBlock(async () => {
   *   await op.createIndex('players_name', 'players', ['name'], { concurrently: true })
   * })
   * ```
   */
  autocommitBlock(body: () => Promise<void>): OperationCall<void> {
    return this.call('autocommitBlock', async () => {
      if (typeof body !== 'function') throw invalidArgument('body', body, 'an async function')
      await this.#run.autocommitBlock(async () => {
        this.inBlock = true
        try {
          await body()
        } catch (thrown) {
          throw asError(thrown)
        } finally {
          this.inBlock = false
        }
      })
    })
  }

  /**
   * Kysely on this revision's transaction, typed by the tables as they are at this point of the history. Always the
   * same instance, also after an autocommit block. A builder that is neither run nor used fails the revision.
   *
   * @example
   * ```ts
   * const db = op.getBind<{ account: { id: number; name: string } }>()
   * await db.insertInto('account').values({ id: 3, name: 'John' }).execute()
   * ```
   */
  getBind<Tables = unknown>(): Kysely<Tables> {
    return this.#bind as Kysely<Tables>
  }

  #sent(statement: Statement): SqlStatement {
    if (typeof statement === 'string') return new SqlStatement(statement)
    if (statement instanceof SqlFile) return new SqlStatement(statement.text)
    if (typeof statement === 'object' && statement !== null && 'compile' in statement) {
      return this.statementOf(statement)
    }
    throw invalidArgument(
      'statement',
      statement,
      'SQL as a string, a sql`…` template, a Kysely builder or a .sql file that is imported',
    )
  }
}
