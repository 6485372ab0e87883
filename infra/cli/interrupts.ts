import type { EarlyExit } from './early-exit.ts'
import { EXIT } from './exit-code.ts'
import type { Output } from './output.ts'

/**
 * Ctrl-C, and a polite kill: the first one lets the work end in a clean state, the second one leaves at once.
 *
 * `aborted` is what the work listens to.
 */
export class Interrupts implements Disposable {
  readonly #output: Output
  readonly #exit: EarlyExit
  readonly #abort = new AbortController()
  readonly #said: { readonly first: string; readonly second: string }

  /** `first` and `second`: what is said then; the second time as the report of `exit`. */
  constructor(
    output: Output,
    exit: EarlyExit,
    said: { readonly first: string; readonly second: string },
  ) {
    this.#output = output
    this.#exit = exit
    this.#said = said
    process.on('SIGINT', this.#interrupted)
    process.on('SIGTERM', this.#interrupted)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#interrupted)
    process.off('SIGTERM', this.#interrupted)
  }

  readonly #interrupted = (): void => {
    if (this.signal.aborted) {
      this.#exit.ending = {
        kind: 'Interrupted',
        message: this.#said.second,
        code: EXIT.unknown,
      }
      process.exit(EXIT.unknown)
    }
    this.#output.note(this.#said.first)
    this.#abort.abort()
  }
}
