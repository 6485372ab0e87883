import path from 'node:path'
import type { Plugin } from 'esbuild'
import { FROM_SOURCE, PACKAGE } from './own-package.ts'

/** Each module of the bundle, by its file name: what it takes from the package and what it exports. */
export const MODULES: Readonly<Record<string, string>> = {
  index: `import { createCustomResource, createInvoke } from 'aurora-migrations/handlers'
import { revisions } from 'module:revisions'
export const invoke = createInvoke(revisions)
export const { onEvent, isComplete } = createCustomResource(revisions)
export { revisions }`,
  codepipeline: `import { createCodePipeline } from 'aurora-migrations/handlers'
import { revisions } from 'module:revisions'
export const codepipeline = createCodePipeline(revisions)`,
}

/**
 * The text of the module that lists the revisions of a folder: static imports, because a Lambda has no folder to search,
 * and what a revision does not know of itself.
 */
export function revisionsModule(
  folder: string,
  files: readonly string[],
  checksums: ReadonlyMap<string, string>,
): string {
  const imports = files.map((file, i) => {
    return `import revision${i} from ${JSON.stringify(path.resolve(folder, file))}`
  })
  const entries = files.map((file, i) => {
    const more = JSON.stringify({ file, checksum: checksums.get(file) })
    return `{ ...revision${i}, ...${more} },`
  })
  return [...imports, 'export const revisions = [', ...entries, ']'].join('\n')
}

/** Marks what is being resolved from the package already. */
const OWN = Symbol('own')

/** Makes {@link MODULES} and the list of the revisions modules that esbuild can begin with and import. */
export function bundleModules(revisions: string): Plugin {
  const texts: Readonly<Record<string, string>> = { ...MODULES, revisions }
  return {
    name: 'bundle-modules',
    setup({ onResolve, onLoad, resolve }) {
      // Handlers and revisions share one copy, this one, wherever the folder of the revisions is.
      onResolve({ filter: /^aurora-migrations(?:\/|$)/ }, ({ path: name, kind, pluginData }) =>
        pluginData === OWN
          ? undefined
          : resolve(name, { kind, resolveDir: PACKAGE, pluginData: OWN }),
      )
      onResolve({ filter: /^module:/ }, ({ path: name }) => ({ path: name, namespace: 'module' }))
      onLoad({ filter: /./, namespace: 'module' }, ({ path: name }) => ({
        contents: texts[name.replace('module:', '')] ?? '',
        resolveDir: PACKAGE,
        loader: 'ts',
      }))
    },
  }
}

/** A Lambda has its credentials in its environment; whoever runs the CLI may have them anywhere. */
export const LAMBDA_CREDENTIALS: Plugin = {
  name: 'lambda-credentials',
  setup({ onResolve }) {
    const file = `../lambda/environment-credentials.${FROM_SOURCE ? 'ts' : 'js'}`
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, () => ({
      path: path.resolve(import.meta.dirname, file),
    }))
  },
}
