import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** How long the test files of one mutant may take: a fault may as well be an endless loop. */
const LONGEST_MS = 300_000
/** How long vitest gets to end its workers. */
const STOPPING_MS = 20_000

export type TestOutcome = 'passed' | 'failed' | 'timed out'

/** Runs test files of a checkout until the first test fails. */
export function runTests(directory: string, files: readonly string[]): Promise<TestOutcome> {
  return vitest(directory, ['--bail', '1', ...files], files)
}

/** The test files that do not pass as the checkout is. */
export async function failingFiles(
  directory: string,
  files: readonly string[],
): Promise<readonly string[]> {
  const report = path.join(directory, 'report.json')
  const options = ['--reporter', 'json', '--outputFile', report]
  if ((await vitest(directory, [...options, ...files], files)) === 'timed out') return files
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport
  const passed = testResults.filter(({ status }) => status === 'passed').map(({ name }) => name)
  return files.filter((file) => !passed.includes(path.join(directory, file)))
}

/** What is read of vitest's JSON report. */
interface VitestReport {
  readonly testResults: readonly { readonly name: string; readonly status: string }[]
}

async function vitest(
  directory: string,
  options: readonly string[],
  files: readonly string[],
): Promise<TestOutcome> {
  const config = files.some(isSlow) ? 'vitest.faults.config.ts' : 'vitest.config.ts'
  const program = path.join(directory, 'node_modules/vitest/vitest.mjs')
  const args = [program, 'run', '--config', config, ...options]
  const child = spawn(process.execPath, args, { cwd: directory, stdio: 'ignore' })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let isLate = false
  const limit = LONGEST_MS * (options.includes('json') ? 10 : 1)
  const late = setTimeout(() => {
    isLate = true
    child.kill('SIGINT')
  }, limit)
  const lost = setTimeout(kill, limit + STOPPING_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  process.off('exit', kill)
  clearTimeout(late)
  clearTimeout(lost)
  if (isLate) return 'timed out'
  return code === 0 ? 'passed' : 'failed'
}

/** Whether a file is one of those with a configuration of their own. */
export function isSlow(file: string): boolean {
  return file.startsWith('test/faults/')
}
