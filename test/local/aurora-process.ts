import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const main = resolve(import.meta.dirname, '../../infra/cli/main.ts')

/** Local Aurora in a process of its own, as its command line starts it. */
export class AuroraProcess {
  readonly child: ChildProcess
  readonly exit: Promise<number | NodeJS.Signals | null>
  #output = ''

  constructor(args: readonly string[], options: SpawnOptions = {}, program = main) {
    this.child = spawn(process.execPath, [program, 'local', ...args], { stdio: 'pipe', ...options })
    this.child.stdout?.on('data', (chunk) => this.#append(chunk))
    this.child.stderr?.on('data', (chunk) => this.#append(chunk))
    this.exit = once(this.child, 'close').then(([code, signal]) => code ?? signal)
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get output(): string {
    return this.#output
  }

  /** Resolves when it answers; rejects with its output when it ended instead. */
  async ready(): Promise<this> {
    let ended = false
    void this.exit.then(() => {
      ended = true
    })
    while (!this.#output.includes('export DATABASE=')) {
      if (ended) throw new Error(this.#output)
      await sleep(10)
    }
    return this
  }

  /** The value of an exported variable. */
  exported(name: string): string {
    return new RegExp(`^export ${name}='(.*)'$`, 'm').exec(this.#output)?.[1] ?? ''
  }

  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.child.kill(signal)
    return this.exit
  }

  #append(chunk: Buffer): void {
    this.#output += String(chunk)
  }
}

/** The process id of the PostgreSQL server on a data directory; undefined when none runs. */
export function serverPid(data: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(`${data}/postmaster.pid`, 'utf8'), 10)
    return isRunning(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** Whether a process runs; one that ended and waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  return processes().some((process) => process.pid === pid && !process.state.startsWith('Z'))
}

/** Processes whose parent is the given one. */
export function childrenOf(parent: number): number[] {
  return processes()
    .filter((process) => process.parent === parent)
    .map(({ pid }) => pid)
}

interface ProcessStatus {
  readonly pid: number
  readonly parent: number
  readonly state: string
}

function processes(): ProcessStatus[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, state = ''] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), state }
    })
}
