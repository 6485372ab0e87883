import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { AuroraProcess, isRunning, serverPid } from './aurora-process.ts'

let directory: string
const { postgresUrl } = inject('aurora')

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'aurora-main-'))
})

afterAll(() => rmSync(directory, { recursive: true }))

test('prints variables that SDK clients work with, makes databases, and stops on a signal', async () => {
  const names = [`cli_${process.pid}_a`, `cli_${process.pid}_b`]
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const databases = names.flatMap((name) => ['--database', name])
    const aurora = await new AuroraProcess(['--postgres-url', postgresUrl, ...databases]).ready()
    expect(aurora.output).toMatch(/^Local Aurora answers on http:\/\/127\.0\.0\.1:\d+\./)
    expect(aurora.exported('DATABASE')).toBe(names[0])
    const settings = {
      region: aurora.exported('AWS_REGION'),
      credentials: {
        accessKeyId: aurora.exported('AWS_ACCESS_KEY_ID'),
        secretAccessKey: aurora.exported('AWS_SECRET_ACCESS_KEY'),
      },
    }
    const client = new RDSDataClient({
      ...settings,
      endpoint: aurora.exported('AWS_ENDPOINT_URL_RDS_DATA'),
    })
    for (const database of names) {
      const { records } = await client.send(
        new ExecuteStatementCommand({
          resourceArn: aurora.exported('CLUSTER_ARN'),
          secretArn: aurora.exported('SECRET_ARN'),
          database,
          sql: 'select current_database()',
        }),
      )
      expect(records).toEqual([[{ stringValue: database }]])
    }
    const { SecretString = '' } = await new SecretsManagerClient({
      ...settings,
      endpoint: aurora.exported('AWS_ENDPOINT_URL_SECRETS_MANAGER'),
    }).send(new GetSecretValueCommand({ SecretId: aurora.exported('SECRET_ARN') }))
    expect(aurora.output).not.toContain(JSON.parse(SecretString).password)
    expect(aurora.output).not.toContain(new URL(postgresUrl).password)
    expect(await aurora.end(signal)).toBe(0)
  }
})

test('takes out of the shell what would lead a client to AWS', async () => {
  const env = { ...process.env, AWS_PROFILE: 'shop', AWS_REGION: 'mars', LOCK_WAIT: '0' }
  const aurora = await new AuroraProcess(['--postgres-url', postgresUrl], { env }).ready()
  const unset = /^unset (.*)$/m.exec(aurora.output)?.[1]?.split(' ')
  expect(unset).toEqual(expect.arrayContaining(['AWS_PROFILE', 'LOCK_WAIT']))
  expect(unset).not.toContain('AWS_REGION')
  expect(aurora.exported('AWS_REGION')).toBe('us-east-1')
  expect(await aurora.end('SIGINT')).toBe(0)
})

test('a signal while it starts stops it when it has started, and leaves nothing behind', async () => {
  const folder = join(directory, 'starting')
  mkdirSync(folder)
  for (const path of [directory, folder]) chmodSync(path, 0o755)
  const args = ['--directory', join(folder, '.aurora')]
  const aurora = new AuroraProcess(args)
  while (!existsSync(join(folder, '.aurora', 'lock'))) await sleep(2)
  expect(aurora.output).toBe('')
  expect(await aurora.end('SIGTERM')).toBe(0)
  expect(serverPid(join(folder, '.aurora', 'data'))).toBeUndefined()
  expect(existsSync(join(folder, '.aurora', 'lock'))).toBe(false)
  const next = await new AuroraProcess(args).ready()
  expect(await next.end('SIGTERM')).toBe(0)
})

test('answers on the port it is told', async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  const args = ['--postgres-url', postgresUrl, '--port', String(port)]
  const taken = new AuroraProcess(args)
  expect(await taken.exit).toBe(2)
  expect(taken.output).toBe(
    `error: cannot listen on port ${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}; name another port with --port, or none to take any free one\n`,
  )
  await new Promise((resolve) => probe.close(resolve))
  const aurora = await new AuroraProcess(args).ready()
  expect(aurora.exported('AWS_ENDPOINT_URL_RDS_DATA')).toBe(`http://127.0.0.1:${port}`)
  await aurora.end('SIGTERM')
  expect(isRunning(aurora.pid)).toBe(false)
})

test.each(['127.0.0.1', 'localhost'])(
  'a server that is not there (%s) ends it with code 2 and one line',
  async (host) => {
    const url = `postgresql://postgres:secret@${host}:1/postgres`
    const aurora = new AuroraProcess(['--postgres-url', url])
    expect(await aurora.exit).toBe(2)
    expect(aurora.output).toMatch(
      /^error: the server of --postgres-url cannot be used: connect ECONNREFUSED .*:1; it must run, and the user of the URL must be a superuser\n$/,
    )
  },
)

test('--help tells every option', async () => {
  const help = new AuroraProcess(['--help'])
  expect(await help.exit).toBe(0)
  for (const option of ['--database', '--directory', '--port', '--postgres-url', '--help']) {
    expect(help.output).toContain(option)
  }
})

test.each([
  [['--bogus'], "'--bogus'"],
  [['--port', 'x'], "argument 'x' is invalid. It must be a number from 0 to 65535."],
  [['--port', '65536'], "argument '65536' is invalid"],
  [['stray'], 'too many arguments'],
])('%j is refused with code 2', async (args, message) => {
  const aurora = new AuroraProcess(args)
  expect(await aurora.exit).toBe(2)
  expect(aurora.output).toContain(message)
})
