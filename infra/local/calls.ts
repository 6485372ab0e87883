export type Operation =
  | 'BeginTransaction'
  | 'CommitTransaction'
  | 'RollbackTransaction'
  | 'ExecuteStatement'
  | 'BatchExecuteStatement'
  | 'GetSecretValue'

/** One HTTP call as it arrived, and how it was answered. */
export interface Call {
  readonly number: number
  readonly operation: Operation
  readonly database?: string
  readonly sql?: string
  readonly transactionId?: string
  readonly parameters?: unknown
  /** `amz-sdk-invocation-id`: equal on the retries that an SDK makes on its own. */
  readonly invocationId?: string
  /** 1 for the first attempt of the SDK. */
  readonly attempt?: number
  readonly startedAt: number
  /** Set when answered; a cut call has none. */
  status?: number
  errorName?: string
  ms?: number
}

export interface CallRecorder {
  readonly all: readonly Call[]
  /** Calls of one database, with Begin, Commit, Rollback and statements of its transactions. */
  forDatabase(name: string): readonly Call[]
  clear(): void
}

/** Calls kept; the SQL and the parameters of older ones are the first thing to let go. */
const keepCalls = 50_000
const keepBytes = 256 * 1_048_576

/** The last calls in order of arrival, bounded in number and in the size of what they carry. */
export class CallLog implements CallRecorder {
  #calls: Call[] = []
  #bytes = 0
  #number = 0

  get all(): readonly Call[] {
    return this.#calls
  }

  forDatabase(name: string): readonly Call[] {
    return this.#calls.filter(({ database }) => database === name)
  }

  clear(): void {
    this.#calls = []
    this.#bytes = 0
  }

  /** Records a call whose request took the given bytes. */
  add(call: Omit<Call, 'number' | 'startedAt'>, bytes: number): Call {
    this.#number += 1
    const recorded: Call = { ...call, number: this.#number, startedAt: Date.now() }
    this.#bytes += bytes
    if (this.#calls.length >= keepCalls || this.#bytes > keepBytes) {
      // Half at once: a shift per call would copy the whole list each time.
      this.#calls = this.#calls.slice(Math.ceil(this.#calls.length / 2))
      this.#bytes = bytes
    }
    this.#calls.push(recorded)
    return recorded
  }
}
