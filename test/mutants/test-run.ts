import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

/** How long the test files of one mutant may take: a fault may as well be an endless loop. */
const LONGEST_MS = 300_000
/** How long vitest gets to end its workers. */
const STOPPING_MS = 20_000

export interface TestRun {
  readonly outcome: 'passed' | 'failed' | 'timed out'
  /** What vitest printed. */
  readonly output: string
}

/** Runs test files of a checkout until the first test fails. */
export async function runTests(directory: string, files: readonly string[]): Promise<TestRun> {
  const vitest = path.join(directory, 'node_modules/vitest/vitest.mjs')
  const config = files.some((file) => file.startsWith('test/faults/'))
    ? 'vitest.faults.config.ts'
    : 'vitest.config.ts'
  const args = [vitest, 'run', '--config', config, '--bail', '1', '--reporter', 'dot', ...files]
  const child = spawn(process.execPath, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => output.push(chunk))
  }
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    child.kill('SIGINT')
  }, LONGEST_MS)
  const lost = setTimeout(kill, LONGEST_MS + STOPPING_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  process.off('exit', kill)
  clearTimeout(late)
  clearTimeout(lost)
  const outcome = isLate ? 'timed out' : code === 0 ? 'passed' : 'failed'
  return { outcome, output: Buffer.concat(output).toString() }
}
