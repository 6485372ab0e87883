import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const ROOT = path.resolve(import.meta.dirname, '../..')
const MAIN = path.join(ROOT, 'infra/cli/main.ts')
const CONDITIONS = '--conditions=aurora-migrations-source'

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Environment = Readonly<Record<string, string>>

/** The real program, in a process of its own. */
export class CliProcess {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''

  constructor(
    args: readonly string[],
    env: Environment = {},
    { terminal = false }: { readonly terminal?: boolean } = {},
  ) {
    const command = [process.execPath, CONDITIONS, MAIN, ...args]
    this.child = terminal
      ? // `script` makes a terminal; what is printed there comes as one text.
        start('script', ['-qec', command.map((part) => `'${part}'`).join(' '), '/dev/null'], env)
      : start(process.execPath, command.slice(1), env)
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += String(chunk)
    })
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk)
    })
  }

  /** Resolves when the text was printed; rejects when the program ended without. */
  async printed(text: string): Promise<void> {
    while (!`${this.stdout}${this.stderr}`.includes(text)) {
      if (this.child.exitCode !== null) {
        throw new Error(`ended without '${text}': ${this.stdout}${this.stderr}`)
      }
      await sleep(10)
    }
  }

  async result(): Promise<CliResult> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await once(this.child, 'close')
    }
    const { stdout, stderr } = this
    return { code: this.child.exitCode, stdout, stderr }
  }
}

function start(program: string, args: readonly string[], env: Environment): ChildProcess {
  const { NODE_OPTIONS: _, ...inherited } = process.env
  return spawn(program, args, { cwd: ROOT, env: { ...inherited, USER: 'ada', ...env } })
}

/** Runs the program to its end. */
export function cli(args: readonly string[], env: Environment = {}): Promise<CliResult> {
  const running = new CliProcess(args, env)
  running.child.stdin?.end()
  return running.result()
}
