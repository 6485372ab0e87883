import { Client, escapeIdentifier } from 'pg'
import { type LocalAurora, startLocalAurora } from '../../infra/local/local-aurora.ts'

/** The PostgreSQL of all test runs: vitest would start one for each. */
export class SharedPostgres implements AsyncDisposable {
  readonly #aurora: LocalAurora

  private constructor(aurora: LocalAurora) {
    this.#aurora = aurora
  }

  static async start(directory: string): Promise<SharedPostgres> {
    const aurora = await startLocalAurora({ directory, durability: false })
    // The global setup of the tests takes it from there.
    process.env.TEST_POSTGRES_URL = aurora.postgresUrl
    return new SharedPostgres(aurora)
  }

  /** Drops the databases that tests have left: a run of vitest makes a hundred of them. */
  async clear(): Promise<void> {
    const client = new Client({ connectionString: this.#aurora.postgresUrl })
    await client.connect()
    try {
      const { rows } = await client.query<{ name: string }>(
        "select datname as name from pg_database where not datistemplate and datname <> 'postgres'",
      )
      for (const { name } of rows) {
        await client.query(`drop database ${escapeIdentifier(name)} with (force)`)
      }
    } finally {
      await client.end()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#aurora.stop()
  }
}
