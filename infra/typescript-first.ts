import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Plugin } from 'esbuild'

/**
 * Resolves `./names.js` to `names.ts` where that exists, as tsc and editors do: the JavaScript beside it is what tsc made
 * of it, maybe long ago.
 */
export const TYPESCRIPT_FIRST: Plugin = {
  name: 'typescript-first',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\.{1,2}\/.*\.m?js$/ }, ({ path: name, kind, importer, resolveDir }) => {
      const source = name.replace(/js$/, 'ts')
      const isInstalled = /[\\/]node_modules[\\/]/.test(resolveDir)
      if (isInstalled || !existsSync(path.resolve(resolveDir, source))) return undefined
      return resolve(source, { kind, importer, resolveDir })
    })
  },
}
