import { readdir, realpath } from 'node:fs/promises'
import path from 'node:path'
import type { Metafile } from 'esbuild'
import { CommandError } from '../lambda/errors.ts'

const SOURCE = /\.(?:ts|mts|js|mjs)$/
/** The former list of revisions, tests, and what editors and macOS leave behind. */
const NO_REVISION = /^index\.|^\.|\.(?:test|spec)\.\w+$/
/** What tsc writes beside a source: `.js` and `.d.ts`, or `.mjs` and `.d.mts`. */
const COMPILED = /^(?<name>.*)\.(?<module>m?)js$/
const DECLARATIONS = /\.d\.m?ts$/

/**
 * Names of the revision files of a folder, in file order. The order of the revisions comes from the graph.
 *
 * Every source in the folder is one but tests and `index`. JavaScript beside a TypeScript file of the same name is what
 * tsc made of it, and does not count.
 *
 * @throws CommandError for a folder that cannot be read, and for JavaScript whose TypeScript file is gone
 */
export async function revisionFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((cause: Error) => {
    throw new CommandError(
      'MigrationsFolder',
      `cannot read the migrations folder '${directory}': ${cause.message}; name an existing one with --migrations`,
      { cause },
    )
  })
  const all = new Set(names)
  const files = names.filter((name) => isSource(name) && !all.has(sourceOf(name)))
  if (files.some((name) => /\.m?ts$/.test(name))) refuseLeftOver(directory, files, all)
  return files.sort()
}

function isSource(name: string): boolean {
  return SOURCE.test(name) && !DECLARATIONS.test(name) && !NO_REVISION.test(name)
}

/** The TypeScript file that a JavaScript file would be compiled from; empty for another file. */
function sourceOf(file: string): string {
  return file.replace(COMPILED, '$<name>.$<module>ts').replace(file, '')
}

/** A folder of JavaScript alone may be a build of tsc; beside TypeScript such a file comes from one that was removed. */
function refuseLeftOver(
  directory: string,
  files: readonly string[],
  all: ReadonlySet<string>,
): void {
  for (const file of files) {
    const source = sourceOf(file)
    const declarations = source.replace(/(m?ts)$/, 'd.$1')
    if (source === '' || !all.has(declarations)) continue
    throw new CommandError(
      'LeftOver',
      `${path.join(directory, file)} was compiled from ${source}, which is gone: delete ${file} and ${declarations}, or restore ${source}`,
    )
  }
}

/** Throws a {@link CommandError} for `.sql` files beside the revisions that no code of a bundle uses: they would never run. */
export async function refuseUnused(directory: string, { outputs }: Metafile): Promise<void> {
  const used = new Set(
    Object.values(outputs).flatMap(({ inputs }) =>
      Object.keys(inputs).filter((file) => (inputs[file]?.bytesInOutput ?? 0) > 0),
    ),
  )
  const unused: string[] = []
  for (const name of (await readdir(directory)).sort()) {
    if (!/^[^.].*\.sql$/.test(name)) continue
    const file = path.join(directory, name)
    if (!used.has(path.relative('', await realpath(file)))) unused.push(file)
  }
  if (unused.length === 0) return
  throw new CommandError(
    'UnusedFile',
    `no revision uses ${unused.join(', ')}, so it would never run: import it in a revision and pass it to op.executeScript, or move it out of the folder`,
  )
}
