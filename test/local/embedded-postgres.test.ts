import { appendFileSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Client } from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { AuroraFolder, recall, remember } from './aurora-folder.ts'
import { AuroraProcess, serverPid } from './aurora-process.ts'

const root = process.getuid?.() === 0

describe('the directory', () => {
  test('keeps data and passwords over a restart, closed to others', async () => {
    const folder = new AuroraFolder()
    const first = await folder.start()
    await remember(first)
    const { secretArn } = first
    expect(statSync(folder.data).mode & 0o777).toBe(0o700)
    for (const file of ['password', 'postgres.log', 'lock']) {
      expect(statSync(join(folder.directory, file)).mode & 0o777).toBe(0o600)
    }
    await first.stop()
    expect(serverPid(folder.data)).toBeUndefined()
    expect(existsSync(join(folder.directory, 'lock'))).toBe(false)
    await using second = await folder.start()
    expect(await recall(second)).toBe(42)
    expect(second.secretArn).toBe(secretArn)
  })

  test('made by another version of PostgreSQL is refused', async () => {
    const folder = new AuroraFolder()
    await (await folder.start()).stop()
    writeFileSync(join(folder.data, 'PG_VERSION'), '12\n')
    await expect(folder.start()).rejects.toThrow(
      /was made by PostgreSQL 12 and the installed one is 17/,
    )
  })

  test('an initdb that was interrupted leaves nothing in the way', async () => {
    const folder = new AuroraFolder()
    const interrupted = new AuroraProcess(['--directory', folder.directory])
    await vi.waitFor(
      () => expect(readdirSync(folder.directory).join()).toContain('data.new-'),
      60_000,
    )
    await interrupted.end('SIGKILL')
    expect(existsSync(folder.data)).toBe(false)
    await using aurora = await folder.start()
    await remember(aurora)
    expect(readdirSync(folder.directory).filter((name) => name.includes('.new'))).toEqual([])
  })

  test('a failed start shows the last lines of the log', async () => {
    const folder = new AuroraFolder()
    await (await folder.start()).stop()
    appendFileSync(join(folder.data, 'postgresql.conf'), "shared_buffers = 'nonsense'\n")
    await expect(folder.start()).rejects.toThrow(
      /^PostgreSQL did not start on .*invalid value for parameter "shared_buffers": "nonsense".*postgres\.log\)$/,
    )
    expect(existsSync(join(folder.directory, 'lock'))).toBe(false)
  })
})

describe('the server', () => {
  test('listens on 127.0.0.1 alone and asks everybody for a password', async () => {
    const folder = new AuroraFolder()
    await using aurora = await folder.start()
    const url = new URL(aurora.postgresUrl)
    const client = new Client({ connectionString: url.href })
    await client.connect()
    const { rows } = await client.query(
      "select current_setting('listen_addresses') as tcp, current_setting('unix_socket_directories') as sockets, (select string_agg(distinct auth_method, ',') from pg_hba_file_rules) as methods",
    )
    await client.end()
    expect(rows).toEqual([{ tcp: '127.0.0.1', sockets: '', methods: 'scram-sha-256' }])
    expect(url.password.length).toBeGreaterThanOrEqual(32)
    url.password = 'wrong'
    await expect(new Client({ connectionString: url.href }).connect()).rejects.toThrow(
      'password authentication failed',
    )
  })

  test('ends with a process that forgot to stop it', async () => {
    const folder = new AuroraFolder()
    const program = join(folder.project, 'forgetful.ts')
    const module = resolve('infra/local/local-aurora.ts')
    writeFileSync(
      program,
      `import { startLocalAurora } from ${JSON.stringify(module)}
       await startLocalAurora({ directory: ${JSON.stringify(folder.directory)}, durability: false })
       console.log('export DATABASE=')
       process.stdin.once('data', () => process.exit(0))`,
    )
    const forgetful = await new AuroraProcess([], {}, program).ready()
    expect(serverPid(folder.data)).toBeDefined()
    forgetful.child.stdin?.write('go\n')
    expect(await forgetful.exit).toBe(0)
    await vi.waitFor(() => expect(serverPid(folder.data)).toBeUndefined(), 5_000)
  })

  test.runIf(root)('never runs as root', async () => {
    const folder = new AuroraFolder()
    await using aurora = await folder.start()
    await aurora.createDatabase('any')
    expect(statSync(`/proc/${serverPid(folder.data)}`).uid).toBe(65_534)
  })
})

describe('two processes on one directory', () => {
  test('the second gets an error naming the first', async () => {
    const folder = new AuroraFolder()
    await using first = await folder.start()
    await expect(folder.start()).rejects.toThrow(
      `Local Aurora already runs on this directory (process ${process.pid}, ${first.endpoint}, `,
    )
    await remember(first)
    expect(await recall(first)).toBe(42)
  })

  test('at once: one runs, the other names it', async () => {
    const folder = new AuroraFolder()
    for (const makeStale of [false, true]) {
      if (makeStale) writeFileSync(join(folder.directory, 'lock'), '{"pid":4194304}')
      const starts = [folder.start(), folder.start(), folder.start()]
      const outcomes = await Promise.allSettled(starts)
      const running = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      expect(running).toHaveLength(1)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') {
          expect(String(outcome.reason)).toContain(`already runs on this directory (process `)
        }
      }
      await running[0]?.value.stop()
    }
  })
})
