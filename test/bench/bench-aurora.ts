import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { type LocalAurora, startLocalAurora } from '../../infra/local/local-aurora.ts'
import type { BenchSizes } from './bench.ts'

/** The calls that a measured run made. */
export interface CallCount {
  readonly dataApi: number
  readonly secrets: number
  readonly failed: number
  /** When the first one arrived, as `Date.now()`. */
  readonly firstAt: number
}

interface SeenCall {
  readonly operation: string
  readonly startedAt: number
  readonly failed: boolean
}

/** A local Aurora with one latency, see `aurora-front.ts`. */
export class Front {
  readonly latencyMs: number
  readonly #child: ChildProcess
  readonly #environment: Record<string, string>

  private constructor(latencyMs: number, child: ChildProcess, environment: Record<string, string>) {
    this.latencyMs = latencyMs
    this.#child = child
    this.#environment = environment
  }

  static async start(postgresUrl: string, latencyMs: number): Promise<Front> {
    const program = path.join(import.meta.dirname, 'aurora-front.ts')
    const child = fork(program, [postgresUrl, String(latencyMs)], { execArgv: [] })
    const [{ environment }] = (await once(child, 'message')) as [
      { environment: Record<string, string> },
    ]
    return new Front(latencyMs, child, environment)
  }

  environment(database: string): Record<string, string> {
    return { ...this.#environment, DATABASE: database }
  }

  /** The calls since it was asked last. */
  async takeCalls(): Promise<CallCount> {
    const answered = once(this.#child, 'message')
    this.#child.send('calls')
    const [{ calls }] = (await answered) as [{ calls: SeenCall[] }]
    const secrets = calls.filter(({ operation }) => operation === 'GetSecretValue').length
    return {
      dataApi: calls.length - secrets,
      secrets,
      failed: calls.filter(({ failed }) => failed).length,
      firstAt: calls[0]?.startedAt ?? Number.NaN,
    }
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}

export type AuroraSizes = Pick<BenchSizes, 'latencies' | 'durability'>

/** One PostgreSQL, as many fronts on it as latencies are measured, and the databases of the benchmark. */
export class BenchAurora {
  readonly fronts: readonly Front[]
  readonly #aurora: LocalAurora
  readonly #directory: string
  #databases = 0

  private constructor(aurora: LocalAurora, directory: string, fronts: readonly Front[]) {
    this.#aurora = aurora
    this.#directory = directory
    this.fronts = fronts
  }

  static async start({ latencies, durability }: AuroraSizes): Promise<BenchAurora> {
    const directory = mkdtempSync(path.join(tmpdir(), 'aurora-bench-'))
    // Open to PostgreSQL's own user.
    chmodSync(directory, 0o755)
    const aurora = await startLocalAurora({ directory, durability })
    const fronts: Front[] = []
    for (const latency of latencies) fronts.push(await Front.start(aurora.postgresUrl, latency))
    return new BenchAurora(aurora, directory, fronts)
  }

  /** The front with the least latency, which is none in a full run. */
  get nearest(): Front {
    return this.fronts[0] as Front
  }

  /** A new database of the secret's user; a copy of another one where it is named. */
  async database(template?: string): Promise<string> {
    this.#databases += 1
    const name = `bench_${this.#databases}`
    if (template === undefined) {
      await this.#aurora.createDatabase(name)
      return name
    }
    await this.query('postgres', [
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${template}'`,
      `create database ${name} template ${template} owner migrator`,
    ])
    return name
  }

  async drop(database: string): Promise<void> {
    await this.query('postgres', [`drop database ${database} with (force)`])
  }

  /** Runs statements as superuser, beside the Data API; answers the rows of the last one. */
  async query(
    database: string,
    statements: readonly string[],
  ): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.url(database) })
    await client.connect()
    try {
      let rows: readonly Record<string, unknown>[] = []
      for (const statement of statements) rows = (await client.query(statement)).rows
      return rows
    } finally {
      await client.end()
    }
  }

  /** Where PostgreSQL itself answers. */
  url(database: string): string {
    const url = new URL(this.#aurora.postgresUrl)
    url.pathname = `/${database}`
    return url.href
  }

  async stop(): Promise<void> {
    await Promise.all(this.fronts.map((front) => front.end()))
    await this.#aurora.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
