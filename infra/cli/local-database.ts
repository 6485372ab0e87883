import { CommandError } from '../../lambda/errors.ts'
import { messageOf } from '../../lambda/thrown.ts'
import type { LocalAurora, LocalAuroraOptions } from '../local/local-aurora.ts'
import { forgetShellSettings } from '../shell-settings.ts'
import { loadLocalAurora } from './local-packages.ts'
import type { Database } from './process-place.ts'

export interface LocalDatabaseOptions {
  readonly database: string
  /** Folder of the data. */
  readonly directory: string
  /** Called when the database was missing, and is made: its name may be misspelt. */
  made(): void
}

/** Starts local Aurora and makes the database if it is missing. */
export async function startLocalDatabase({
  database,
  directory,
  made,
}: LocalDatabaseOptions): Promise<Database> {
  forgetShellSettings()
  const aurora = await startAurora({ directory })
  try {
    if (await createMissing(aurora, database)) made()
  } catch (error) {
    await aurora.stop()
    throw error
  }
  return {
    environment: aurora.environment(database),
    [Symbol.asyncDispose]: () => aurora.stop(),
  }
}

/**
 * Starts local Aurora.
 *
 * @throws CommandError when it cannot start: what stands in its way is of this machine, and a person can mend it
 */
export async function startAurora(options: LocalAuroraOptions): Promise<LocalAurora> {
  const { startLocalAurora } = await loadLocalAurora()
  return await startLocalAurora(options).catch((cause: unknown) => {
    throw new CommandError('LocalAurora', messageOf(cause), { cause })
  })
}

const DUPLICATE_DATABASE = '42P04'

/** Makes the database if it is missing; true when it was. */
export async function createMissing(aurora: LocalAurora, database: string): Promise<boolean> {
  try {
    await aurora.createDatabase(database)
    return true
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== DUPLICATE_DATABASE) throw error
    return false
  }
}
