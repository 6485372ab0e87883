import { StatementError } from '../data-api/errors.ts'
import { type DatabaseState, readState } from '../ledger/database-state.ts'
import type { VersionTable } from '../ledger/version-table.ts'
import { executorStatement } from '../session/executor.ts'
import type { Session } from '../session/session.ts'
import type { RunnerContext } from './runner-context.ts'

/** Whether statements may travel together; not where each may take only so long, because the limit is one of a call. */
export function wantsBatches({ batching = true, timeouts }: RunnerContext): boolean {
  return batching && (timeouts?.statementMs ?? 0) === 0
}

/** A function of this name was made meanwhile: by another run, or by somebody else. */
const MADE_MEANWHILE = new Set(['42723', '23505'])

/**
 * Makes the function that carries out batches where it is missing or has another text.
 *
 * A function that is not ours to the letter, or not of a trusted owner, is never called and never replaced in silence:
 * then each statement is a call, and a warning says what to do.
 */
export class BatchExecutor {
  readonly #context: RunnerContext
  readonly #reader: Session
  #isRefused = false

  constructor(context: RunnerContext, reader: Session) {
    this.#context = context
    this.#reader = reader
  }

  /** The state with the function, or as it is where that cannot be used. */
  async ensured(state: DatabaseState): Promise<DatabaseState> {
    if (state.batches || this.#isRefused || !wantsBatches(this.#context)) return state
    const problem = executorProblem(state, this.#context.table) ?? (await this.#make(state))
    if (problem === undefined) return { ...state, batches: true }
    this.#isRefused = true
    this.#context.log.warn(
      `each statement is a call of its own, because ${problem}, or set BATCHING to off`,
    )
    return state
  }

  /** What keeps it from being made. */
  async #make({ executor }: DatabaseState): Promise<string | undefined> {
    const { table } = this.#context
    try {
      await this.#reader.read(executorStatement(table.executor, { replace: executor !== null }))
      return undefined
    } catch (error) {
      if (!(error instanceof StatementError)) throw error
      if (MADE_MEANWHILE.has(error.code ?? '')) {
        const seen = await readState(this.#reader, table)
        if (seen.batches) return undefined
        const problem = executorProblem(seen, table)
        if (problem !== undefined) return problem
      }
      const fix = executor
        ? `let role ${executor.owner}, which owns it, drop it`
        : "grant the secret's user create on the schema"
      return `${table.executor} cannot be made: ${error.message}; ${fix}`
    }
  }
}

/** Why the function that is there must not be called, and the fix. */
function executorProblem(
  { executor, overload }: DatabaseState,
  { executor: name }: VersionTable,
): string | undefined {
  if (executor && !executor.trusted) {
    return `the function ${name} belongs to role ${executor.owner}, which is not trusted: drop it (drop function ${name}(json)), let a trusted role own it, name ${executor.owner} in TRUSTED_OWNERS (trustedOwners)`
  }
  if (overload !== null) {
    return `a call of ${name} may also mean ${overload}, which has defaults: drop that function`
  }
  if (executor?.ours && !executor.callable) {
    return `this user may not call ${name}: grant execute on function ${name}(json)`
  }
  return undefined
}
