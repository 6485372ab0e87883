import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { checkIndex } from './revision-index.ts'

export interface BundleOptions {
  /** Folder of the revision files and their `index.ts`. */
  readonly migrations: string
  /** Folder to write `index.mjs` to; emptied first. */
  readonly out: string
}

export interface Bundle {
  /** The file a Lambda loads; it exports the handlers by name. */
  readonly file: string
  readonly bytes: number
  /** What went into it, see esbuild. */
  readonly metafile: Metafile
}

/** The package runs from its TypeScript sources in its own repository, and from JavaScript where it is installed. */
const FROM_SOURCE = import.meta.url.endsWith('.ts')
const PACKAGE = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  FROM_SOURCE ? '..' : '../../..',
)

/** Bundles the revisions of a folder with the handlers into one ES module for Node 24. */
export async function bundle({ migrations, out }: BundleOptions): Promise<Bundle> {
  await checkIndex(migrations)
  await rm(out, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  const file = path.join(out, 'index.mjs')
  const index = path.resolve(migrations, 'index.ts')
  const result = await build({
    stdin: {
      contents: `import { createInvoke } from 'aurora-migrations/handlers'
import { revisions } from ${JSON.stringify(index)}
export const invoke = createInvoke(revisions)`,
      resolveDir: FROM_SOURCE ? PACKAGE : path.resolve(migrations),
      sourcefile: 'handlers.ts',
      loader: 'ts',
    },
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // ES modules first: the SDK's CommonJS builds cannot be tree-shaken.
    mainFields: ['module', 'main'],
    // Naming conditions turns esbuild's own 'module' off.
    conditions: ['module', ...(FROM_SOURCE ? ['aurora-migrations-source'] : [])],
    // MikroORM imports these only to look for entity files or to batch loads, which a revision never does.
    external: [
      'tinyglobby',
      'dataloader',
      '@mikro-orm/core/fs-utils',
      '@mikro-orm/core/file-discovery',
    ],
    minify: true,
    // Errors of the ORM and of revisions show class and function names.
    keepNames: true,
    metafile: true,
    logLevel: 'warning',
  })
  const [output] = Object.values(result.metafile.outputs)
  return { file, bytes: output?.bytes ?? 0, metafile: result.metafile }
}
