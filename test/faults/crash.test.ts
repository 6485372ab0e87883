import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { upgrade } from '../../lambda/commands.ts'
import type { Revision } from '../../lambda/revisions/revision.ts'
import { BundleProcess } from './bundle-process.ts'
import { crashServers } from './crash-servers.ts'
import { type CleanRun, cleanRun, withoutHalfIndex } from './fault-case.ts'
import { FaultDatabase } from './fault-database.ts'

const CRASHES = 100
const WORKERS = 4
/** Stands for the service's 3 minutes. */
const IDLE_MS = 2_500

const servers = crashServers({ limits: { transactionIdleMs: IDLE_MS } })

test(`a run that is killed ${CRASHES} times at any moment is finished by the next one`, async () => {
  const { aurora, admin, file } = servers()
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
  const { aurora, admin, file } = servers()
  await using database = await FaultDatabase.open(aurora, admin, clean.template.name)
  const child = new BundleProcess(file, aurora, database.name)
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
  const second = new BundleProcess(file, aurora, database.name)
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
  const { aurora, admin, file } = servers()
  await using database = await FaultDatabase.open(aurora, admin, clean.template.name)
  const child = new BundleProcess(file, aurora, database.name)
  await child.begun
  const started = Date.now()
  await child.ended
  return Date.now() - started
}
