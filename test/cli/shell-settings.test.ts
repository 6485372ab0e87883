import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { cli, ROOT } from './cli-process.ts'

// Each test starts programs, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let directory: string
let migrations: string
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'aurora-shell-'))
  await chmod(directory, 0o755)
  migrations = await mkdtemp(path.join(ROOT, '.aurora-test-'))
  await writeFile(
    path.join(migrations, 'a.ts'),
    `import { defineRevision } from 'aurora-migrations'

export default defineRevision({
  revision: 'a',
  downRevision: null,
  doc: 'create t',
  async upgrade(op) {
    await op.execute('create table t (id integer)')
    await op.query("select pg_sleep(0.1)::text as slept, current_setting('application_name') as name")
  },
  async downgrade(op) {
    await op.execute('drop table t')
  },
})
`,
  )
  const profile = '[default]\nignore_configured_endpoint_urls = true\nuse_fips_endpoint = true\n'
  await mkdir(path.join(directory, '.aws'))
  await writeFile(path.join(directory, '.aws/config'), profile)
})
afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
  await rm(migrations, { recursive: true, force: true })
})

const local = (command: string, database: string) => [
  ...command.split(' '),
  ...['--migrations', migrations, '--directory', directory, '--database', database],
]

describe('a local run is local and as its options say, with', () => {
  test.each([
    ['a profile', { AWS_PROFILE: 'nobody' }],
    ['an order to go to AWS', { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }],
    ['other endpoints', { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_USE_FIPS_ENDPOINT: 'true' }],
    ['a file of profiles', { AWS_CONFIG_FILE: 'CONFIG' }],
    ['a home with profiles', { HOME: 'HOME' }],
    ['a time-out', { STATEMENT_TIMEOUT: '0.01' }],
    ['modes', { TRANSACTION: 'all', BATCHING: 'maybe', LOCK_WAIT: 'soon' }],
    ['another cluster', { CLUSTER_ARN: 'x', SECRET_ARN: 'y', DATABASE: 'z', AWS_REGION: 'mars' }],
    ['another PostgreSQL', { PGSSLMODE: 'require', PGOPTIONS: '-c search_path=nowhere' }],
  ])('%s in the shell', async (what, shell: Record<string, string>) => {
    const values = { CONFIG: path.join(directory, '.aws/config'), HOME: directory }
    const env = Object.fromEntries(
      Object.entries(shell).map(([name, value]) => [
        name,
        values[value as keyof typeof values] ?? value,
      ]),
    )
    const name = what.replaceAll(' ', '_')
    const { code, stdout, stderr } = await cli(local('upgrade', name), env)
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: 'from base to a\n' })
  })

  test('another version table in the shell, and then without', async () => {
    const shell = { VERSION_TABLE: 'other', VERSION_TABLE_SCHEMA: 'nowhere' }
    const { code, stderr } = await cli(local('upgrade', 'table'), shell)
    expect(code, stderr).toBe(0)
    const { stdout } = await cli(local('upgrade', 'table'))
    expect(stdout).toBe('nothing to do: at a\n')
  })

  test('options, which count', async () => {
    const { code, stderr } = await cli(
      local('upgrade --version-table mine --transaction run', 'options'),
      { VERSION_TABLE: 'other', TRANSACTION: 'revision' },
    )
    expect(code, stderr).toBe(0)
    const { stdout } = await cli(local('current --version-table mine', 'options'))
    expect(stdout).toMatch(/^a\b/)
  })
})
