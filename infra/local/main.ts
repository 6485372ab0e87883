import { parseArgs } from 'node:util'
import { DatabaseError } from 'pg'
import { type LocalAurora, startLocalAurora } from './local-aurora.ts'

const usage = `Usage: node infra/local/main.ts [options]

Starts local Aurora: the RDS Data API and Secrets Manager on 127.0.0.1, in front of a real
PostgreSQL. Prints what a client needs as environment variables, and runs until Ctrl-C.

Options:
  --database NAME      make this database if it is missing; repeatable (default: none)
  --directory DIR      where data, password and log live (default: .aurora)
  --port N             port of the HTTP server (default: any free one)
  --postgres-url URL   use this server (superuser URL) instead of the embedded one
  --help               show this text

Exit codes: 0 stopped by a signal, 1 could not start, 2 wrong options.`

const options = {
  database: { type: 'string', multiple: true },
  directory: { type: 'string' },
  port: { type: 'string' },
  'postgres-url': { type: 'string' },
  help: { type: 'boolean' },
} as const

function parse() {
  const { values } = parseArgs({ options })
  const { port } = values
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= 65_535)) {
    throw new Error(`--port ${port} is not a port: use a number from 0 to 65535`)
  }
  return values
}

async function createMissing(aurora: LocalAurora, database: string): Promise<void> {
  try {
    await aurora.createDatabase(database)
  } catch (error) {
    const duplicateDatabase = '42P04'
    if (!(error instanceof DatabaseError && error.code === duplicateDatabase)) throw error
  }
}

async function run({ database: databases = [], ...values }: ReturnType<typeof parse>) {
  const { directory, port, 'postgres-url': postgresUrl } = values
  const aurora = await startLocalAurora({
    ...(directory === undefined ? {} : { directory }),
    ...(postgresUrl === undefined ? {} : { postgresUrl }),
    ...(port === undefined ? {} : { port: Number(port) }),
  })
  for (const database of databases) await createMissing(aurora, database)
  console.log(`Local Aurora answers on ${aurora.endpoint}. Stop it with Ctrl-C.\n`)
  for (const [name, value] of Object.entries(aurora.environment(databases[0] ?? 'postgres'))) {
    console.log(`export ${name}='${value.replaceAll("'", "'\\''")}'`)
  }
  await Promise.race([signal('SIGINT'), signal('SIGTERM')])
  await aurora.stop()
}

function signal(name: NodeJS.Signals): Promise<void> {
  // Once: a second Ctrl-C ends the process at once.
  return new Promise((resolve) => process.once(name, () => resolve()))
}

function fail(error: unknown, exitCode: number): void {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = exitCode
}

let values: ReturnType<typeof parse> | undefined
try {
  values = parse()
} catch (error) {
  fail(error, 2)
}
if (values?.help === true) console.log(usage)
else if (values !== undefined) await run(values).catch((error: unknown) => fail(error, 1))
