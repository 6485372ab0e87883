import type { ErrorReport, Status, StepReport } from '../../lambda/run/report.ts'
import { errorExcerpt } from './error-excerpt.ts'

const REDRAW_MS = 1_000
/** How often a log says what is waited for. */
const LOG_EVERY_MS = 15_000
/** After this time without another look the wait is over. */
const LONGEST_LOOK_MS = 7_000

/**
 * What the program prints: answers on the standard output; what happens meanwhile, warnings and errors on the other one.
 * On a terminal a last line tells that there still is work going on; a log gets whole lines only.
 */
export class Output {
  readonly #json: boolean
  readonly #isTerminal = process.stderr.isTTY === true
  readonly #told = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #applied = 0
  #waiting = ''
  #waitingAt = 0
  #notedAt = 0

  /** `json`: a failure is printed as JSON as well. Default: false. */
  constructor({ json = false }: { readonly json?: boolean } = {}) {
    this.#json = json
  }

  /** One line, or several, of the answer. */
  print(text: string): void {
    this.#erase()
    process.stdout.write(`${printable(text)}\n`)
  }

  /** A script, as it is. */
  script(text: string): void {
    process.stdout.write(text)
  }

  json(value: unknown): void {
    this.print(JSON.stringify(value, undefined, 2))
  }

  /** A line about what is going on. */
  note(line: string): void {
    this.#erase()
    process.stderr.write(`${printable(line)}\n`)
  }

  /** What is waited for, as it is now: the last line of a terminal shows it, and a log gets it now and then. */
  waiting(line: string): void {
    const isNews = line.replace(/\d+/g, '') !== this.#waiting.replace(/\d+/g, '')
    this.#waiting = oneLine(line)
    this.#waitingAt = Date.now()
    if (this.#timer !== undefined) return
    if (!isNews && Date.now() - this.#notedAt < LOG_EVERY_MS) return
    this.#notedAt = Date.now()
    this.note(line)
  }

  /** A warning, once however often it comes. */
  warn(line: string): void {
    if (this.#told.has(line)) return
    this.#told.add(line)
    this.note(`warning: ${line}`)
  }

  error(line: string): void {
    this.note(`error: ${oneLine(line)}`)
  }

  /** What went wrong, in one line; on a terminal with the SQL at fault, and with its stack where that was asked for. */
  failure(error: ErrorReport): void {
    this.error(error.message)
    const isVerbose = error.stack !== undefined
    const lines = this.#isTerminal || isVerbose ? (errorExcerpt(error) ?? []) : []
    for (const line of [...lines, ...(error.stack?.split('\n') ?? [])]) this.note(line)
  }

  /** The failure of a command that has no other answer. */
  onlyFailure(error: ErrorReport, status: Status = 'failed'): void {
    if (this.#json) this.json({ status, error })
    this.failure(error)
  }

  /** A revision that was applied. */
  step({ direction, revision, doc, ms, statements, rows }: StepReport): void {
    this.#applied += 1
    this.#waitingAt = 0
    const figures = `${ms} ms, ${counted(statements, 'statement')}, ${counted(rows, 'row')}`
    this.note(`${direction} ${revision}, ${doc} (${figures})`)
  }

  /** Until the answer is disposed of, a terminal shows that work is going on. */
  working(): Disposable {
    const started = Date.now()
    const draw = () => {
      const seconds = Math.round((Date.now() - started) / 1000)
      const isWaiting = Date.now() - this.#waitingAt < LONGEST_LOOK_MS
      const waiting = isWaiting ? `, ${this.#waiting}` : ''
      const line = `working for ${seconds} s, ${counted(this.#applied, 'revision')} done${waiting}`
      this.#erase()
      // A line that the terminal breaks could not be written over.
      process.stderr.write(line.slice(0, (process.stderr.columns ?? 80) - 1))
    }
    if (this.#isTerminal) this.#timer = setInterval(draw, REDRAW_MS)
    return { [Symbol.dispose]: () => this.#stop() }
  }

  #stop(): void {
    this.#erase()
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #erase(): void {
    if (this.#timer !== undefined) process.stderr.write('\r\u001b[K')
  }
}

/** What somebody typed may hold line breaks, and what esbuild says has several lines. */
export function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, '; ')
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** What a revision or another user wrote may hold characters that command a terminal. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${code}`
  })
}

export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
