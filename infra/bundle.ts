import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { build, type Metafile, type OutputFile, type Plugin } from 'esbuild'
import { FROM_SOURCE, PACKAGE } from './own-package.ts'
import { revisionChecksums } from './revision-checksums.ts'
import { checkIndex } from './revision-index.ts'

export interface BundleOptions {
  /** Folder of the revision files and their `index.ts`. */
  readonly migrations: string
  /** Folder to write the modules to; whatever else is in it is removed. */
  readonly out: string
  /** For the CLI: `index.mjs` alone, with a source map, so that errors name lines of revision files. Default: false. */
  readonly forCli?: boolean
}

export interface Bundle {
  /** The file that Lambdas load; it exports the handlers `invoke`, `onEvent` and `isComplete`, and the `revisions`. */
  readonly file: string
  readonly bytes: number
  /** What the function of a pipeline loads instead: it exports `codepipeline`, and holds one more SDK client. */
  readonly pipelineFile: string
  /** What went into it, see esbuild. */
  readonly metafile: Metafile
}

/** Each module of the bundle, by its file name: what it takes from the package and what it exports. */
const MODULES: Record<string, string> = {
  index: `import { createCustomResource, createInvoke } from 'aurora-migrations/handlers'
export const invoke = createInvoke(revisions)
export const { onEvent, isComplete } = createCustomResource(revisions)
export { revisions }`,
  codepipeline: `import { createCodePipeline } from 'aurora-migrations/handlers'
export const codepipeline = createCodePipeline(revisions)`,
}

/** Bundles the revisions of a folder with the handlers into ES modules. */
export async function bundle({ migrations, out, forCli = false }: BundleOptions): Promise<Bundle> {
  await checkIndex(migrations)
  const checksums = revisionChecksums(migrations)
  // Code that cannot be bundled is refused below, in words that name the file.
  const known = await checksums.catch(() => new Map<string, string>())
  const file = path.join(out, 'index.mjs')
  const { metafile, outputFiles } = await build({
    entryPoints: (forCli ? ['index'] : Object.keys(MODULES)).map((name) => ({
      in: `module:${name}`,
      out: name,
    })),
    plugins: [modules(path.resolve(migrations), known), ...(forCli ? [] : [LAMBDA_CREDENTIALS])],
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    // Lambda has Node 24; the CLI and the synthesis load the bundle in the developer's own.
    target: 'node22',
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
    sourcemap: forCli && 'inline',
    sourcesContent: false,
    // Errors of the ORM and of revisions show class and function names.
    keepNames: true,
    metafile: true,
    write: false,
    // The CLI says it in one line of its own.
    logLevel: forCli ? 'silent' : 'warning',
  })
  await checksums
  await replaceFiles(out, outputFiles)
  const [, output] =
    Object.entries(metafile.outputs).find(([name]) => name.endsWith('index.mjs')) ?? []
  const pipelineFile = path.join(out, 'codepipeline.mjs')
  return { file, bytes: output?.bytes ?? 0, pipelineFile, metafile }
}

/** Makes these the only files of a folder, each at once: another build of it, or a process that loads it, may be at work. */
async function replaceFiles(folder: string, files: readonly OutputFile[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  const names = files.map((file) => path.basename(file.path))
  const aside = await mkdtemp(`${path.resolve(folder)}-`)
  try {
    for (const [i, name] of names.entries()) {
      await writeFile(path.join(aside, name), files[i]?.contents ?? '')
      await rename(path.join(aside, name), path.join(folder, name))
    }
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  const others = (await readdir(folder)).filter((name) => !names.includes(name))
  for (const name of others) await rm(path.join(folder, name), { recursive: true, force: true })
}

/** A Lambda has its credentials in its environment; whoever runs the CLI may have them anywhere. */
const LAMBDA_CREDENTIALS: Plugin = {
  name: 'lambda-credentials',
  setup({ onResolve }) {
    const file = `../lambda/environment-credentials.${FROM_SOURCE ? 'ts' : 'js'}`
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, () => ({
      path: path.resolve(import.meta.dirname, file),
    }))
  },
}

/** Marks what is being resolved from the package already. */
const OWN = Symbol('own')

/** Makes the texts of {@link MODULES} files that esbuild can begin with. */
function modules(migrations: string, checksums: ReadonlyMap<string, string>): Plugin {
  const index = JSON.stringify(path.join(migrations, 'index.ts'))
  return {
    name: 'modules',
    setup({ onResolve, onLoad, resolve }) {
      // Handlers and revisions share one copy, this one, wherever the folder of the revisions is.
      onResolve({ filter: /^aurora-migrations(?:\/|$)/ }, ({ path: name, kind, pluginData }) =>
        pluginData === OWN
          ? undefined
          : resolve(name, { kind, resolveDir: PACKAGE, pluginData: OWN }),
      )
      onResolve({ filter: /^module:/ }, ({ path: name }) => ({ path: name, namespace: 'module' }))
      onLoad({ filter: /./, namespace: 'module' }, ({ path: name }) => ({
        contents: `import { revisions as files } from ${index}
const checksums = ${JSON.stringify(Object.fromEntries(checksums))}
const revisions = files.map((revision) => ({ ...revision, checksum: checksums[revision.file] }))
${MODULES[name.replace('module:', '')]}`,
        resolveDir: PACKAGE,
        loader: 'ts',
      }))
    },
  }
}
