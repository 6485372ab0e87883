import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { createInvoke } from '../../lambda/handlers/invoke.ts'
import { type HttpStandIn, httpStandIn } from '../http-stand-in.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { tableRevision } from '../runner-fixture.ts'

let aurora: LocalAurora
let silent: HttpStandIn
beforeAll(async () => {
  aurora = await testAurora()
  silent = await httpStandIn(() => new Promise(() => {}))
})
beforeEach(async () => {
  const variables = aurora.environment(await newDatabase(aurora))
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
})
afterEach(() => {
  aurora.faults.clear()
  vi.unstubAllEnvs()
})
afterAll(async () => {
  await silent[Symbol.asyncDispose]()
  await aurora.stop()
})

const invoke = createInvoke([tableRevision('a', null)])

/** A run of a function that has so many seconds. */
async function run(seconds: number) {
  const started = Date.now()
  const end = started + seconds * 1000
  const context = {
    awsRequestId: 'request',
    getRemainingTimeInMillis: () => end - Date.now(),
  }
  const report = await invoke({ command: 'upgrade' }, context)
  return { report, seconds: (Date.now() - started) / 1000 }
}

/** Another secret than the one that the process has read before. */
function anotherSecret(): void {
  const value = { username: 'migrator', password: 'p' }
  vi.stubEnv('SECRET_ARN', aurora.putSecret(`another-${Math.random()}`, value))
}

describe('a service that accepts calls and never answers', () => {
  test.each([
    [
      'the Data API',
      'AWS_ENDPOINT_URL_RDS_DATA',
      /^cannot read "public"\."alembic_version": no answer came/,
    ],
    [
      'Secrets Manager',
      'AWS_ENDPOINT_URL_SECRETS_MANAGER',
      /^cannot read the secret arn:\S+ \(\w+\): /,
    ],
  ])('(%s) is reported before the function is killed', async (_what, variable, message) => {
    anotherSecret()
    vi.stubEnv(variable, silent.endpoint)
    const { report, seconds } = await run(5)
    expect(report).toMatchObject({ status: 'failed' })
    expect('error' in report && report.error?.message).toMatch(message)
    expect(seconds).toBeLessThan(4.5)
  })
})

describe('Secrets Manager that fails for a while', () => {
  test('is asked again for longer than the SDK would', async () => {
    anotherSecret()
    vi.stubEnv('SECRET_ARN', aurora.secretArn)
    const fault = aurora.faults.add({
      operation: 'GetSecretValue',
      kind: { status: 500, when: 'before' },
      times: 6,
    })
    const { report } = await run(60)
    expect(report).toMatchObject({ status: 'succeeded' })
    expect(fault.fired).toBe(6)
  })
})

test('a secret that cannot be read ends the run at once, and no call is made behind its report', async () => {
  vi.stubEnv('SECRET_ARN', `${aurora.secretArn}-gone`)
  aurora.faults.add({ operation: 'ExecuteStatement', kind: 'cut-before', times: 100 })
  const { report, seconds } = await run(60)
  expect(report).toMatchObject({ status: 'failed', error: { kind: 'Secret' } })
  expect(seconds).toBeLessThan(3)
  const calls = aurora.calls.all.length
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  expect(aurora.calls.all.length).toBe(calls)
})
