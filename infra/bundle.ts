import { mkdir, mkdtemp, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type BuildOptions, build, type Metafile, type OutputFile } from 'esbuild'
import { CommandError } from '../lambda/errors.ts'
import { refuseBuild } from './build-failure.ts'
import { bundleModules, LAMBDA_CREDENTIALS, MODULES, revisionsModule } from './bundle-modules.ts'
import { importedFiles } from './imported-files-plugin.ts'
import { FROM_SOURCE } from './own-package.ts'
import { projectSourceMap, type SourceMapFile } from './project-source-map.ts'
import { revisionChecksums } from './revision-checksums.ts'
import { refuseUnused, revisionFiles } from './revision-files.ts'
import { TYPESCRIPT_FIRST } from './typescript-first.ts'

export interface BundleOptions {
  /** Folder of the revision files. */
  readonly migrations: string
  /** Folder to write the modules to: new, empty, or with the files of an earlier build alone. */
  readonly out: string
  /** For the CLI: `index.mjs` alone, with its source map in it. Default: false. */
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

/**
 * Bundles the revisions of a folder with the handlers into ES modules.
 *
 * @throws CommandError for revision files that are wrong, and for a folder `out` that holds anything but a bundle
 */
export async function bundle({ migrations, out, forCli = false }: BundleOptions): Promise<Bundle> {
  const files = await revisionFiles(migrations)
  await refuseForeignFiles(out)
  const checksums = revisionChecksums(migrations, files)
  // Code that cannot be bundled is refused below, in words that name the file.
  const known = await checksums.catch(() => new Map<string, string>())
  const folder = await realpath(migrations)
  const names = forCli ? ['index'] : Object.keys(MODULES)
  const { metafile, outputFiles } = await build({
    ...BUILD,
    entryPoints: names.map((name) => ({ in: `module:${name}`, out: name })),
    plugins: [
      bundleModules(revisionsModule(folder, files, known)),
      importedFiles(folder),
      TYPESCRIPT_FIRST,
      ...(forCli ? [] : [LAMBDA_CREDENTIALS]),
    ],
    outdir: out,
    sourcemap: 'external',
    // The CLI says it in one line of its own.
    logLevel: forCli ? 'silent' : 'warning',
  }).catch(refuseBuild)
  await checksums
  await refuseUnused(migrations, metafile)
  await replaceFiles(out, withProjectMaps(outputFiles, { folder, out, inline: forCli }))
  const [, output] =
    Object.entries(metafile.outputs).find(([name]) => name.endsWith('index.mjs')) ?? []
  const [file, pipelineFile] = [path.join(out, 'index.mjs'), path.join(out, 'codepipeline.mjs')]
  return { file, bytes: output?.bytes ?? 0, pipelineFile, metafile }
}

const BUILD = {
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
  sourcesContent: false,
  // Errors of the ORM and of revisions show class and function names.
  keepNames: true,
  metafile: true,
  write: false,
} satisfies BuildOptions

/** What is written of an output file. */
type Written = Pick<OutputFile, 'path' | 'contents'>

/**
 * The outputs with a source map of the project's own files for each module: beside it, where a run that succeeds never
 * reads it, or `inline`.
 */
function withProjectMaps(
  outputs: readonly OutputFile[],
  {
    folder,
    out,
    inline,
  }: { readonly folder: string; readonly out: string; readonly inline: boolean },
): Written[] {
  const maps = new Map(outputs.map((output) => [output.path, output]))
  const modules = outputs.filter((output) => !output.path.endsWith('.map'))
  return modules.flatMap((module): Written[] => {
    const name = `${module.path}.map`
    const whole = JSON.parse(maps.get(name)?.text ?? '{}') as SourceMapFile
    const map = Buffer.from(JSON.stringify(projectSourceMap(whole, path.resolve(out), folder)))
    if (!inline) return [module, { path: name, contents: map }]
    const comment = `//# sourceMappingURL=data:application/json;base64,${map.toString('base64')}\n`
    return [{ path: module.path, contents: Buffer.from(module.text + comment) }]
  })
}

const BUILT = new Set(Object.keys(MODULES).flatMap((name) => [`${name}.mjs`, `${name}.mjs.map`]))

/** A build removes what an earlier one has written; anything else in the folder is somebody's work. */
async function refuseForeignFiles(out: string): Promise<void> {
  const names = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new CommandError('OutFolder', `cannot write the bundle to '${out}': ${error.message}`, {
      cause: error,
    })
  })
  const [foreign] = names.filter((name) => !BUILT.has(name)).sort()
  if (foreign === undefined) return
  throw new CommandError(
    'OutFolder',
    `${path.join(out, foreign)} is no file of a bundle, and a build replaces whatever is in '${out}': write the bundle to a folder of its own`,
  )
}

/** Makes these the only files of a folder, each at once: another build of it, or a process that loads it, may be at work. */
async function replaceFiles(folder: string, files: readonly Written[]): Promise<void> {
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
