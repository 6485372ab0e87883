import { RDSData } from '@aws-sdk/client-rds-data'
import { Kysely, Migrator, PostgresAdapter, sql } from 'kysely'
import { DataApiDialect } from 'kysely-data-api'
import { revisionStatements } from '../statements.ts'

/** Applies the first `count` migrations, in the one transaction that Kysely's Migrator makes of a run. */
export function run(count) {
  return migrate(count, dialect())
}

/**
 * The same with a lock statement whose result the Data API has a type for: as it is, it returns `void`, which the
 * service may refuse as a result.
 */
export function runWithShim(count) {
  const shimmed = dialect()
  shimmed.createAdapter = () => new AdapterWithoutVoid()
  return migrate(count, shimmed)
}

class AdapterWithoutVoid extends PostgresAdapter {
  async acquireMigrationLock(db) {
    await sql`select pg_advisory_xact_lock(3853314791062309107)::text`.execute(db)
  }
}

function dialect() {
  const { CLUSTER_ARN, SECRET_ARN, DATABASE } = process.env
  const client = new RDSData({})
  const driver = { client, database: DATABASE, secretArn: SECRET_ARN, resourceArn: CLUSTER_ARN }
  return new DataApiDialect({ mode: 'postgres', driver })
}

async function migrate(count, dialectToUse) {
  const db = new Kysely({ dialect: dialectToUse })
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations(count) } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

function migrations(count) {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => {
      const up = async (db) => {
        for (const text of revisionStatements(i + 1)) await sql.raw(text).execute(db)
      }
      return [`m${String(i + 1).padStart(5, '0')}`, { up }]
    }),
  )
}
