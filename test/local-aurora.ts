import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject, onTestFinished } from 'vitest'
import {
  type LocalAurora,
  type LocalAuroraOptions,
  startLocalAurora,
} from '../infra/local/local-aurora.ts'

/** A local Aurora of this test file, on the PostgreSQL that all files share. Stop it in afterAll. */
export function testAurora(
  options: Omit<LocalAuroraOptions, 'postgresUrl' | 'directory'> = {},
): Promise<LocalAurora> {
  return startLocalAurora({ ...options, postgresUrl: inject('aurora').postgresUrl })
}

/** An empty database that no other test has; answers its name. */
export async function newDatabase(aurora: LocalAurora): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await aurora.createDatabase(name)
  return name
}

/** A superuser connection to a database, closed when the test is over. */
export async function connect(aurora: LocalAurora, database: string): Promise<Client> {
  const url = new URL(aurora.postgresUrl)
  url.pathname = `/${database}`
  const client = new Client({ connectionString: url.href })
  // Some tests end backends or the server on purpose.
  client.on('error', () => {})
  await client.connect()
  closeAfterTest(client)
  return client
}

function closeAfterTest(client: Client): void {
  try {
    onTestFinished(() => client.end())
  } catch {
    // Called from beforeAll: the file's process ends with the connection.
  }
}
