import { createHmac } from 'node:crypto'
import { Client } from 'pg'

/** The role of the default secret: owns databases, is no superuser, and may what the master user of a cluster may. */
export const migratorRole = 'migrator'

/** Any number: two processes preparing one server at once must not trip over each other. */
const advisoryLock = 827_364_519

/** Makes sure of the role on the server, and answers its password. */
export async function prepareMigratorRole(postgresUrl: string): Promise<string> {
  const password = migratorPassword(postgresUrl)
  const client = new Client({ connectionString: postgresUrl })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [advisoryLock])
    const { rows } = await client.query('select from pg_roles where rolname = $1', [migratorRole])
    const command = rows.length === 0 ? 'create' : 'alter'
    // The password is hexadecimal: nothing in it to quote.
    await client.query(
      `${command} role ${migratorRole} login createdb createrole nosuperuser password '${password}'`,
    )
    await client.query(`grant pg_monitor, pg_signal_backend to ${migratorRole}`)
    await client.query('commit')
  } finally {
    await client.end()
  }
  return password
}

/** Derived from the superuser's, so that every process on the same server has the same one. */
export function migratorPassword(postgresUrl: string): string {
  const superuser = decodeURIComponent(new URL(postgresUrl).password)
  return createHmac('sha256', superuser).update(`local Aurora ${migratorRole}`).digest('hex')
}
