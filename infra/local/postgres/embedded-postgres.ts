import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { AuroraDirectory } from './aurora-directory.ts'
import { onPath } from './directory-problem.ts'
import { stopOrphan } from './orphan-postgres.ts'
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.ts'
import { makeData, postgresEnvironment } from './postgres-data.ts'
import { postgresUser } from './unprivileged-user.ts'

export interface EmbeddedPostgres {
  /** Superuser URL of the database `postgres`. */
  readonly url: string
  stop(): Promise<void>
}

const startPatienceMs = 120_000
const retryPatienceMs = 20_000
const stopPatienceMs = 30_000

/** What passes by itself: another program took the port, or a killed server's parts still end. */
const passing =
  /Address already in use|could not create any TCP|pre-existing shared memory|lock file "postmaster\.pid"/

/** Starts a PostgreSQL server on the directory, on a free port of 127.0.0.1. */
export async function startEmbeddedPostgres(
  path: string,
  durability: boolean,
): Promise<EmbeddedPostgres> {
  const user = postgresUser()
  const directory = new AuroraDirectory(path, user)
  const home = directory.home()
  const data = join(home, 'data')
  const password = directory.password(data)
  const binaries = await postgresBinaries(home, user)
  await makeData({ home, data, binaries, user, password, durability })
  await stopOrphan(data)
  const deadline = Date.now() + retryPatienceMs
  for (;;) {
    const port = await freePort()
    const server = new Server(binaries, data, directory.logFile, port, durability)
    const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`
    if (await ready(server, url, directory.passwordFile)) return { url, stop: () => server.stop() }
    const lines = server.newLogLines()
    if (!passing.test(lines) || Date.now() > deadline) {
      throw new Error(
        `PostgreSQL did not start on ${data}: ${lines} (all of it: ${directory.logFile})`,
      )
    }
    await sleep(250)
  }
}

/** {@link Server.ready}; a password that the data do not know never becomes right. */
async function ready(server: Server, url: string, passwordFile: string): Promise<boolean> {
  try {
    return await server.ready(url)
  } catch (cause) {
    await server.stop()
    throw new Error(
      `the password in ${passwordFile} is not the one of the data beside it: put the right one back, or remove the folder to start with empty databases`,
      { cause },
    )
  }
}

/** One run of the `postgres` program. */
class Server {
  readonly #child: ChildProcess
  readonly #watchdog: ChildProcess
  readonly #exited: Promise<void>
  readonly #logFile: string
  readonly #logStart: number
  #running = true

  constructor(
    binaries: PostgresBinaries,
    data: string,
    logFile: string,
    port: number,
    durability: boolean,
  ) {
    this.#logFile = logFile
    const log = openLog(logFile)
    this.#logStart = statSync(logFile).size
    const user = postgresUser()
    this.#child = spawn(binaries.postgres, ['-D', data, ...settings(port, durability)], {
      ...user,
      cwd: '/',
      env: postgresEnvironment(),
      stdio: ['ignore', log, log],
      // Ctrl-C in a terminal reaches the whole group: the order of stopping is ours to keep.
      detached: true,
    })
    closeSync(log)
    this.#child.unref()
    const exited = Promise.withResolvers<void>()
    this.#exited = exited.promise
    for (const event of ['error', 'exit']) {
      this.#child.once(event, () => {
        this.#running = false
        exited.resolve()
      })
    }
    this.#watchdog = spawn('/bin/sh', ['-c', watch, String(this.#child.pid)], {
      ...user,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    this.#watchdog.unref()
    if (this.#watchdog.stdin instanceof Socket) this.#watchdog.stdin.unref()
  }

  /** Whether the server came up; false when it ended instead. Throws what the server says of a wrong password. */
  async ready(url: string): Promise<boolean> {
    const deadline = Date.now() + startPatienceMs
    while (this.#running && Date.now() < deadline) {
      if (await accepts(url)) return true
      await Promise.race([sleep(25), this.#exited])
    }
    await this.stop()
    return false
  }

  newLogLines(): string {
    const text = readFileSync(this.#logFile).subarray(this.#logStart).toString()
    return text.trim().split('\n').slice(-10).join(' | ')
  }

  async stop(): Promise<void> {
    this.#watchdog.kill('SIGKILL')
    if (!this.#running) return
    this.#child.kill('SIGINT')
    const hurry = setTimeout(() => this.#child.kill('SIGQUIT'), stopPatienceMs)
    await this.#exited
    clearTimeout(hurry)
  }
}

/** Waits for the end of our process, however it ends, and stops the server then. */
const watch = 'read -r line; kill -INT "$0"'

function settings(port: number, durability: boolean): string[] {
  const values = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=500',
    'timezone=UTC',
    'log_timezone=UTC',
    ...(durability
      ? []
      : [
          'fsync=off',
          'synchronous_commit=off',
          'full_page_writes=off',
          'wal_level=minimal',
          'max_wal_senders=0',
        ]),
  ]
  return values.flatMap((value) => ['-c', value])
}

function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  return onPath(file, () => openSync(file, size > 1_048_576 ? 'w' : 'a', 0o600))
}

const WRONG_PASSWORD = '28P01'

async function accepts(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === WRONG_PASSWORD) throw error
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
