import type { ErrorReport } from '../../lambda/run/report.ts'
import { EXIT } from './exit-code.ts'
import type { Output } from './output.ts'

/** What is reported, and the exit code, when the process ends too early. */
export interface Ending extends Pick<ErrorReport, 'kind' | 'message'> {
  readonly code: number
}

let innermost: EarlyExit | undefined

/**
 * Reports an end of the process that comes before the end of what goes on: the code of a revision file may call
 * process.exit(), or wait for what never comes. The exit code is then not 0. The innermost of several reports.
 */
export class EarlyExit implements Disposable {
  /** May change while work goes on. */
  ending: Ending
  readonly #output: Output
  readonly #outer = innermost

  constructor(output: Output, ending: Ending) {
    this.#output = output
    this.ending = ending
    if (innermost === undefined) process.on('exit', reportEarlyExit)
    innermost = this
  }

  [Symbol.dispose](): void {
    innermost = this.#outer
    if (innermost === undefined) process.off('exit', reportEarlyExit)
  }

  report(): void {
    const { code, ...error } = this.ending
    this.#output.onlyFailure(error, code === EXIT.unknown ? 'unknown' : 'failed')
    process.exitCode = code
  }
}

function reportEarlyExit(): void {
  innermost?.report()
}
