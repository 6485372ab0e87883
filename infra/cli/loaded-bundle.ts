import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { CommandError } from '../../lambda/errors.ts'
import type { createInvoke } from '../../lambda/handlers/index.ts'
import { asError, messageOf } from '../../lambda/thrown.ts'
import { bundle } from '../bundle.ts'
import { refuseLoad } from '../load-failure.ts'

export type Invoke = ReturnType<typeof createInvoke>

/**
 * Bundles a migrations folder and loads the bundle's `invoke` into this process.
 *
 * Not the files themselves: what runs here is then what runs in Lambda, checksums included, and a revision may use any
 * TypeScript that esbuild takes, while Node only strips types.
 *
 * @throws CommandError when the revision files are wrong
 */
export async function loadBundle(migrations: string): Promise<Invoke> {
  const out = await mkdtemp(path.join(tmpdir(), 'aurora-migrations-'))
  try {
    const { file } = await bundle({ migrations, out, forCli: true }).catch(refuse)
    // Errors then name lines of the revision files.
    process.setSourceMapsEnabled(true)
    // The answer says what went wrong: no log beside it.
    process.env.POWERTOOLS_LOG_LEVEL ??= 'SILENT'
    const { invoke } = (await import(pathToFileURL(file).href).catch((error: unknown) =>
      refuseLoad(error, file, migrations),
    )) as { readonly invoke: Invoke }
    return invoke
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}

/** What cannot be bundled is an error in the revision files. */
export function refuse(thrown: unknown): never {
  const cause = asError(thrown)
  if (cause instanceof CommandError) throw cause
  throw new CommandError('Bundle', messageOf(cause), { cause })
}
