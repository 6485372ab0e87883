import path from 'node:path'
import type { Command } from 'commander'
import { bundle } from '../bundle.ts'
import { writeIndex } from '../revision-index.ts'
import { inFolder } from './file-options.ts'
import { refuse } from './loaded-bundle.ts'
import { type PlaceOptions, text, withFolder } from './place-options.ts'
import { examples } from './run-options.ts'

/** `build` and `index`. */
export function addBundleCommands(cli: Command): void {
  const build = cli
    .command('build')
    .description('Bundles the revisions of a folder and the handlers into one file for Lambda.')
    .option('--out <folder>', 'folder to write index.mjs to; emptied first', text, 'dist/lambda')
    .addHelpText('after', examples('build', 'build --migrations db/migrations --out dist/shop'))
  withFolder(build).action(({ out, ...folder }: Folder & { readonly out: string }) =>
    inFolder(folder, async ({ output, migrations }) => {
      const { file, bytes } = await bundle({ migrations, out }).catch(refuse)
      output.print(`${file}  ${Math.round(bytes / 1024)} KiB`)
    }),
  )
  const index = cli
    .command('index')
    .description('Writes the list of revisions, index.ts, from the files of a folder.')
    .addHelpText('after', examples('index', 'index --migrations db/migrations'))
  withFolder(index).action((folder: Folder) =>
    inFolder(folder, async ({ output, migrations }) => {
      const changed = await writeIndex(migrations)
      const file = path.join(migrations, 'index.ts')
      output.print(`${file} ${changed ? 'written' : 'was up to date'}`)
    }),
  )
}

type Folder = Pick<PlaceOptions, 'migrations'>
