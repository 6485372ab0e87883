import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { CallCount, Front } from './bench-aurora.ts'
import type { HarnessAnswer, HarnessRequest } from './harness.ts'

/** What is run in a process of its own. */
export interface Program extends Pick<HarnessRequest, 'file' | 'name'> {
  readonly args?: readonly unknown[]
  readonly environment?: Readonly<Record<string, string>>
  /** Default: 1. */
  readonly times?: number
  /** Why an answer is no success; undefined when it is one. */
  readonly problem?: (answer: unknown) => string | undefined
}

export interface Measured extends HarnessAnswer {
  /** The first run. */
  readonly ms: number
  readonly cpuMs: number
  readonly calls: CallCount
}

/** The compiled `harness.ts`. */
export type HarnessFile = string

const PATIENCE_MS = 300_000

/**
 * Runs a program in a fresh Node process against a front and a database, and counts its calls.
 *
 * @throws Error with the message of the program when it failed.
 */
export async function measuredRun(
  harness: HarnessFile,
  program: Program,
  front: Front,
  database: string,
): Promise<Measured> {
  await front.takeCalls()
  const { file, name, args = [], times = 1 } = program
  const request: HarnessRequest = { file, ...(name && { name }), args, times }
  const environment = { ...front.environment(database), ...program.environment }
  const answer = await answerOf(harness, request, environment)
  const problem = program.problem?.(answer.answer)
  if (problem !== undefined) throw new Error(problem)
  const [first = { ms: Number.NaN, cpuMs: Number.NaN }] = answer.runs
  return { ...answer, ...first, calls: await front.takeCalls() }
}

async function answerOf(
  harness: HarnessFile,
  request: HarnessRequest,
  environment: Readonly<Record<string, string>>,
): Promise<HarnessAnswer> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [harness, JSON.stringify(request)], {
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  })
  const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  let errors = ''
  let answer: HarnessAnswer | undefined
  child.stderr?.on('data', (chunk) => {
    errors += String(chunk)
  })
  child.on('message', (message) => {
    answer = message as HarnessAnswer
  })
  const [code, signal] = await once(child, 'close')
  clearTimeout(impatience)
  if (answer === undefined) throw new Error(reason(errors) || `it ended with ${signal ?? code}`)
  return answer
}

/** The line of a printed error that says what went wrong. */
function reason(errors: string): string | undefined {
  const lines = errors.split('\n').map((line) => line.trim())
  return (
    lines.find((line) => /^[\w$ ]*(?:Error|Exception)[\w ]*(?:\[\w+\])?:/.test(line)) ?? lines[0]
  )
}
