import { createHook, executionAsyncId } from 'node:async_hooks'

interface Origin {
  readonly at: Error
  readonly parent: number
}

const DEPTH = 100

/**
 * Remembers where each asynchronous step began, to name the line of a revision behind a call: calls are queued, so a
 * stack taken where one is sent ends in the queue.
 *
 * Costs far too much for anything but a script.
 */
export class CallSites implements Disposable {
  readonly #origins = new Map<number, Origin>()
  readonly #hook = createHook({
    init: (id) => void this.#origins.set(id, { at: stackHere(), parent: executionAsyncId() }),
  })

  constructor() {
    this.#hook.enable()
  }

  /** `file:line` of the nearest call in one of these files that led to the present moment, when it can be told. */
  find(files: readonly string[]): string | undefined {
    if (files.length === 0) return undefined
    const names = files.map((file) => file.replace(/[^\w]/g, '\\$&')).join('|')
    const place = new RegExp(`[\\\\/](?<file>${names}):(?<line>\\d+)`)
    let origin = this.#origins.get(executionAsyncId())
    for (let steps = 0; origin !== undefined && steps < 10 * DEPTH; steps += 1) {
      const found = place.exec(origin.at.stack ?? '')?.groups
      if (found) return `${found.file}:${found.line}`
      origin = this.#origins.get(origin.parent)
    }
    return undefined
  }

  /** Forgets what came before. */
  clear(): void {
    this.#origins.clear()
  }

  [Symbol.dispose](): void {
    this.#hook.disable()
  }
}

function stackHere(): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = DEPTH
  const error = new Error('began here')
  Error.stackTraceLimit = stackTraceLimit
  return error
}
