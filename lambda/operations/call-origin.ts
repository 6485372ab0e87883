/** Where the calls were made that failed. */
const origins = new WeakMap<Error, Error>()

/** Frames of a library and of ours may stand between the revision and a call. */
const DEPTH = 50

/**
 * Notes where a call is made, for {@link originOf} the error that it may end with: its statement is queued, so the
 * stack of that error begins in the queue.
 */
export function noteOrigin(outcome: Promise<unknown>): void {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = DEPTH
  const origin = new Error('called here')
  Error.stackTraceLimit = stackTraceLimit
  outcome.catch((error: unknown) => {
    if (error instanceof Error && !origins.has(error)) origins.set(error, origin)
  })
}

/** The stack of the call that ended with this error; empty where it is not known. */
export function originOf(error: Error): string {
  return origins.get(error)?.stack ?? ''
}
