import { devNull } from 'node:os'
import { CONFIG_VARIABLES } from '../lambda/config.ts'

const SETTINGS: ReadonlySet<string> = new Set(CONFIG_VARIABLES)

/** Whether a variable of the shell changes where clients of the Data API go (a profile, an endpoint), or how a run works. */
export function reachesClients(name: string): boolean {
  return name.startsWith('AWS_') || SETTINGS.has(name)
}

/** Whether a variable of the shell changes how PostgreSQL is connected to. */
function reachesPostgres(name: string): boolean {
  return /^PG[A-Z]/.test(name)
}

/**
 * Makes this process forget what the shell says about AWS, PostgreSQL and runs, and the person's files about AWS: what is
 * local stays local, whatever is set for other work.
 */
export function forgetShellSettings(): void {
  for (const name of Object.keys(process.env)) {
    if (reachesClients(name) || reachesPostgres(name)) delete process.env[name]
  }
  // A profile in ~/.aws may name endpoints, or say that configured ones are to be ignored.
  Object.assign(process.env, { AWS_CONFIG_FILE: devNull, AWS_SHARED_CREDENTIALS_FILE: devNull })
}
