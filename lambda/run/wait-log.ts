import type { RunLog } from './runner-context.ts'

const EVERY_MS = 15_000

/** Reports what is waited for: a terminal shows the newest line, a log gets one in 15 s and each that is about something else. */
export class WaitLog {
  readonly #log: RunLog
  #loggedAt = 0
  #subject = ''

  constructor(log: RunLog) {
    this.#log = log
  }

  /** `message` may count seconds: two that differ only in numbers are about the same. */
  tell(message: string): void {
    if (this.#log.waiting) {
      this.#log.waiting(message)
      return
    }
    const subject = message.replace(/\d+/g, '')
    if (subject === this.#subject && Date.now() - this.#loggedAt < EVERY_MS) return
    this.#subject = subject
    this.#loggedAt = Date.now()
    this.#log.info(message)
  }
}
