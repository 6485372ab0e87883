import { stripVTControlCharacters } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { createInvoke } from '../../lambda/handlers/index.ts'
import type { Revision } from '../../lambda/revisions/revision.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, tableRevision } from '../runner-fixture.ts'
import { isThere } from '../sql-script.ts'
import { CliProcess, cli } from './cli-process.ts'
import { FUNCTION, type FunctionStandIn, functionStandIn } from './function-stand-in.ts'

// Each test starts programs, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let aurora: LocalAurora
let database: string
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())
beforeEach(async () => {
  database = await newDatabase(aurora)
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
})
afterEach(() => vi.unstubAllEnvs())

const LINE = [tableRevision('a', null), tableRevision('b', 'a'), tableRevision('c', 'b')]

function deployed(revisions: readonly Revision[]): Promise<FunctionStandIn> {
  return functionStandIn(createInvoke(revisions))
}

const on = (...args: readonly string[]) => [...args, '--function', FUNCTION]

describe('a command on a deployed function', () => {
  test('upgrades, tells each step, and says who asked', async () => {
    await using lambda = await deployed(LINE)
    const first = await cli(on('upgrade'), lambda.environment)
    expect(first).toMatchObject({ code: 0, stdout: 'from base to c\n' })
    expect(first.stderr.replace(/\d+ ms/g, 'N ms')).toBe(
      ['a', 'b', 'c']
        .map((id) => `upgrade ${id}, doc of ${id} (N ms, 1 statement, 0 rows)\n`)
        .join(''),
    )
    expect(await cli(on('upgrade'), lambda.environment)).toEqual({
      code: 0,
      stdout: 'nothing to do: at c\n',
      stderr: '',
    })
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      'select distinct who, source, run_id from alembic_version_history',
    )
    expect(rows).toEqual([{ who: 'ada', source: 'invoke', run_id: lambda.events[0]?.runId }])
  })

  test('that fails ends with 1 and one line; one that was refused ends with 2', async () => {
    await using lambda = await deployed([
      ...LINE,
      revision('d', 'c', (op) => op.execute('select 1/0')),
    ])
    const failed = await cli(on('upgrade'), lambda.environment)
    expect(failed).toMatchObject({ code: 1, stdout: 'from base to c\n' })
    expect(failed.stderr.split('\n').at(-2)).toBe(
      'error: upgrade of d (doc of d) failed: division by zero (SQLSTATE 22012); statement: select 1/0; nothing of it is committed',
    )
    expect(await cli(on('upgrade', 'nowhere'), lambda.environment)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        "error: Can't locate revision identified by 'nowhere'; known heads are d; run history to list all\n",
    })
  })

  test('shows the steps of a run that takes long while it goes on', async () => {
    const gate = Promise.withResolvers<void>()
    const [first, second, third] = LINE as [Revision, Revision, Revision]
    const waiting = {
      ...third,
      upgrade: async (op: Parameters<Revision['upgrade']>[0]) => {
        await gate.promise
        await third.upgrade(op)
      },
    }
    await using lambda = await deployed([first, second, waiting])
    const running = new CliProcess(on('upgrade'), lambda.environment)
    await running.printed('upgrade b, doc of b')
    gate.resolve()
    const { code, stderr } = await running.result()
    expect(code).toBe(0)
    expect(stderr.match(/^upgrade (\w), /gm)).toEqual(['upgrade a, ', 'upgrade b, ', 'upgrade c, '])
  })

  test('goes on with a run that was not finished in one life, to the goal it had', async () => {
    const report = (from: string, to: string, rest: object) => ({
      status: 'incomplete',
      command: 'upgrade',
      runId: 'r',
      from: [from],
      to: [to],
      steps: [{ revision: to, doc: 'd', direction: 'upgrade', ms: 1, statements: 1, rows: 0 }],
      pending: [],
      warnings: [],
      ...rest,
    })
    const answers = [
      report('a', 'b', { resume: 'd' }),
      report('b', 'c', { resume: 'd' }),
      report('c', 'd', { status: 'succeeded' }),
    ]
    await using lambda = await functionStandIn(async () => answers.shift())
    expect(await cli(on('upgrade', '+3'), lambda.environment)).toMatchObject({
      code: 0,
      stdout: 'from a to d\n',
    })
    expect(lambda.events.map(({ target }) => target)).toEqual(['+3', 'd', 'd'])
    expect(new Set(lambda.events.map(({ runId }) => runId)).size).toBe(1)
  })

  test('gives up after three lives in which nothing could be done', async () => {
    const waiting = {
      ...{ status: 'incomplete', command: 'upgrade', runId: 'r', from: ['a'], to: ['a'] },
      ...{ steps: [], pending: ['b'], resume: 'b', warnings: ['another run holds the lock'] },
    }
    await using lambda = await functionStandIn(async () => waiting)
    const { code, stdout, stderr } = await cli(on('upgrade'), lambda.environment)
    expect(code).toBe(3)
    expect(stdout).toBe('not finished: left are b; the same command goes on\n')
    expect(stderr).toMatch(
      /^warning: another run holds the lock\n(?:not finished in one life of function shop-migrations: going on\n){3}$/,
    )
  })

  test.each<[string, () => Promise<unknown>, number, RegExp]>([
    [
      'ended without an answer',
      async () => {
        throw new Error('Task timed out after 900.00 seconds')
      },
      4,
      /^error: function shop-migrations ended without an answer: Task timed out after 900\.00 seconds; function shop-migrations may still be at work: see current and history --runs, then run the same command again\n$/,
    ],
    [
      'is another one',
      async () => 'hello',
      2,
      /^error: function shop-migrations answered "hello", which is no report: name the function whose handler is index\.invoke of the bundle\n$/,
    ],
  ])('that %s says so', async (_, handler, code, message) => {
    await using lambda = await functionStandIn(handler)
    const result = await cli(on('upgrade'), lambda.environment)
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toMatch(message)
  })

  test('that is not there is named with the fix', async () => {
    await using lambda = await deployed(LINE)
    expect(await cli(['current', '--function', 'nobody'], lambda.environment)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error: cannot invoke function nobody: Function not found: nobody: check the name and the region (AWS_REGION)\n',
    })
  })
})

describe('a downgrade', () => {
  test('needs --yes where nobody can be asked, and runs nothing', async () => {
    await using lambda = await deployed(LINE)
    await cli(on('upgrade'), lambda.environment)
    const refused = await cli(on('downgrade', '-1'), lambda.environment)
    expect(refused).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error: downgrade takes back 1 revision of function shop-migrations, and nobody can be asked here: add --yes if that is meant\n',
    })
    const done = await cli(on('downgrade', '-1', '--yes'), lambda.environment)
    expect(done).toMatchObject({ code: 0, stdout: 'from c to b\n' })
    expect(lambda.events.filter(({ command }) => command === 'downgrade')).toHaveLength(1)
  })

  const hasScript = isThere('script', ['-qec', 'true', '/dev/null'])
  if (!hasScript)
    console.warn("notice: the program 'script' is not installed, so no terminal is tried")

  test.runIf(hasScript).each([
    ['n', 0, 'nothing was run', 'c'],
    ['y', 0, 'from c to a', 'a'],
  ])('asks on a terminal, and heeds the answer %s', async (answer, code, text, row) => {
    await using lambda = await deployed(LINE)
    await cli(on('upgrade'), lambda.environment)
    const running = new CliProcess(on('downgrade', 'a'), lambda.environment, { terminal: true })
    await running.printed('Data may be lost. [y/N]')
    expect(stripVTControlCharacters(running.stdout).replaceAll('\r', '')).toContain(
      '  c, doc of c\n  b, doc of b\nTake back 2 revisions of function shop-migrations? Data may be lost. [y/N]',
    )
    running.child.stdin?.write(`${answer}\n`)
    const result = await running.result()
    expect(result.code).toBe(code)
    expect(result.stdout).toContain(text)
    const client = await connect(aurora, database)
    expect((await client.query('select version_num from alembic_version')).rows).toEqual([
      { version_num: row },
    ])
  })
})
