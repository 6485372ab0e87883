import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import type { Report } from '../../lambda/run/report.ts'

const MAIN = path.join(import.meta.dirname, 'crash-child.ts')

/** A process that upgrades a database with the `invoke` of a bundle. */
export class BundleProcess {
  output = ''
  readonly begun: Promise<void>
  readonly ended: Promise<unknown>
  readonly #process: ChildProcess

  constructor(file: string, aurora: LocalAurora, database: string) {
    const env = { ...process.env, ...aurora.environment(database) }
    this.#process = spawn(process.execPath, [MAIN, file], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const begun = Promise.withResolvers<void>()
    const hear = (chunk: Buffer) => {
      this.output += String(chunk)
      if (this.output.includes('begun\n')) begun.resolve()
    }
    this.#process.stdout?.on('data', hear)
    this.#process.stderr?.on('data', hear)
    this.ended = new Promise((resolve) => this.#process.once('close', resolve))
    void this.ended.then(() => begun.resolve())
    this.begun = begun.promise
  }

  get report(): Report | undefined {
    const answer = /^answer (?<json>.*)$/m.exec(this.output)?.groups?.json
    return answer === undefined ? undefined : (JSON.parse(answer) as Report)
  }

  /** False when it had ended by itself. */
  kill(): boolean {
    return this.#process.exitCode === null && this.#process.kill('SIGKILL')
  }
}
