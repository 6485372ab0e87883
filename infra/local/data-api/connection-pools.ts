import { Client, type ClientConfig } from 'pg'
import type { DatabaseLogin } from '../secrets.ts'
import { ConnectionPool } from './connection-pool.ts'

/** One pool per database and login; the password PostgreSQL checks is the secret's. */
export class ConnectionPools {
  readonly host: string
  readonly port: number
  readonly #ssl: ClientConfig['ssl']
  readonly #byKey = new Map<string, ConnectionPool>()

  /** The URL names the server; its user and database are not the pools'. */
  constructor(postgresUrl: string) {
    const { host, port, ssl } = new Client({ connectionString: postgresUrl })
    this.host = host
    this.port = port
    this.#ssl = ssl
  }

  for(login: DatabaseLogin, database: string): ConnectionPool {
    const key = JSON.stringify([database, login.username, login.password])
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const pool = new ConnectionPool({
      host: this.host,
      port: this.port,
      ssl: this.#ssl,
      user: login.username,
      password: login.password,
      database,
    })
    this.#byKey.set(key, pool)
    return pool
  }

  async end(): Promise<void> {
    await Promise.all([...this.#byKey.values()].map((pool) => pool.end()))
  }
}
