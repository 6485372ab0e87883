import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import type { Revision } from '../../lambda/revisions/revision.ts'
import type { Report } from '../../lambda/runner/report.ts'
import { testAurora } from '../local-aurora.ts'
import { crashBundle } from './crash-bundle.ts'
import { type CleanRun, cleanRun, withoutHalfIndex } from './fault-case.ts'
import { FaultDatabase, superuser } from './fault-database.ts'

const CRASHES = 100
const WORKERS = 4
/** Stands for the service's 3 minutes. */
const IDLE_MS = 2_500

let aurora: LocalAurora
let admin: Client
let folder: string
let file: string
beforeAll(async () => {
  aurora = await testAurora({ limits: { transactionIdleMs: IDLE_MS } })
  admin = await superuser(aurora, 'postgres')
  folder = await mkdtemp(path.join(tmpdir(), 'aurora-crash-'))
  file = await crashBundle(folder)
})
afterAll(async () => {
  await admin.end()
  await aurora.stop()
  await rm(folder, { recursive: true, force: true })
})

test(`a run that is killed ${CRASHES} times at any moment is finished by the next one`, async () => {
  const { revisions } = (await import(file)) as { revisions: readonly Revision[] }
  const clean = await cleanRun(
    { aurora, admin },
    {
      name: 'a run that is killed',
      revisions,
      before: [],
      settings: {},
      run: (context) => upgrade(context),
      status: 'succeeded',
    },
  )
  const wholeMs = await usualTime(clean)
  const seen = { killed: 0, halfDone: 0, waited: 0, finished: 0 }
  const problems: string[] = []
  const left = Array.from({ length: CRASHES }, (_, i) => i)
  const worker = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      problems.push(...(await crashOnce(clean, Math.random() * wholeMs * 1.5, seen)))
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
  await clean.template[Symbol.asyncDispose]()
  console.log(`${CRASHES} crashes: ${JSON.stringify(seen)}`)
  expect(problems).toEqual([])
  expect(seen.killed).toBeGreaterThan(CRASHES / 3)
  expect(seen.waited).toBeGreaterThan(0)
})

/** Kills a run after `ms`, looks, and lets another one finish it. */
async function crashOnce(
  clean: CleanRun,
  ms: number,
  seen: { killed: number; halfDone: number; waited: number; finished: number },
): Promise<string[]> {
  await using database = await FaultDatabase.open(aurora, admin, clean.template.name)
  const child = new Child(database.name)
  await child.begun
  await Promise.race([sleep(ms), child.ended])
  if (child.kill()) seen.killed += 1
  else seen.finished += 1
  await child.ended
  const problems: string[] = []
  const state = await database.state()
  const history = await database.history()
  const open = history.some(({ outcome }) => outcome === 'running')
  if (open) seen.halfDone += 1
  if (
    !clean.states.some((each) => withoutHalfIndex(each, open) === withoutHalfIndex(state, open))
  ) {
    problems.push(`after ${ms} ms the database holds what no clean run ever held: ${state}`)
  }
  await database.endLeases()
  const second = new Child(database.name)
  await second.ended
  const report = second.report
  if (report?.status !== 'succeeded') problems.push(`the next run: ${second.output}`)
  if ((await database.state()) !== clean.states.at(-1)) problems.push('it leaves something else')
  const applied = (await database.history()).filter(({ outcome }) => outcome === 'done')
  if (applied.length !== 3) problems.push(`${applied.length} steps are in the history`)
  if (/waiting for another run: database process \d+ .* frees it in \d+ s/.test(second.output)) {
    seen.waited += 1
  }
  return problems
}

async function usualTime(clean: CleanRun): Promise<number> {
  await using database = await FaultDatabase.open(aurora, admin, clean.template.name)
  const child = new Child(database.name)
  await child.begun
  const started = Date.now()
  await child.ended
  return Date.now() - started
}

/** A process that runs the bundle. */
class Child {
  output = ''
  readonly begun: Promise<void>
  readonly ended: Promise<unknown>
  readonly #process: ChildProcess

  constructor(database: string) {
    const main = path.join(import.meta.dirname, 'crash-child.ts')
    const env = { ...process.env, ...aurora.environment(database) }
    this.#process = spawn(process.execPath, [main, file], {
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
