import { resolve } from 'node:path'
import { Client } from 'pg'
import { claimDirectory, type LockHolder } from './directory-lock.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'

/** The PostgreSQL behind local Aurora. */
export interface PostgresServer {
  /** Superuser URL of the database `postgres`. */
  readonly url: string
  /** Stops it, if it was started here. */
  stop(): Promise<void>
}

export interface PostgresOptions {
  readonly directory?: string
  readonly postgresUrl?: string
  readonly durability?: boolean
}

/** The given server, or an embedded one in a directory that no other process may use meanwhile. */
export async function startPostgres(
  options: PostgresOptions,
  holder: LockHolder,
): Promise<PostgresServer> {
  if (options.postgresUrl !== undefined) return await givenServer(options.postgresUrl)
  const directory = resolve(options.directory ?? '.aurora')
  const release = await claimDirectory(directory, holder)
  try {
    const postgres = await startEmbeddedPostgres(directory, options.durability ?? true)
    return {
      url: postgres.url,
      async stop() {
        await postgres.stop()
        release()
      },
    }
  } catch (error) {
    release()
    throw error
  }
}

/** A person's own server: no error of it repeats the URL, which has a password in it. */
async function givenServer(url: string): Promise<PostgresServer> {
  if (!/^postgres(?:ql)?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new Error(
      '--postgres-url is not the URL of a PostgreSQL server: write postgres://<user>:<password>@<host>:<port>/<database>',
    )
  }
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    await client.end()
  } catch (cause) {
    // A name with several addresses fails with an error of each.
    const first = cause instanceof AggregateError ? cause.errors[0] : cause
    throw new Error(
      `the server of --postgres-url cannot be used: ${first instanceof Error ? first.message : first}; it must run, and the user of the URL must be a superuser`,
      { cause },
    )
  }
  return { url, stop: async () => {} }
}
