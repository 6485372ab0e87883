import { pathToFileURL } from 'node:url'
import { Command } from 'commander'
import { Client } from 'pg'
import type { InvokeResponse } from '../lambda/handlers/index.ts'
import type { Report } from '../lambda/run/report.ts'
import { bundle } from './bundle.ts'
import { type LocalAurora, startLocalAurora } from './local/local-aurora.ts'
import { forgetShellSettings } from './shell-settings.ts'

const DATABASE = 'demo'

/** Builds the bundle, starts local Aurora, lets the bundle upgrade the demo database, and shows what is in it then. */
async function demo(directory: string): Promise<void> {
  forgetShellSettings()
  const { file, bytes } = await bundle({ migrations: 'migrations', out: 'dist/lambda' })
  console.log(`bundle        ${file} (${Math.round(bytes / 1024)} KiB)`)
  await using aurora = await startLocalAurora({ directory })
  console.log(`local Aurora  ${aurora.endpoint}, database ${DATABASE}, data in ${directory}/`)
  await createDatabaseOnce(aurora)
  // The step lines below say what the Lambda's own log lines would.
  Object.assign(process.env, aurora.environment(DATABASE), { POWERTOOLS_LOG_LEVEL: 'ERROR' })
  const event = { command: 'upgrade', target: 'heads' }
  console.log(`invoke        ${JSON.stringify(event)}\n`)
  const { invoke } = (await import(pathToFileURL(file).href)) as {
    invoke: (event: unknown) => Promise<InvokeResponse>
  }
  show((await invoke(event)) as Report)
  await showTeams(aurora)
}

async function createDatabaseOnce(aurora: LocalAurora): Promise<void> {
  const present = await query(aurora, 'postgres', 'select 1 from pg_database where datname = $1', [
    DATABASE,
  ])
  if (present.length === 0) await aurora.createDatabase(DATABASE)
}

function show({ status, from, to, steps, error }: Report): void {
  for (const { direction, revision, doc, ms, statements, rows } of steps) {
    const figures =
      `${ms} ms`.padStart(8) +
      `${statements} statement${statements === 1 ? ' ' : 's'}`.padStart(15) +
      `${rows} rows`.padStart(10)
    console.log(`  ${direction} ${revision.padEnd(14)} ${doc.padEnd(42)}${figures}`)
  }
  if (status !== 'succeeded') throw new Error(error?.message ?? `the run is ${status}`)
  const at = to.join(', ') || 'base'
  console.log(
    steps.length === 0 ? `nothing to do: at ${at}` : `\nfrom ${from.join(', ') || 'base'} to ${at}`,
  )
}

async function showTeams(aurora: LocalAurora): Promise<void> {
  const rows = await query(
    aurora,
    DATABASE,
    `select t.id, t.name as team, count(*)::int as players, min(p.name) as "first player"
     from teams t join players p on p.team_id = t.id group by t.id order by t.id`,
  )
  console.table(rows)
}

async function query(aurora: LocalAurora, database: string, sql: string, values: unknown[] = []) {
  const url = new URL(aurora.postgresUrl)
  url.pathname = `/${database}`
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    return (await client.query(sql, values)).rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

const program = new Command('start')
  .description(
    'Upgrades a database of local Aurora with the example revisions, through the bundle.',
  )
  .option('--directory <folder>', 'where local Aurora keeps its data', '.aurora')
  .parse()
try {
  await demo(program.opts<{ directory: string }>().directory)
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
