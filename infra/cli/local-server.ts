import { forgetShellSettings, reachesClients } from '../shell-settings.ts'
import { createMissing, startAurora } from './local-database.ts'
import type { Output } from './output.ts'

export interface LocalServerOptions {
  /** Made when they are missing; the printed environment is the first one's. */
  readonly database: readonly string[]
  readonly directory: string
  readonly port?: number
  readonly postgresUrl?: string
}

/** Starts local Aurora, prints what a client needs, and stops it at the first signal. */
export async function serveLocalAurora(output: Output, options: LocalServerOptions): Promise<void> {
  const { database: databases, ...rest } = options
  const inTheWay = Object.keys(process.env).filter((name) => reachesClients(name))
  // A server of the person's own may need what the shell says of it.
  if (options.postgresUrl === undefined) forgetShellSettings()
  // From here on: what is being started is stopped as well, and not left behind.
  const stopped = Promise.race([signal('SIGINT'), signal('SIGTERM')])
  await using aurora = await startAurora(rest)
  for (const database of databases) await createMissing(aurora, database)
  output.print(`Local Aurora answers on ${aurora.endpoint}. Stop it with Ctrl-C.\n`)
  const environment = aurora.environment(databases[0] ?? 'postgres')
  const unset = inTheWay.filter((name) => !(name in environment))
  if (unset.length > 0) output.print(`unset ${unset.join(' ')}`)
  for (const [name, value] of Object.entries(environment)) {
    output.print(`export ${name}='${value.replaceAll("'", "'\\''")}'`)
  }
  await stopped
}

function signal(name: NodeJS.Signals): Promise<void> {
  // Once: a second Ctrl-C ends the process at once.
  return new Promise((resolve) => process.once(name, () => resolve()))
}
