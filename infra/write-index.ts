import path from 'node:path'
import { Command } from 'commander'
import { writeIndex } from './revision-index.ts'

const program = new Command('index')
  .description('Writes the list of revisions, index.ts, from the files of a folder.')
  .option('--migrations <folder>', 'folder of the revision files', 'migrations')
  .parse()

const { migrations } = program.opts<{ migrations: string }>()
try {
  const changed = await writeIndex(migrations)
  console.log(`${path.join(migrations, 'index.ts')} ${changed ? 'written' : 'was up to date'}`)
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
