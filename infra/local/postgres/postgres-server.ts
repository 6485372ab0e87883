import { resolve } from 'node:path'
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
  if (options.postgresUrl !== undefined) return { url: options.postgresUrl, stop: async () => {} }
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
