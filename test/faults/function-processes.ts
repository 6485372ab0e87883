import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { text } from 'node:stream/consumers'

const MAIN = path.join(import.meta.dirname, 'handler-child.ts')

/** The functions of a bundle, each invocation in a process of its own, which can be killed. */
export class FunctionProcesses {
  readonly #environment: () => NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  #isHeard = true

  constructor(environment: () => NodeJS.ProcessEnv) {
    this.#environment = environment
  }

  /** Answers what the function answers; rejects with its error, and as Lambda does when the process is killed. */
  async invoke(file: string, name: string, event: unknown): Promise<unknown> {
    const child = spawn(process.execPath, [MAIN, file, name], {
      env: this.#environment(),
      stdio: 'pipe',
    })
    child.stderr.pipe(process.stderr)
    this.#child = child
    child.stdin.end(JSON.stringify(event))
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
    const answer = /^answer (?<json>.*)$/m.exec(output)?.groups?.json
    if (answer === undefined && !this.#isHeard) await new Promise<never>(() => {})
    if (answer === undefined) {
      const name = 'Runtime.ExitError'
      throw Object.assign(new Error('Runtime exited with error: signal: killed'), { name })
    }
    const { ok, payload } = JSON.parse(answer) as { ok: boolean; payload: unknown }
    if (ok) return payload
    const { errorType, errorMessage } = payload as Record<string, string>
    throw Object.assign(new Error(errorMessage), { name: errorType })
  }

  /** Kills the process that runs; without `isHeard` whoever invoked it dies with it, and hears nothing of it. */
  kill({ isHeard = true } = {}): void {
    this.#isHeard = isHeard
    if (!this.#child?.kill('SIGKILL')) throw new Error('no process runs')
  }
}
