import path from 'node:path'
import type { OnLoadResult, OnResolveResult, Plugin, PluginBuild, ResolveResult } from 'esbuild'
import { IMPORTED_FILE, moduleOfFile, textOfFile } from './imported-files.ts'

/** Lets the files of a project import `.sql`, `.csv`, `.txt` and `.json` files; `folder` is that of the revisions. */
export function importedFiles(folder: string): Plugin {
  return {
    name: 'imported-files',
    setup(build) {
      onImport(build, ({ errors }, name) => (errors.length > 0 ? missing(name) : undefined))
      build.onLoad({ filter: IMPORTED_FILE }, ({ path: file }) =>
        isInstalled(file) ? undefined : loaded(file, folder),
      )
    },
  }
}

/** Marks what is being resolved already. */
const ASKED = Symbol('asked')

/** Decides on each import of such a file, by what it resolves to; `undefined` lets it be as it is. */
export function onImport(
  { onResolve, resolve }: PluginBuild,
  decide: (found: ResolveResult, name: string) => OnResolveResult | undefined,
): void {
  onResolve({ filter: IMPORTED_FILE }, async ({ path: name, pluginData, ...from }) => {
    if (pluginData === ASKED) return undefined
    const { kind, importer, resolveDir, with: attributes } = from
    const options = { kind, importer, resolveDir, with: attributes, pluginData: ASKED }
    return decide(await resolve(name, options), name)
  })
}

/** What packages import of their own is none of ours. */
export function isInstalled(file: string): boolean {
  return /[\\/]node_modules[\\/]/.test(file)
}

function missing(name: string): OnResolveResult {
  return { errors: [{ text: `there is no file ${name}: restore it, or remove the import` }] }
}

async function loaded(file: string, folder: string): Promise<OnLoadResult> {
  try {
    const text = await textOfFile(file)
    if (path.extname(file) === '.json') return { contents: text, loader: 'json' }
    const contents = moduleOfFile(file, text, folder)
    return { contents, loader: 'js', resolveDir: path.dirname(file) }
  } catch (error) {
    return { errors: [{ text: (error as Error).message }] }
  }
}
