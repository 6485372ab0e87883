import { setImmediate } from 'node:timers/promises'
import type { CompiledQuery, Kysely } from 'kysely'
import { CommandError } from '../errors.ts'
import { kyselyOf } from '../session/kysely-dialect.ts'
import { parametersOf } from '../session/long-values.ts'
import type { Session } from '../session/session.ts'
import { Statement } from '../sql/statement.ts'
import { asError } from '../thrown.ts'
import { COLUMN_TYPES } from './arguments.ts'
import { noteOrigin } from './call-origin.ts'
import { type OperationCall, OperationCalls } from './operation-call.ts'

/** A Kysely builder or `sql` template: what becomes the text of one statement. */
export interface StatementBuilder {
  compile(db: Kysely<unknown>): CompiledQuery
}

/** Puts a statement in line whose result is of interest only to the message of a failure. */
export type SendVoid = (...statement: Parameters<Session['accept']>) => Promise<number>

/** The work of an operation that answers nothing. */
type VoidWork = (note: (statement: string) => void, send: SendVoid) => Promise<void>

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
   * The calls nobody awaited, such as `op.dropTable (drop table "teams")`, whether or not they are finished, and those
   * that were awaited in vain, by a function nobody awaited.
   *
   * The runner asks after `upgrade` or `downgrade` returned.
   */
  notAwaited(): string[] {
    return [...new Set([...this.calls.notAwaited(), ...this.calls.unfinished()])]
  }

  /**
   * Starts one operation that answers nothing, and is over once its statements are accepted: they may be carried out
   * later, together with others. `work` puts all of them in line before it awaits anything.
   */
  protected callVoid(method: string, work: VoidWork): OperationCall<void> {
    return this.calls.start(`op.${method}`, async (note) => {
      const accepted: Promise<unknown>[] = []
      const send: SendVoid = (...statement) => {
        const sent = this.session.accept(...statement)
        accepted.push(sent.accepted)
        return sent.ran
      }
      const ran = this.#told(method, () => work(note, send))
      try {
        await Promise.all(accepted)
      } catch {
        await ran
      }
      // Also when nothing was sent, because an argument is wrong.
      if (accepted.length === 0) await ran
      // Longer than the runner waits for what nobody awaits: a function that goes on by itself is still seen.
      if (this.session.transaction.takesBatches) await turns(2)
    })
  }

  /** Starts one operation; what is wrong with its arguments becomes a rejection that names the method. */
  protected call<T>(
    method: string,
    work: (note: (statement: string) => void) => Promise<T>,
  ): OperationCall<T> {
    return this.calls.start(`op.${method}`, (note) => this.#told(method, () => work(note)))
  }

  /** An operation whose error names it, also to those who ask only at the end why the transaction failed. */
  #told<T>(method: string, work: () => Promise<T>): Promise<T> {
    const told = work().catch((thrown: unknown) => {
      const located = inMethod(method, asError(thrown))
      this.session.locate(located)
      throw located
    })
    noteOrigin(told)
    return told
  }

  /** An operation that sends what `build` answers, and answers nothing. */
  protected send(method: string, build: () => readonly StatementBuilder[]): OperationCall<void> {
    return this.callVoid(method, async (note, send) => {
      const statements = build().map((builder) => this.statementOf(builder))
      note(statements[0]?.sql ?? '')
      // In line before the next call can be, also when nobody awaits this one.
      await Promise.all(statements.map((statement) => send(statement)))
    })
  }

  protected statementOf(builder: StatementBuilder): Statement {
    const compiled = builder.compile(this.db)
    return new Statement(compiled.sql, parametersOf(compiled))
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await setImmediate()
}

const METHOD = /^op\.\w+/

function inMethod(method: string, error: Error): Error {
  if (METHOD.test(error.message)) return error
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
