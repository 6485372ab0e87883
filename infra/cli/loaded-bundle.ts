import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { CommandError } from '../../lambda/errors.ts'
import type { createInvoke } from '../../lambda/handlers/index.ts'
import { asError, messageOf } from '../../lambda/thrown.ts'
import { bundle } from '../bundle.ts'
import { refuseLoad } from '../load-failure.ts'
import { EarlyExit } from './early-exit.ts'
import { EXIT } from './exit-code.ts'
import type { Output } from './output.ts'

export type Invoke = ReturnType<typeof createInvoke>

/**
 * Bundles a migrations folder and loads the bundle's `invoke` into this process.
 *
 * Not the files themselves: what runs here is then what runs in Lambda, checksums included, and a revision may use any
 * TypeScript that esbuild takes, while Node only strips types.
 *
 * @throws CommandError when the revision files are wrong
 */
export async function loadBundle(migrations: string, output: Output): Promise<Invoke> {
  const out = await mkdtemp(path.join(tmpdir(), 'aurora-migrations-'))
  try {
    const { file } = await bundle({ migrations, out, forCli: true }).catch(refuse)
    // Errors then name lines of the revision files.
    process.setSourceMapsEnabled(true)
    // The answer says what went wrong: no log beside it.
    process.env.POWERTOOLS_LOG_LEVEL ??= 'SILENT'
    return await load(file, migrations, output)
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}

/** A file that waits longer at its top may wait for ever. */
const LONGEST_LOAD_MS = 60_000

async function load(file: string, migrations: string, output: Output): Promise<Invoke> {
  const message = `the revisions of ${migrations} cannot be loaded: the code of a file ends the process, or waits at its top for what never comes`
  using _ = new EarlyExit(output, { kind: 'Bundle', message, code: EXIT.usage })
  const tooLong = sleep(LONGEST_LOAD_MS, undefined, { ref: false }).then(() => {
    throw new Error(`the code of a file still waits at its top after ${LONGEST_LOAD_MS / 1000} s`)
  })
  const loaded = await Promise.race([import(pathToFileURL(file).href), tooLong]).catch(
    (error: unknown) => refuseLoad(error, file, migrations),
  )
  return (loaded as { readonly invoke: Invoke }).invoke
}

/** What cannot be bundled is an error in the revision files. */
export function refuse(thrown: unknown): never {
  const cause = asError(thrown)
  if (cause instanceof CommandError) throw cause
  throw new CommandError('Bundle', messageOf(cause), { cause })
}
