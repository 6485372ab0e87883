import { type Client, Pool } from 'pg'

/** Cancels and terminates backends, as a superuser on connections of its own. */
export class BackendControl {
  readonly #pool: Pool

  constructor(postgresUrl: string) {
    this.#pool = new Pool({ connectionString: postgresUrl, max: 2, idleTimeoutMillis: 5_000 })
    this.#pool.on('error', () => {})
  }

  async cancel(pid: number): Promise<void> {
    await this.#pool.query('select pg_cancel_backend($1)', [pid])
  }

  /** Resolves when the backend is gone. */
  async terminate(pid: number): Promise<void> {
    await this.#pool.query('select pg_terminate_backend($1, 5000)', [pid])
  }

  async query(sql: string): Promise<void> {
    await this.#pool.query(sql)
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }
}

/** Process id of the connection's backend, as `pg_backend_pid()` tells it. */
export function backendPid(client: Client): number {
  return (client as unknown as { processID: number }).processID
}
