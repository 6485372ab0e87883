import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { createInvoke } from '../../lambda/handlers/index.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { callNames, tableRevision } from '../runner-fixture.ts'

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

const REVISIONS = [tableRevision('a', null), tableRevision('b', 'a')]
let database: string
const output: string[] = []

beforeEach(async () => {
  database = await newDatabase(aurora)
  output.length = 0
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => output.push(String(chunk)) > 0)
  }
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void output.push(args.join(' ')))
  }
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

function environment(changes: Record<string, string | undefined> = {}): void {
  for (const [name, value] of Object.entries({ ...aurora.environment(database), ...changes })) {
    vi.stubEnv(name, value)
  }
}

function invoke(event: unknown) {
  return createInvoke(REVISIONS)(event)
}

describe('the invoke handler', () => {
  test('goes on with the open connection of the run before it', async () => {
    environment()
    await invoke({ command: 'upgrade' })
    const before = aurora.calls.forDatabase(database).length
    const opened: Socket[] = []
    const note = (message: unknown) => opened.push((message as { socket: Socket }).socket)
    subscribe('net.client.socket', note)
    for (const _ of [1, 2, 3]) await invoke({ command: 'upgrade' })
    unsubscribe('net.client.socket', note)
    // Local Aurora is in this process, and may open one to PostgreSQL.
    const port = Number(new URL(aurora.endpoint).port)
    expect(opened.filter(({ remotePort }) => remotePort === port)).toHaveLength(0)
    expect(aurora.calls.forDatabase(database).length - before).toBe(3)
  })

  test('upgrades to the heads by default and answers the report', async () => {
    environment()
    expect(await invoke({ command: 'upgrade' })).toMatchObject({
      status: 'succeeded',
      command: 'upgrade',
      from: [],
      to: ['b'],
      steps: [
        { revision: 'a', doc: 'doc of a', direction: 'upgrade', statements: 1, rows: 0 },
        { revision: 'b', doc: 'doc of b', direction: 'upgrade', statements: 1, rows: 0 },
      ],
      pending: [],
      warnings: [],
    })
    expect(await invoke({ command: 'current' })).toMatchObject({ rows: ['b'], atHeads: true })
    expect(await invoke({ command: 'downgrade', target: 'a' })).toMatchObject({ to: ['a'] })
    expect(await invoke({ command: 'stamp', target: 'b' })).toMatchObject({
      status: 'succeeded',
      to: ['b'],
    })
    expect(await invoke({ command: 'history', limit: 2 })).toMatchObject({
      runs: [{ direction: 'stamp' }, { direction: 'downgrade' }],
    })
    expect(await invoke({ command: 'heads' })).toMatchObject({
      revisions: [{ revision: 'b', head: true }],
    })
  })

  test('logs one JSON line for each step', async () => {
    environment()
    await invoke({ command: 'upgrade' })
    const lines = output.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line))
    const steps = lines.filter((line) => line.message.startsWith('applied'))
    expect(steps).toMatchObject([
      {
        level: 'INFO',
        message: 'applied upgrade of a (doc of a)',
        revision: 'a',
        statements: 1,
        rows: 0,
      },
      { level: 'INFO', message: 'applied upgrade of b (doc of b)', revision: 'b' },
    ])
  })

  test('pulls the secret beside the first Data API call, once for the life of the container', async () => {
    environment({ SECRET_ARN: aurora.putSecret('counted', await secretValue()) })
    aurora.calls.clear()
    await invoke({ command: 'current' })
    const [first, second] = aurora.calls.all
    expect([first?.operation, second?.operation].sort()).toEqual([
      'ExecuteStatement',
      'GetSecretValue',
    ])
    const overlap = Math.abs((first?.startedAt ?? 0) - (second?.startedAt ?? 0))
    expect(overlap).toBeLessThan(Math.max(first?.ms ?? 0, second?.ms ?? 0) + 50)
    await invoke({ command: 'current' })
    const pulls = aurora.calls.all.filter((call) => call.operation === 'GetSecretValue')
    expect(pulls).toHaveLength(1)
  })

  test('finds cluster and database in the secret when they are not configured', async () => {
    const secret = {
      ...(await secretValue()),
      dbname: database,
      dbClusterIdentifier: aurora.clusterArn.split(':').at(-1),
    }
    environment({ SECRET_ARN: aurora.putSecret('complete', secret), CLUSTER_ARN: '', DATABASE: '' })
    expect(await invoke({ command: 'upgrade' })).toMatchObject({ status: 'succeeded', to: ['b'] })
  })

  test('keeps to another version table when told so', async () => {
    const client = await connect(aurora, database)
    await client.query('create schema ops authorization migrator')
    environment({ VERSION_TABLE: 'versions', VERSION_TABLE_SCHEMA: 'ops' })
    expect(await invoke({ command: 'upgrade' })).toMatchObject({ status: 'succeeded' })
    expect((await client.query('select * from ops.versions')).rows).toEqual([{ version_num: 'b' }])
    expect((await client.query('select count(*)::int from ops.versions_history')).rows).toEqual([
      { count: 2 },
    ])
  })
})

describe('a version table of another role', () => {
  const owned = async () => {
    const client = await connect(aurora, database)
    const role = `owner_${database}`
    await client.query(`create role ${role}`)
    await client.query('create table alembic_version (version_num varchar(32) primary key)')
    await client.query('grant select, insert, update, delete on alembic_version to migrator')
    await client.query(`alter table alembic_version owner to ${role}`)
    return role
  }

  test('is used when TRUSTED_OWNERS names that role', async () => {
    const role = await owned()
    environment({ TRUSTED_OWNERS: `somebody, ${role}` })
    expect(await invoke({ command: 'upgrade' })).toMatchObject({ status: 'succeeded', to: ['b'] })
  })

  test('is refused otherwise', async () => {
    await owned()
    environment({ TRUSTED_OWNERS: 'somebody' })
    expect(await invoke({ command: 'upgrade' })).toMatchObject({
      status: 'failed',
      error: { kind: 'UntrustedTable' },
    })
  })

  test('is asked about only when the list is one', async () => {
    environment({ TRUSTED_OWNERS: 'somebody,,other' })
    expect(await invoke({ command: 'upgrade' })).toEqual({
      status: 'failed',
      error: {
        kind: 'Config',
        message:
          "the environment variable TRUSTED_OWNERS is 'somebody,,other': it must be names of roles with a comma between two, such as app_owner,dba",
        nothingRun: true,
      },
    })
  })
})

/** The default secret's value, as Secrets Manager holds it. */
async function secretValue(): Promise<Record<string, unknown>> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import(
    '@aws-sdk/client-secrets-manager'
  )
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  const client = new SecretsManagerClient()
  const { SecretString } = await client.send(
    new GetSecretValueCommand({ SecretId: aurora.secretArn }),
  )
  client.destroy()
  return JSON.parse(SecretString ?? '{}')
}

const ALLOWED =
  'allowed are upgrade, downgrade, stamp, current, history, heads, branches, show, check, ensure-version'

describe('an event that is not valid', () => {
  test.each([
    [undefined, 'the event must be an object such as {"command":"upgrade"}'],
    ['upgrade', 'the event must be an object such as {"command":"upgrade"}'],
    [[], 'the event must be an object such as {"command":"upgrade"}'],
    [{}, `the event has no command: ${ALLOWED}`],
    [{ command: 'migrate' }, `unknown command "migrate": ${ALLOWED}`],
    [{ command: 'toString' }, `unknown command "toString": ${ALLOWED}`],
    [
      { command: 'upgrade', tarot: 'x' },
      "upgrade has no key 'tarot': allowed are command, target, strict, fromScratch, transaction, sql, verbose, who, runId",
    ],
    [
      { command: 'downgrade' },
      'downgrade needs \'target\', for example {"command":"downgrade","target":"-1"} ("base" takes everything back)',
    ],
    [
      { command: 'upgrade', target: 7 },
      'upgrade: \'target\' is 7, which is not allowed; for example {"command":"upgrade","target":"heads"}',
    ],
    [
      { command: 'history', limit: 0 },
      'history: \'limit\' is 0, which is not allowed; for example {"command":"history","range":"base:heads","limit":50}',
    ],
    [{ command: 'show' }, 'show needs \'target\', for example {"command":"show","target":"head"}'],
    [
      { command: 'stamp', target: 'a', purge: true, sql: true },
      "Can't use 'purge' with 'sql': a script is written without a database",
    ],
    [
      { command: 'upgrade', transaction: 'run', sql: true },
      "Can't use 'transaction' with 'sql': a script is written without a database",
    ],
    [
      { command: 'downgrade', target: '-1', transaction: 'all' },
      'downgrade: \'transaction\' is "all", which is not allowed; for example {"command":"downgrade","target":"-1"} ("base" takes everything back)',
    ],
  ])('%j is refused without a database call', async (event, message) => {
    environment()
    aurora.calls.clear()
    expect(await invoke(event)).toEqual({
      status: 'failed',
      error: { kind: 'BadRequest', message, nothingRun: true },
    })
    expect(aurora.calls.all).toEqual([])
  })
})

describe('a configuration or secret that is not right', () => {
  test.each([
    [{ SECRET_ARN: '' }, /^the environment variable SECRET_ARN is missing: set it to the ARN/],
    [
      { CLUSTER_ARN: 'my-cluster' },
      /^the environment variable CLUSTER_ARN is 'my-cluster': it must be a cluster's ARN/,
    ],
    [
      { TRANSACTION: 'all' },
      /^the environment variable TRANSACTION is 'all': it must be revision or run$/,
    ],
    [{ BATCHING: '1' }, /^the environment variable BATCHING is '1': it must be on or off$/],
  ])('%j is refused without a database call', async (changes, message) => {
    environment(changes)
    aurora.calls.clear()
    expect(await invoke({ command: 'upgrade' })).toMatchObject({
      status: 'failed',
      error: { message: expect.stringMatching(message) },
    })
    expect(aurora.calls.all).toEqual([])
  })

  test.each([
    ['not json', 'no json at all', 'is not a JSON object'],
    ['no user', { password: 'hidden-value' }, "has no usable 'username'"],
    ['no password', { username: 'hidden-value' }, "has no usable 'password'"],
    ['number', { username: 'hidden-value', password: 42 }, "has no usable 'password'"],
    ['mysql', { username: 'u', password: 'p', engine: 'mysql' }, "is for the engine 'mysql'"],
  ])('a secret with %s is refused, and nothing is written', async (name, value, message) => {
    environment({ SECRET_ARN: aurora.putSecret(name, value) })
    const response = await invoke({ command: 'upgrade' })
    expect(response).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining(message) },
    })
    expect(
      callNames(aurora.calls.forDatabase(database)).filter((call) => call === 'BeginTransaction'),
    ).toEqual([])
    expect(JSON.stringify(response)).not.toContain('hidden-value')
    expect(output.join('')).not.toContain('hidden-value')
  })

  test('a secret that does not exist is named with the fix', async () => {
    environment({ SECRET_ARN: `${aurora.secretArn}-gone` })
    expect(await invoke({ command: 'upgrade' })).toMatchObject({
      error: {
        message: `cannot read the secret ${aurora.secretArn}-gone (ResourceNotFoundException): check SECRET_ARN and its region`,
      },
    })
  })

  test('no password shows in what is answered or logged, whatever happens', async () => {
    const { password } = await secretValue()
    environment()
    const answers = [
      await invoke({ command: 'upgrade' }),
      await createInvoke([
        ...REVISIONS,
        { ...tableRevision('c', 'b'), upgrade: (op) => op.execute('select 1/0') },
      ])({
        command: 'upgrade',
      }),
    ]
    const emitted = JSON.stringify(answers) + output.join('')
    expect(emitted).toContain('division by zero')
    expect(emitted).not.toContain(password)
  })
})
