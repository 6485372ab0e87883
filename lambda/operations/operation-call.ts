import { AsyncLocalStorage } from 'node:async_hooks'
import { noteOrigin } from './call-origin.ts'
import { UnsentWork } from './unsent-work.ts'

/** What is kept of a call until somebody awaits it. */
interface CallRecord {
  readonly name: string
  statement: string
}

/**
 * The promise every operation answers.
 *
 * It notes that it was awaited, for the runner to name the calls that were not. Its rejection never is an unhandled one:
 * the session remembers the failure, and fails the revision.
 */
export class OperationCall<T> extends Promise<T> {
  /** What `then`, `catch` and `finally` answer is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  readonly #whenAwaited: () => void

  constructor(result: Promise<T>, whenAwaited: () => void) {
    super((resolve) => resolve(result))
    this.#whenAwaited = whenAwaited
    super.then(undefined, () => undefined)
  }

  // biome-ignore lint/suspicious/noThenProperty: `await` calls it, which is how an awaited call is told from a forgotten one.
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#whenAwaited()
    return super.then(onFulfilled, onRejected)
  }
}

const SHOWN_CHARACTERS = 80

const current = new AsyncLocalStorage<OperationCalls>()

/** The calls of one revision that nobody has awaited yet. */
export class OperationCalls {
  /** Those of the revision whose code runs; undefined for code of no revision. */
  static get current(): OperationCalls | undefined {
    return current.getStore()
  }

  /** What the revision has prepared and not sent. */
  readonly unsent = new UnsentWork()
  readonly #unawaited = new Set<CallRecord>()
  readonly #unfinished = new Set<CallRecord>()

  /** Starts `work`, for messages called `name`; it may note the statement it is about to send. */
  start<T>(
    name: string,
    work: (note: (statement: string) => void) => Promise<T>,
  ): OperationCall<T> {
    const record: CallRecord = { name, statement: '' }
    this.#unawaited.add(record)
    this.#unfinished.add(record)
    const result = work((statement) => {
      record.statement = shortened(statement)
    })
    noteOrigin(result)
    const finished = () => void this.#unfinished.delete(record)
    result.then(finished, finished)
    return new OperationCall(result, () => this.#unawaited.delete(record))
  }

  /** Runs code of the revision whose calls these are. */
  during<T>(work: () => T): T {
    return current.run(this, work)
  }

  /** Each call nobody awaited, as `op.dropTable (drop table "teams")`, oldest first; one that is finished is listed all the same. */
  notAwaited(): string[] {
    return [...this.#unawaited].map(shown)
  }

  /** Each call that is still under way: whoever awaits it has not been awaited. */
  unfinished(): string[] {
    return [...this.#unfinished].map(shown)
  }
}

function shown({ name, statement }: CallRecord): string {
  return statement === '' ? name : `${name} (${statement})`
}

/** A statement in one line of a message. */
export function shortened(statement: string): string {
  const line = statement
    .slice(0, 4 * SHOWN_CHARACTERS)
    .replace(/\s+/g, ' ')
    .trim()
  return line.length <= SHOWN_CHARACTERS ? line : `${line.slice(0, SHOWN_CHARACTERS)}…`
}
