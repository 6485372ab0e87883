import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { FaultRule } from '../../infra/local/faults/faults.ts'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import type { CustomResourceHandlers } from '../../lambda/handlers/index.ts'
import { CloudFormationStandIn, type StandInOptions } from '../cloudformation-stand-in.ts'
import { CodePipelineStandIn } from '../codepipeline-stand-in.ts'
import { testAurora } from '../local-aurora.ts'
import { crashBundle } from './crash-bundle.ts'
import { FaultDatabase, superuser } from './fault-database.ts'
import { FunctionProcesses } from './function-processes.ts'

let aurora: LocalAurora
let admin: Client
let folder: string
let file: string
/** What a run that nobody kills leaves. */
let clean: string
beforeAll(async () => {
  // 2.5 s stand for the service's 3 minutes.
  aurora = await testAurora({ limits: { transactionIdleMs: 2_500 } })
  admin = await superuser(aurora, 'postgres')
  folder = await mkdtemp(path.join(tmpdir(), 'aurora-crash-'))
  file = await crashBundle(folder)
  await using database = await FaultDatabase.open(aurora, admin)
  await using deployment = await deploying(database)
  expect(await deployment.create()).toBe('CREATE_COMPLETE')
  clean = await database.state()
})
afterEach(() => aurora.faults.clear())
afterAll(async () => {
  await admin.end()
  await aurora.stop()
  await rm(folder, { recursive: true, force: true })
})

function functionsOn(database: FaultDatabase, more: NodeJS.ProcessEnv = {}): FunctionProcesses {
  return new FunctionProcesses(() => ({
    ...process.env,
    ...aurora.environment(database.name),
    ...more,
  }))
}

/** A stack whose functions are processes that load the bundle. */
async function deploying(database: FaultDatabase, options: StandInOptions = {}) {
  const functions = functionsOn(database)
  const handlers = {
    onEvent: (event) => functions.invoke(file, 'onEvent', event),
    isComplete: (event) => functions.invoke(file, 'isComplete', event),
  } as CustomResourceHandlers
  const properties = {
    Target: 'heads',
    Cluster: aurora.clusterArn,
    Database: database.name,
    VersionTable: 'public.alembic_version',
  }
  const stack = await CloudFormationStandIn.start(options)
  return {
    stack,
    functions,
    create: () => stack.create({ handlers, properties }),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

const HELD_MS = 1_000

/** Kills the function when it is at this call, which the fault holds up. */
async function killAt(
  point: Omit<FaultRule, 'kind' | 'database'>,
  database: FaultDatabase,
  kill: () => void,
): Promise<void> {
  const rule = { ...point, database: database.name, kind: { delay: HELD_MS } }
  const held = aurora.faults.add(rule)
  await vi.waitUntil(() => held.fired === 1, { timeout: 30_000 })
  kill()
  // The call is carried out all the same, and a commit with it.
  await sleep(HELD_MS + 500)
  await database.endLeases()
}

const LAST_REVISION = { operation: 'ExecuteStatement', nth: 18 } as const

/** Where statements travel together, only the number of a call tells which it is. */
const POINTS: [string, Omit<FaultRule, 'kind' | 'database'>][] = [
  ['the first revision', { operation: 'ExecuteStatement', nth: 6 }],
  ['the commit of a revision', { operation: 'CommitTransaction', nth: 7 }],
  ['a bulk insert', { sqlPattern: '^insert into "players"' }],
  ['the commit before an autocommit block', { operation: 'CommitTransaction', nth: 10 }],
  ['a concurrent index', { sqlPattern: 'create index concurrently' }],
  ['what comes after the block', { operation: 'ExecuteStatement', nth: 15 }],
  ['the last revision', LAST_REVISION],
]

/** Each revision once, nothing half applied: what a clean run leaves, and one finished step for each. */
async function expectClean(database: FaultDatabase): Promise<void> {
  expect(await database.state()).toBe(clean)
  const steps = (await database.history()).map(({ revision, outcome }) => `${revision} ${outcome}`)
  expect(steps).toEqual(['crash_1 done', 'crash_2 done', 'crash_3 done'])
}

describe('a function of the custom resource that is killed in', () => {
  test.each(POINTS)('%s is gone on with by the next poll, in a new process', async (_at, point) => {
    await using database = await FaultDatabase.open(aurora, admin)
    const death = Promise.withResolvers<never>()
    // The waiter calls again only when the framework's own function ends as well, without an answer.
    let attempts = 0
    const frameworkDied = () => {
      attempts += 1
      return attempts === 1 ? death.promise : new Promise<never>(() => {})
    }
    await using deployment = await deploying(database, { frameworkDied })
    const created = deployment.create()
    await killAt(point, database, () => {
      deployment.functions.kill({ isHeard: false })
      death.reject(new Error('States.TaskFailed'))
    })
    expect(await created).toBe('CREATE_COMPLETE')
    expect(attempts).toBe(2)
    await expectClean(database)
  })

  test('a revision fails the deployment when the framework is told, and the next one goes on', async () => {
    await using database = await FaultDatabase.open(aurora, admin)
    await using deployment = await deploying(database)
    const created = deployment.create()
    await killAt(LAST_REVISION, database, () => deployment.functions.kill())
    expect(await created).toBe('ROLLBACK_COMPLETE')
    expect(deployment.stack.responses[0]).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringContaining('Runtime exited with error: signal: killed'),
    })
    expect(await database.versions()).toEqual(['crash_2'])
    expect(await deployment.create()).toBe('CREATE_COMPLETE')
    expect(deployment.stack.responses.at(-1)).toMatchObject({
      Data: { From: 'crash_2', To: 'crash_3', Steps: '1' },
    })
    await expectClean(database)
  })
})

describe('a function of a pipeline that is killed in', () => {
  test.each(POINTS)('%s is gone on with when Lambda sends the job again', async (_at, point) => {
    await using database = await FaultDatabase.open(aurora, admin)
    await using pipeline = await CodePipelineStandIn.start()
    const functions = functionsOn(database, { AWS_ENDPOINT_URL_CODEPIPELINE: pipeline.endpoint })
    const job = () =>
      pipeline.invoke(
        (event) =>
          functions.invoke(
            path.join(folder, 'codepipeline.mjs'),
            'codepipeline',
            event,
          ) as Promise<void>,
        { jobId: 'job-1' },
      )
    const killed = job()
    await killAt(point, database, () => functions.kill())
    expect(await killed).toMatchObject({ errorType: 'Runtime.ExitError' })
    expect(pipeline.results).toEqual([])
    expect(await job()).toBeNull()
    expect(pipeline.results).toEqual([
      {
        operation: 'PutJobSuccessResult',
        jobId: 'job-1',
        outputVariables: { from: 'base', to: 'crash_3', steps: '3' },
      },
    ])
    await expectClean(database)
  })
})
