import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { CompiledQuery, Kysely } from 'kysely'
import { kyselyOf } from '../data-api/kysely-dialect.ts'
import { parametersOf } from '../data-api/long-values.ts'
import type { Session } from '../data-api/session.ts'
import { CommandError } from '../errors.ts'
import { COLUMN_TYPES } from './arguments.ts'
import { type OperationCall, OperationCalls } from './operation-call.ts'

/** A Kysely builder or `sql` template: what becomes the text of one statement. */
export interface StatementBuilder {
  compile(db: Kysely<unknown>): CompiledQuery
}

/** A statement as it is sent. */
export interface SentStatement {
  readonly sql: string
  readonly parameters: readonly SqlParameter[]
}

/** What every operation is made of: a call that is watched until it is awaited, and sends statements in the order of the calls. */
export abstract class SessionOperations {
  protected readonly session: Session
  protected readonly db: Kysely<unknown>
  /** What was called and is to be awaited; `orm()` adds its own. */
  readonly calls = new OperationCalls()

  constructor(session: Session) {
    this.session = session
    this.db = kyselyOf(session)
  }

  /**
   * The calls nobody awaited, such as `op.dropTable (drop table "teams")`, whether or not they are finished.
   *
   * The runner asks after `upgrade` or `downgrade` returned.
   */
  notAwaited(): string[] {
    return this.calls.notAwaited()
  }

  /** Starts one operation; what is wrong with its arguments becomes a rejection that names the method. */
  protected call<T>(
    method: string,
    work: (note: (statement: string) => void) => Promise<T>,
  ): OperationCall<T> {
    return this.calls.start(`op.${method}`, async (note) => {
      try {
        return await work(note)
      } catch (error) {
        throw inMethod(method, error)
      }
    })
  }

  /** An operation that sends what `build` answers, and answers nothing. */
  protected send(method: string, build: () => readonly StatementBuilder[]): OperationCall<void> {
    return this.call(method, async (note) => {
      const statements = build().map((builder) => this.statementOf(builder))
      note(statements[0]?.sql ?? '')
      // In line before the next call can be, also when nobody awaits this one.
      await Promise.all(
        statements.map(({ sql, parameters }) => this.session.execute(sql, parameters)),
      )
    })
  }

  protected statementOf(builder: StatementBuilder): SentStatement {
    const compiled = builder.compile(this.db)
    return { sql: compiled.sql, parameters: parametersOf(compiled) }
  }
}

const METHOD = /^op\.\w+/

function inMethod(method: string, error: unknown): unknown {
  if (!(error instanceof Error) || METHOD.test(error.message)) return error
  if (error instanceof CommandError) {
    return new CommandError(error.kind, `op.${method}: ${error.message}`, { cause: error })
  }
  // Kysely's own check of type names, which are spliced into the text.
  if (!error.message.startsWith('invalid column data type')) return error
  return new CommandError(
    'InvalidArgument',
    `op.${method}: ${error.message}: pass ${COLUMN_TYPES}`,
    { cause: error },
  )
}
