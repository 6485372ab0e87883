import { StatementError } from '../data-api/errors.ts'
import { executorStatement } from '../data-api/executor.ts'
import type { Session } from '../data-api/session.ts'
import type { DatabaseState } from './database-state.ts'
import type { RunnerContext } from './runner-context.ts'

/** Whether statements may travel together; not where each may take only so long, because the limit is one of a call. */
export function wantsBatches({ batching = true, timeouts }: RunnerContext): boolean {
  return batching && (timeouts?.statementMs ?? 0) === 0
}

/** Sees to it that the function that carries out batches is there, also where the tables were made without it, or it is another one. */
export class BatchExecutor {
  readonly #context: RunnerContext
  readonly #reader: Session
  #isRefused = false

  constructor(context: RunnerContext, reader: Session) {
    this.#context = context
    this.#reader = reader
  }

  /** The state with the function, or as it is where that cannot be made: then each statement is a call. */
  async ensured(state: DatabaseState): Promise<DatabaseState> {
    if (state.batches || this.#isRefused || !wantsBatches(this.#context)) return state
    const { table, log } = this.#context
    try {
      // What it answers does not matter; and making it twice is as good as once.
      await this.#reader.read(executorStatement(table.executor))
      return { ...state, batches: true }
    } catch (error) {
      if (!(error instanceof StatementError)) throw error
      this.#isRefused = true
      log.warn(
        `each statement is a call of its own, because ${table.executor} cannot be made: ${error.message}; grant the secret's user create on the schema, or set BATCHING to off`,
      )
      return state
    }
  }
}
