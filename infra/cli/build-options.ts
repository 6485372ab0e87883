import type { Command } from 'commander'
import { bundle } from '../bundle.ts'
import { inFolder } from './file-options.ts'
import { refuse } from './loaded-bundle.ts'
import { type PlaceOptions, text, withFolder } from './place-options.ts'
import { readGraph } from './revision-graph.ts'
import { examples } from './run-options.ts'

/** `build`. */
export function addBuildCommand(cli: Command): void {
  const build = cli
    .command('build')
    .description('Bundles the revisions of a folder and the handlers into one file for Lambda.')
    .option('--out <folder>', 'folder of its own to write index.mjs to', text, 'dist/lambda')
    .addHelpText('after', examples('build', 'build --migrations db/migrations --out dist/shop'))
  withFolder(build).action(({ out, ...folder }: Folder & { readonly out: string }) =>
    inFolder(folder, async ({ place, output, migrations }) => {
      // Before anything is written: a revision or a graph that is wrong must not be deployed.
      await readGraph(place)
      const { file, bytes } = await bundle({ migrations, out }).catch(refuse)
      output.print(`${file}  ${Math.round(bytes / 1024)} KiB`)
    }),
  )
}

type Folder = Pick<PlaceOptions, 'migrations'>
