import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FaultKind } from '../../infra/local/faults/faults.ts'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { createInvoke } from '../../lambda/handlers/index.ts'
import type { Report } from '../../lambda/run/report.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { refusingDataApi } from '../refusing-data-api.ts'
import { tableRevision } from '../runner-fixture.ts'

let aurora: LocalAurora
let database: string
beforeAll(async () => {
  aurora = await testAurora()
})
beforeEach(async () => {
  database = await newDatabase(aurora)
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
})
afterEach(() => {
  aurora.faults.clear()
  vi.unstubAllEnvs()
})
afterAll(() => aurora.stop())

/** Invokes the handler as the command line does, which keeps the log lines. */
async function run(): Promise<{ report: Report; lines: string[]; seconds: number }> {
  const lines: string[] = []
  const keep = (line: string) => void lines.push(line)
  const started = Date.now()
  const report = await createInvoke([tableRevision('a', null)])(
    { command: 'upgrade' },
    {
      awsRequestId: 'waiting',
      getRemainingTimeInMillis: () => 600_000,
      caller: { source: 'test', log: { info: keep, warn: keep } },
    },
  )
  return { report: report as Report, lines, seconds: (Date.now() - started) / 1_000 }
}

async function tables(): Promise<string[]> {
  const client = await connect(aurora, database)
  const { rows } = await client.query(
    "select tablename from pg_tables where schemaname = 'public' order by 1",
  )
  return rows.map(({ tablename }) => String(tablename))
}

const APPLIED = ['alembic_version', 'alembic_version_history', 't_a']
const WAITING = /^waiting \d+ ms: /

describe.each([
  ['a read', 'ExecuteStatement'],
  ['the begin of a transaction', 'BeginTransaction'],
] as const)('%s that gets no answer', (_what, operation) => {
  test.each(['cut-before', 'cut-after', { status: 503, when: 'before' }] as FaultKind[])(
    '(%j) is sent again after a line that says so, and the run goes on',
    async (kind) => {
      const fault = aurora.faults.add({ database, operation, kind, times: 2 })
      const { report, lines } = await run()
      expect(fault.fired).toBe(2)
      expect(report).toMatchObject({ status: 'succeeded' })
      expect(lines.filter((line) => WAITING.test(line))).toHaveLength(1)
      expect(await tables()).toEqual(APPLIED)
    },
  )
})

test('a database that answers nothing for 15 s fails the run, which leaves nothing', async () => {
  aurora.faults.add({ database, kind: 'cut-before', times: 1_000 })
  const { report, seconds } = await run()
  expect(report.status).toBe('failed')
  expect(report.error?.message).toMatch(/^cannot read "public"."alembic_version": /)
  expect(seconds).toBeGreaterThan(9)
  expect(seconds).toBeLessThan(20)
  expect(await tables()).toEqual([])
})

describe('a cluster that cannot be used just now', () => {
  test.each(['throttle', { resuming: 2 }] as FaultKind[])(
    '(%j) is waited for with a line that says so',
    async (kind) => {
      aurora.faults.add({ database, kind, times: 3 })
      const { report, lines } = await run()
      expect(report).toMatchObject({ status: 'succeeded' })
      expect(lines[0]).toMatch(WAITING)
      expect(await tables()).toEqual(APPLIED)
    },
  )

  test('because its writer is being replaced is waited for longer than 15 s', async () => {
    await using api = await refusingDataApi(aurora.endpoint, {
      status: 504,
      exception: 'DatabaseUnavailableException',
      message: '',
      untilMs: 20_000,
    })
    vi.stubEnv('AWS_ENDPOINT_URL_RDS_DATA', api.endpoint)
    const { report, lines } = await run()
    expect(report).toMatchObject({ status: 'succeeded' })
    expect(lines[0]).toMatch(/^waiting \d+ ms: UnknownError \(DatabaseUnavailableException\)/)
    expect(await tables()).toEqual(APPLIED)
  })

  test('because it has no writer yet is waited for with a line that says so', async () => {
    await using api = await refusingDataApi(aurora.endpoint, {
      status: 404,
      exception: 'DatabaseNotFoundException',
      message: 'Cannot find DBInstance in DBCluster',
      untilMs: 2_000,
    })
    vi.stubEnv('AWS_ENDPOINT_URL_RDS_DATA', api.endpoint)
    const { report, lines } = await run()
    expect(report).toMatchObject({ status: 'succeeded' })
    expect(lines[0]).toMatch(/^waiting \d+ ms: Cannot find DBInstance in DBCluster/)
    expect(await tables()).toEqual(APPLIED)
  })
})

describe('a password that is being rotated', () => {
  test('is waited for with a line that says so', async () => {
    aurora.faults.add({ database, kind: 'password-rejected', times: 3 })
    const { report, lines } = await run()
    expect(report).toMatchObject({ status: 'succeeded' })
    expect(lines[0]).toMatch(/^waiting \d+ ms: password authentication failed/)
    expect(await tables()).toEqual(APPLIED)
  })

  test('for longer than 60 s fails the run, which names the secret and its version', async () => {
    aurora.faults.add({ database, kind: 'password-rejected', times: 1_000 })
    const { report, seconds } = await run()
    expect(report.status).toBe('failed')
    expect(report.error?.message).toMatch(
      /the secret arn:\S+ \(version \S+\) does not hold the password of the database user: let its rotation finish/,
    )
    expect(seconds).toBeGreaterThan(50)
    expect(seconds).toBeLessThan(70)
    expect(await tables()).toEqual([])
  })
})
