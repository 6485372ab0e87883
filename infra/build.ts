import { Command } from 'commander'
import { bundle } from './bundle.ts'

const program = new Command('build')
  .description('Bundles the revisions of a folder and the handlers into one file for Lambda.')
  .option('--migrations <folder>', 'folder of the revision files', 'migrations')
  .option('--out <folder>', 'folder to write index.mjs to; it is emptied first', 'dist/lambda')
  .parse()

const options = program.opts<{ migrations: string; out: string }>()
try {
  const { file, bytes } = await bundle(options)
  console.log(`${file}  ${Math.round(bytes / 1024)} KiB`)
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
