import { AsyncLocalStorage } from 'node:async_hooks'
import { asError, messageOf } from '../thrown.ts'

/** Gets what escapes the code of a revision: what no `await` of it can catch, and would end the process. */
export interface EscapeHandler {
  escaped(error: Escaped): void
}

/** The code of a revision did something that ends the process without a report. Its cause is what was thrown. */
export class Escaped extends Error {
  override readonly name = 'Escaped'
}

const handlers = new AsyncLocalStorage<EscapeHandler>()
let isGuarded = false

/**
 * Runs `work`. What escapes it goes to `handler` and does not end the process, for as long as the process lives: code
 * that `work` started may go on after it. Anything else in the process ends it as before.
 *
 * Not caught: `process.abort()`, a signal, and code that never lets go of the thread.
 */
export function guarded<T>(work: () => T, handler: EscapeHandler): T {
  if (!isGuarded) guardProcess()
  isGuarded = true
  return handlers.run(handler, work)
}

/** How messages name what Node tells the process of. */
const EVENTS: Readonly<Record<string, string>> = {
  uncaughtException: 'it threw an error that nothing can catch, as from a timer or an event',
  unhandledRejection: "a promise that it does not await was rejected: add the missing 'await'",
}

function guardProcess(): void {
  const { exit } = process
  const emit = process.emit as (this: NodeJS.Process, event: string, ...args: unknown[]) => boolean
  const guardedEmit: typeof emit = function (event, ...args) {
    const handler = Object.hasOwn(EVENTS, event) ? handlers.getStore() : undefined
    if (handler === undefined) return emit.call(this, event, ...args)
    const [thrown] = args
    // One of process.exit() is reported already.
    if (!(thrown instanceof Escaped)) {
      handler.escaped(
        new Escaped(`${EVENTS[event]}: ${messageOf(thrown)}`, { cause: asError(thrown) }),
      )
    }
    return true
  }
  // Not a listener: it could not keep the others, such as those of the Lambda runtime, from ending the process.
  process.emit = guardedEmit as typeof process.emit
  process.exit = (code) => {
    const handler = handlers.getStore()
    if (handler === undefined) return exit.call(process, code)
    const error = new Escaped(
      `it called process.exit(${code ?? ''}), which would end the run without a report: throw an error instead`,
    )
    handler.escaped(error)
    throw error
  }
}
