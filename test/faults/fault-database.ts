import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { dumpCatalog } from '../catalog-dump.ts'

/** A history row, as far as the invariants look at it. */
export interface SeenRow {
  readonly run: string
  readonly revision: string
  readonly direction: string
  readonly outcome: string
}

/** A database of one case, made from a template and looked at through a connection of its own. */
export class FaultDatabase implements AsyncDisposable {
  readonly name: string
  readonly #admin: Client
  readonly #client: Client

  private constructor(name: string, admin: Client, client: Client) {
    this.name = name
    this.#admin = admin
    this.#client = client
  }

  static async open(aurora: LocalAurora, admin: Client, template?: string): Promise<FaultDatabase> {
    const name = `fault_${randomBytes(8).toString('hex')}`
    if (template === undefined) await aurora.createDatabase(name)
    else await admin.query(`create database ${name} template ${template} owner migrator`)
    const client = await superuser(aurora, name)
    return new FaultDatabase(name, admin, client)
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.#client.query(sql)).rows
  }

  /** Everything a revision can change, the version rows included, as text. */
  async state(): Promise<string> {
    // A statement of a dead run may still be at work: all queries of the dump must see the same.
    await this.#client.query('begin isolation level repeatable read read only')
    try {
      return JSON.stringify(await dumpCatalog(this.#client), null, 1)
    } finally {
      await this.#client.query('commit')
    }
  }

  async versions(): Promise<string[]> {
    if (!(await this.#has('alembic_version'))) return []
    const rows = await this.query('select version_num from alembic_version order by 1')
    return rows.map(({ version_num }) => String(version_num))
  }

  async history(): Promise<SeenRow[]> {
    if (!(await this.#has('alembic_version_history'))) return []
    const rows = await this.query(
      'select run_id as run, revision, direction, outcome from alembic_version_history order by seq, started_at',
    )
    return rows as unknown as SeenRow[]
  }

  /** Transactions that are open although no call is running. */
  async idleTransactions(): Promise<number> {
    const [row] = await this.query(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
    )
    return Number(row?.n)
  }

  /** Lets the lease of a step end whose run is over. */
  async endLeases(): Promise<void> {
    if (!(await this.#has('alembic_version_history'))) return
    await this.query(
      "update alembic_version_history set lease_until = clock_timestamp() where outcome = 'running'",
    )
  }

  /** Closes all connections, so that the database can be a template. */
  async closeOthers(): Promise<void> {
    await this.#client.end()
    await this.#admin.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${this.name}'`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end().catch(() => {})
    await this.#admin.query(`drop database if exists ${this.name} with (force)`)
  }

  async #has(table: string): Promise<boolean> {
    const [row] = await this.query(`select to_regclass('public.${table}') is not null as present`)
    return row?.present === true
  }
}

/** A superuser's connection that outlives the death of its backend. */
export async function superuser(aurora: LocalAurora, database: string): Promise<Client> {
  const url = new URL(aurora.postgresUrl)
  url.pathname = `/${database}`
  const client = new Client({ connectionString: url.href })
  client.on('error', () => {})
  await client.connect()
  return client
}
