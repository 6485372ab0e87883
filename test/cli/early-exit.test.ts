import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { CliProcess, cli, ROOT } from './cli-process.ts'

// Each test starts programs, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let aurora: LocalAurora
let database: string
let migrations: string
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())
beforeEach(async () => {
  database = await newDatabase(aurora)
  migrations = await mkdtemp(path.join(ROOT, '.aurora-test-'))
})
afterEach(() => rm(migrations, { recursive: true, force: true }))

/** A revision file with code at its top and in its upgrade. */
async function writeRevision(code: string, top = ''): Promise<void> {
  const text = `import { defineRevision } from 'aurora-migrations'
${top}
export default defineRevision({
  revision: 'a',
  downRevision: null,
  doc: 'create a',
  async upgrade(op) {
    await op.execute('create table t_a (id integer)')
    ${code}
  },
  downgrade: null,
})
`
  await writeFile(path.join(migrations, 'a.ts'), text)
}

function onCluster(...args: readonly string[]): string[] {
  const { clusterArn, secretArn } = aurora
  const place = ['--cluster-arn', clusterArn, '--secret-arn', secretArn, '--database', database]
  return [...args, '--migrations', migrations, ...place]
}

/** What a person with credentials for the cluster has. */
function credentials(): Record<string, string> {
  const { CLUSTER_ARN: _, SECRET_ARN: __, DATABASE: ___, ...env } = aurora.environment(database)
  return env
}

async function outcomes(): Promise<unknown[]> {
  const client = await connect(aurora, database)
  const { rows } = await client.query(
    "select outcome, to_regclass('t_a') as t from alembic_version_history",
  )
  return rows
}

const FAILED = [{ outcome: 'failed', t: null }]

const EXITS =
  'it called process.exit(0), which would end the run without a report: throw an error instead'

describe('a run whose revision', () => {
  test.each([
    ['calls process.exit(0)', 'process.exit(0)', EXITS],
    [
      'calls it in a timer',
      'setTimeout(() => process.exit(0), 10); await new Promise(() => {})',
      EXITS,
    ],
    [
      'throws in a timer',
      "setTimeout(() => { throw new Error('too late') }, 10); await new Promise(() => {})",
      'it threw an error that nothing can catch, as from a timer or an event: too late',
    ],
    [
      'does not await a promise that is rejected',
      "void Promise.reject(new Error('unseen')); await new Promise(() => {})",
      "a promise that it does not await was rejected: add the missing 'await': unseen",
    ],
    [
      'waits for what never comes',
      'await new Promise(() => {})',
      'when the time was up, while no statement of it was under way: it waits for something else, such as a promise that never settles or a loop without an end',
    ],
    [
      'has a statement without an end',
      "await op.query('select pg_sleep(100)::text')",
      'when the time was up, while it waited for op.query (select pg_sleep(100)::text): give it more than 3 s with --timeout, or split it into several revisions',
    ],
    [
      'has a loop without an end',
      'for (;;) {}',
      'when the time was up, while no statement of it was under way: it waits for something else, such as a promise that never settles or a loop without an end',
    ],
  ])('%s fails with a report and the exit code 1', async (_, code, message) => {
    await writeRevision(code)
    const args = onCluster('upgrade', '--timeout', '3', '--json')
    const { code: exitCode, stdout, stderr } = await cli(args, credentials())
    expect(stderr).toMatch(/^error: upgrade of a \(create a\) failed(?: at a\.ts:\d+)?: /)
    expect(stderr).toContain(message)
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'failed',
      to: [],
      pending: ['a'],
      error: { kind: 'MigrationError', message: expect.stringContaining(message) },
    })
    expect(await outcomes()).toEqual(FAILED)
  })

  test('leaves a timer behind ends all the same', async () => {
    await writeRevision('setInterval(() => {}, 1000)')
    const { code, stdout } = await cli(onCluster('upgrade'), credentials())
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'from base to a\n' })
  })

  test('is printed into a closed pipe is done all the same', async () => {
    await writeRevision(
      "for (let i = 0; i < 20; i += 1) { console.log('x'.repeat(9999)); await op.query('select pg_sleep(0.05)::text') }",
    )
    const running = new CliProcess(onCluster('upgrade'), credentials())
    running.child.stdout?.destroy()
    running.child.stderr?.destroy()
    expect((await running.result()).code).toBe(0)
    expect(await outcomes()).toEqual([{ outcome: 'done', t: 't_a' }])
  })

  test('is ended by code at the top of its file ends with the exit code 4 and a report', async () => {
    const top = 'setTimeout(() => process.exit(0), 2_000)'
    await writeRevision('await new Promise(() => {})', top)
    const { code, stdout, stderr } = await cli(onCluster('upgrade', '--json'), credentials())
    const message =
      'the process ended before the run did, as by process.exit() or an error in the code of a revision file: the database rolls back what was at work; run the same command again, it finds out and goes on'
    expect(stderr).toContain(`error: ${message}\n`)
    expect(code).toBe(4)
    expect(JSON.parse(stdout)).toEqual({
      status: 'unknown',
      error: { kind: 'ProcessEnded', message },
    })
  })

  test('would hang a script is stopped as well, and nothing is printed', async () => {
    await writeRevision('await new Promise(() => {})')
    const args = ['upgrade', 'heads', '--sql', '--timeout', '2', '--migrations', migrations]
    const { code, stdout, stderr } = await cli(args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^error: upgrade of a \(create a\) failed: stopped after 2 s, .*\n$/)
  })

  test('calls process.exit(0) on local Aurora fails, and the next run finds the data', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'aurora-cli-'))
    await chmod(directory, 0o755)
    try {
      const args = ['upgrade', '--migrations', migrations, '--directory', directory]
      await writeRevision('process.exit(0)')
      expect(await cli(args)).toMatchObject({ code: 1, stderr: expect.stringContaining(EXITS) })
      await writeRevision('')
      expect(await cli(args)).toMatchObject({ code: 0, stdout: 'from base to a\n' })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})

describe('a revision file that', () => {
  const message = () =>
    `the revisions of ${migrations} cannot be loaded: the code of a file ends the process, or waits at its top for what never comes`

  test.each([
    ['ends the process when it is loaded', 'process.exit(0)'],
    ['waits at its top for what never comes', 'await new Promise(() => {})'],
  ])('%s is refused with the exit code 2', async (_, top) => {
    await writeRevision('', top)
    for (const args of [['upgrade'], ['heads'], ['build'], ['upgrade', 'heads', '--sql']]) {
      const result = await cli([...args, '--migrations', migrations])
      expect(result).toEqual({ code: 2, stdout: '', stderr: `error: ${message()}\n` })
    }
    const { code, stdout } = await cli(onCluster('upgrade', '--json'), credentials())
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toEqual({
      status: 'failed',
      error: { kind: 'Bundle', message: message() },
    })
  })
})

test('a run says on a terminal what its revision waits for', async () => {
  await writeRevision("await op.query('select pg_sleep(12)::text')")
  const running = new CliProcess(onCluster('upgrade'), credentials(), { terminal: true })
  await running.printed('upgrade of a (create a) waits for op.query')
  expect((await running.result()).code).toBe(0)
})
