import { setImmediate } from 'node:timers/promises'
import { types } from 'node:util'
import { CommandError } from '../errors.ts'
import { shortened } from '../operations/operation-call.ts'
import { Operations, type RevisionRun } from '../operations/operations.ts'
import type { Session } from '../session/session.ts'
import { asError, causesOf } from '../thrown.ts'
import { type EscapeHandler, guarded } from './process-guard.ts'
import type { RunnerContext, RunStep } from './runner-context.ts'

/** So many frames of a stack are kept while a revision runs. */
const DEPTH = 50

/** A revision returned before a call of its own was over. */
export class NotAwaited extends CommandError {
  constructor(message: string) {
    super('NotAwaited', message)
  }
}

/** How often a place that shows it gets to know what a revision waits for. */
const LOOK_MS = 5_000

/** A statement came after its revision was over. */
class RevisionEnded extends CommandError {
  constructor(message: string) {
    super('RevisionEnded', message)
  }
}

/**
 * The code of one revision: `upgrade` or `downgrade`, and what of it goes on after that returned.
 *
 * What goes on fails the revision as long as that can be rolled back. Later it becomes a warning of the run, and a
 * statement is refused in any case.
 */
export class RevisionCode implements EscapeHandler {
  /** As messages name it. */
  readonly #name: string
  readonly #session: Session
  readonly #context: RunnerContext
  readonly #escape = Promise.withResolvers<never>()
  readonly #late: string[] = []
  #state: 'running' | 'returned' | 'committed' | 'failed' = 'running'
  #op: Operations | undefined
  #waitsFor: string | undefined
  #look: NodeJS.Timeout | undefined

  constructor(name: string, session: Session, context: RunnerContext) {
    this.#name = name
    this.#session = session
    this.#context = context
    this.#escape.promise.catch(() => 'the run may be over')
  }

  /** Throws what the revision throws, {@link NotAwaited}, and what keeps the transaction from being committed. */
  async run(work: RunStep['run'], run: RevisionRun): Promise<void> {
    const op = new Operations(this.#session, {
      ...run,
      autocommitBlock: async (body) => {
        if (this.#state !== 'running') throw this.#refusal('op.autocommitBlock')
        await run.autocommitBlock(body)
      },
    })
    await this.#runCode(work, op)
    const [call] = [...op.notAwaited(), ...this.#session.pending]
    if (call !== undefined) {
      throw this.#notAwaited(`without waiting for ${call}: add the missing 'await'`)
    }
    await this.#session.settled()
    if (this.#session.failure) throw this.#session.failure
    const [unsent, ...others] = op.calls.unsent.left()
    if (unsent === undefined) return
    const more = others.length > 0 ? ` (and ${others.length} more of this kind)` : ''
    throw new CommandError('UnsentWork', `${this.#name} returned without ${unsent}${more}`)
  }

  /** Refuses every statement that the revision may still send: it failed, or another one of its transaction did. */
  fail(): void {
    this.#end('failed')
  }

  /** What it did after it returned cannot be rolled back any more. */
  commit(): void {
    this.#state = 'committed'
    for (const line of this.#late) this.#warn(line)
  }

  /** What it waited for when it was stopped; undefined when that was nothing of the database. */
  get waitsFor(): string | undefined {
    return this.#waitsFor
  }

  escaped(error: Error): void {
    if (this.#state === 'running') this.#escape.reject(error)
    else if (!causesOf(error).some((cause) => cause instanceof RevisionEnded)) {
      this.#wentOn(`${this.#name} returned, and then ${error.message}`, error)
    }
  }

  async #runCode(work: RunStep['run'], op: Operations): Promise<void> {
    this.#op = op
    this.#look = setInterval(() => this.#tellWaiting(), LOOK_MS).unref()
    const { stackTraceLimit } = Error
    // A library may stand between the revision and what it throws.
    Error.stackTraceLimit = Math.max(stackTraceLimit, DEPTH)
    try {
      const running = guarded(() => op.calls.during(async () => await work?.(op)), this)
      const returned: unknown = await Promise.race([running, this.#escape.promise])
      // A query builder that nobody awaits sends its statement some microtasks after it was called.
      await Promise.race([setImmediate(), this.#escape.promise])
      this.#refuseReturned(returned)
      this.#end('returned')
    } catch (thrown) {
      this.#end('failed')
      throw asError(thrown)
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  }

  #end(state: 'returned' | 'failed'): void {
    clearInterval(this.#look)
    this.#waitsFor ??= this.#waiting()
    this.#state = state
    this.#session.endRevision((sql) => this.#refusal(shortened(sql)))
  }

  /** Takes note of what came after the end, and makes the error that refuses it. */
  #refusal(what: string): Error {
    const message = `${this.#name} is over: a statement came after it returned, so add the missing 'await' before it (${what})`
    const error = new RevisionEnded(message)
    this.#wentOn(message, error)
    return error
  }

  #wentOn(line: string, error: Error): void {
    if (this.#state === 'committed') this.#warn(line)
    if (this.#state !== 'returned') return
    this.#late.push(line)
    this.#session.transaction.fail(error)
  }

  #warn(line: string): void {
    const warning = `${line}; ${this.#name} is committed, so do what it left out in a new revision`
    const { log, warn = (text) => log.warn(text) } = this.#context
    warn(warning)
  }

  #tellWaiting(): void {
    const what = this.#waiting() ?? 'something other than the database'
    this.#context.log.waiting?.(`${this.#name} waits for ${what}`)
  }

  #waiting(): string | undefined {
    const calls = this.#op?.calls.unfinished() ?? []
    const sql = this.#session.transaction.atWork ?? this.#session.pending[0]
    // One with its statement in parentheses says most.
    const call = calls.find((each) => each.endsWith(')')) ?? (sql && shortened(sql)) ?? calls[0]
    return this.#state === 'returned' ? (call ?? 'the end of its transaction') : call
  }

  /** Returned promises would not be waited for, and a returned function would not run. */
  #refuseReturned(returned: unknown): void {
    if (typeof returned === 'function')
      throw this.#notAwaited('a function, which does not run: call it')
    if (types.isGeneratorObject(returned)) {
      throw this.#notAwaited('a generator, whose body does not run: write an async function')
    }
    if (Array.isArray(returned) && returned.some(types.isPromise)) {
      throw this.#notAwaited('promises without waiting for them: write await Promise.all(…)')
    }
  }

  #notAwaited(how: string): NotAwaited {
    return new NotAwaited(`${this.#name} returned ${how}`)
  }
}
