import { realpathSync } from 'node:fs'
import { moduleOfFile, textOfFile } from './imported-files.ts'

/** What Vite and Vitest take as a plugin; the package needs neither of them. */
export interface ImportPlugin {
  readonly name: string
  readonly enforce: 'pre'
  configResolved(config: { readonly root: string }): void
  load(id: string): Promise<string | undefined>
}

/**
 * Lets tests import revisions that import `.sql`, `.csv` and `.txt` files, which Node cannot load. The modules are those
 * of the bundle, but that a `.sql` file is named from the root of the project.
 *
 * @example
 * ```ts
 * import { auroraMigrations } from 'aurora-migrations/vitest'
 * import { defineConfig } from 'vitest/config'
 *
 * export default defineConfig({ plugins: [auroraMigrations()] })
 * ```
 */
export function auroraMigrations(): ImportPlugin {
  let root = process.cwd()
  return {
    name: 'aurora-migrations',
    // Before Vite's own, for which a text is an asset with an address.
    enforce: 'pre',
    configResolved: (config) => {
      root = realpathSync(config.root)
    },
    // Names with a query, as in './logo.txt?url', are for others. JSON is Vite's.
    load: async (id) => {
      if (!/\.(?:sql|csv|txt)$/.test(id) || id.includes('/node_modules/')) return undefined
      return moduleOfFile(id, await textOfFile(id), root)
    },
  }
}
