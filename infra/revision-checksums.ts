import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { build, type Loader, type Plugin, version } from 'esbuild'
import { TYPESCRIPT_FIRST } from './typescript-first.ts'

/**
 * The checksum of each of the revision files of a folder, by file name: of its code and of the project files it imports, without
 * comments and white space. Another name of the file is no change.
 *
 * It ends with 64 hexadecimal digits. What stands before them names the algorithm and the version of esbuild, which may
 * print the same code in another way: where that differs, two checksums say nothing about each other.
 */
export async function revisionChecksums(
  migrations: string,
  files: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { outputFiles } = await build({
    entryPoints: files.map((file, i) => ({ in: `revision:${file}`, out: String(i) })),
    plugins: [revisions(path.resolve(migrations)), TYPESCRIPT_FIRST],
    // Nothing is written: the folder only keeps the names apart.
    outdir: path.resolve('revisions'),
    write: false,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'silent',
  })
  const codes = new Map(outputFiles.map((output) => [path.parse(output.path).name, output]))
  return new Map(
    files.map((file, i) => {
      const code = codes.get(String(i))?.contents ?? ''
      const digest = createHash('sha256').update(code).digest('hex')
      return [file, `sha256/esbuild-${version}:${digest}`]
    }),
  )
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
