import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { bundle } from '../../infra/bundle.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** As `infra/bundle.ts` bundles: all that are compared are built alike. */
export const BUNDLE_OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  mainFields: ['module', 'main'],
  conditions: ['module', 'aurora-migrations-source'],
  minify: true,
  keepNames: true,
  logLevel: 'error',
} as const satisfies BuildOptions

/** What CommonJS parts of a bundle expect to be there. */
export const COMMON_JS = {
  js: `import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const { dirname: __dirname, filename: __filename } = import.meta`,
}

/** The real bundle of revision files, which are inside this package while it is built; answers its file. */
export async function bundleOf(files: Record<string, string>, out: string): Promise<string> {
  const migrations = await mkdtemp(path.join(ROOT, '.aurora-test-bench-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      await writeFile(path.join(migrations, name), text)
    }
    return (await bundle({ migrations, out })).file
  } finally {
    await rm(migrations, { recursive: true, force: true })
  }
}

/** The bundle of the two SDK clients alone, see `sdk-clients.ts`. */
export async function clientsBundle(work: string): Promise<string> {
  const outfile = path.join(work, 'clients.mjs')
  const entryPoints = [path.join(import.meta.dirname, 'sdk-clients.ts')]
  await build({ ...BUNDLE_OPTIONS, entryPoints, outfile })
  return outfile
}
