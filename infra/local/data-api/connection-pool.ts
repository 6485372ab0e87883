import { Client, type ClientConfig } from 'pg'

const keepIdle = 32
const warmIdle = 2
/** Short, because a test run makes hundreds of databases. */
const idleMs = 3_000

/**
 * Connections for one database and user, hostile on purpose: a call gets a random one of at least
 * two, and `DISCARD ALL` runs after each use, so that code relying on session state fails here.
 */
export class ConnectionPool {
  readonly #config: ClientConfig
  readonly #idle = new Map<Client, NodeJS.Timeout>()
  readonly #used = new Set<Client>()
  #warming = false
  #ended = false

  constructor(config: ClientConfig) {
    this.#config = {
      ...config,
      application_name: 'RDS Data API (local Aurora)',
      // A fixed style of dates and a fixed zone, which DISCARD ALL comes back to.
      options: '-c DateStyle=ISO,MDY -c TimeZone=UTC -c IntervalStyle=postgres',
    }
  }

  async acquire(): Promise<Client> {
    if (this.#ended) throw new Error('Local Aurora is stopping')
    const idle = [...this.#idle.keys()]
    const client = idle[Math.floor(Math.random() * idle.length)] ?? (await this.#connect())
    clearTimeout(this.#idle.get(client))
    this.#idle.delete(client)
    this.#used.add(client)
    if (idle.length < warmIdle) void this.#warm()
    return client
  }

  /** Takes a connection back; resolves when it is clean, or closed because it cannot be. */
  async release(client: Client): Promise<void> {
    if (!this.#used.has(client)) return
    try {
      await reset(client)
      this.#used.delete(client)
      this.#keep(client)
    } catch {
      await this.discard(client)
    }
  }

  async discard(client: Client): Promise<void> {
    this.#forget(client)
    await client.end().catch(() => {})
  }

  async end(): Promise<void> {
    this.#ended = true
    await Promise.all([...this.#idle.keys(), ...this.#used].map((client) => this.discard(client)))
  }

  async #connect(): Promise<Client> {
    const client = new Client(this.#config)
    // A backend that dies while idle must not take the process with it.
    client.on('error', () => this.#forget(client))
    client.on('end', () => this.#forget(client))
    await client.connect()
    return client
  }

  async #warm(): Promise<void> {
    if (this.#warming || this.#ended) return
    this.#warming = true
    try {
      this.#keep(await this.#connect())
    } catch {
      // The call that needs a connection reports why there is none.
    } finally {
      this.#warming = false
    }
  }

  #keep(client: Client): void {
    if (this.#ended || this.#idle.size >= keepIdle) {
      void this.discard(client)
      return
    }
    const timer = setTimeout(() => void this.discard(client), idleMs)
    timer.unref()
    this.#idle.set(client, timer)
  }

  #forget(client: Client): void {
    clearTimeout(this.#idle.get(client))
    this.#idle.delete(client)
    this.#used.delete(client)
  }
}

async function reset(client: Client): Promise<void> {
  try {
    await client.query('DISCARD ALL')
  } catch {
    // SQL text BEGIN left a transaction open: the next caller must not land in it.
    await client.query('ROLLBACK')
    await client.query('DISCARD ALL')
  }
}
