import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { build, type Loader, type OnLoadResult, type Plugin, version } from 'esbuild'
import { isInstalled, onImport } from './imported-files-plugin.ts'
import { TYPESCRIPT_FIRST } from './typescript-first.ts'

/**
 * The checksum of each of the revision files of a folder, by file name: of its code and of the project files it imports,
 * without comments and white space, and of the bytes of the `.sql`, `.csv`, `.txt` and `.json` files among these. Another
 * name of a file is no change.
 *
 * It ends with 64 hexadecimal digits. What stands before them names the algorithm and the version of esbuild, which may
 * print the same code in another way: where that differs, two checksums say nothing about each other.
 */
export async function revisionChecksums(
  migrations: string,
  files: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const imported = new ImportedDigests()
  const { metafile, outputFiles } = await build({
    entryPoints: files.map((file, i) => ({ in: `revision:${file}`, out: String(i) })),
    plugins: [revisions(path.resolve(migrations)), imported.plugin, TYPESCRIPT_FIRST],
    // Nothing is written: the folder only keeps the names apart.
    outdir: path.resolve('revisions'),
    write: false,
    metafile: true,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'silent',
  })
  const codes = byName(outputFiles.map((output) => [output.path, output]))
  const outputs = byName(Object.entries(metafile.outputs))
  return new Map(
    files.map((file, i) => {
      const code = codes.get(String(i))?.contents ?? ''
      const digests = imported.among(Object.keys(outputs.get(String(i))?.inputs ?? {}))
      const digest = createHash('sha256').update(code).update(digests.join('')).digest('hex')
      return [file, `sha256/esbuild-${version}:${digest}`]
    }),
  )
}

function byName<T>(entries: readonly (readonly [file: string, T])[]): ReadonlyMap<string, T> {
  return new Map(entries.map(([file, value]) => [path.parse(file).name, value]))
}

/** Gives all revision files the same name, because esbuild makes names in the code of it. */
function revisions(folder: string): Plugin {
  return {
    name: 'revisions',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^revision:/ }, ({ path: name }) => ({
        path: 'revision',
        namespace: name,
      }))
      onLoad({ filter: /^revision$/, namespace: '' }, async ({ namespace }) => {
        const file = path.join(folder, namespace.slice('revision:'.length))
        const loader = path.extname(file).replace(/^\.m?/, '') as Loader
        return { contents: await readFile(file, 'utf8'), loader, resolveDir: folder }
      })
    },
  }
}

/** Gives all imported files the same name, too, and keeps the digest of each one's bytes. */
class ImportedDigests {
  readonly #digests = new Map<string, string>()

  readonly plugin: Plugin = {
    name: 'imported-digests',
    setup: (build) => {
      onImport(build, ({ path: file, external, errors }) =>
        external || errors.length > 0 || isInstalled(file)
          ? undefined
          : { path: 'file', namespace: file },
      )
      build.onLoad({ filter: /^file$/, namespace: '' }, ({ namespace }) => this.#loaded(namespace))
    },
  }

  /** The digests of the files among the inputs of an output, in an order that their names do not decide. */
  among(inputs: readonly string[]): readonly string[] {
    const files = new Set(inputs.map((name) => /^(.*):file(?: with \{.*\})?$/.exec(name)?.[1]))
    return [...files].flatMap((file = '') => this.#digests.get(file) ?? []).sort()
  }

  async #loaded(file: string): Promise<OnLoadResult> {
    const bytes = await readFile(file)
    const digest = createHash('sha256').update(bytes).digest('hex')
    this.#digests.set(file, digest)
    // Names of a JSON file may be imported. Which of the other files stands where is told by their digests.
    if (path.extname(file) === '.json') return { contents: bytes, loader: 'json' }
    return { contents: `export default '${digest}'`, loader: 'js' }
  }
}
