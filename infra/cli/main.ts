#!/usr/bin/env node
import { checkNodeVersion } from '../node-version.ts'
import { EXIT } from './exit-code.ts'

// `… | head` closes the pipe: that is no error of ours, and no end of a run.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

try {
  checkNodeVersion()
} catch (error) {
  console.error(`error: ${(error as Error).message}`)
  process.exit(EXIT.usage)
}
// Only now: an old Node would not get through what this imports.
const { runCli } = await import('./run-cli.ts')
/** Timers and connections that the code of a revision has left behind must not keep the process. */
const LEFT_BEHIND_MS = 3_000
// Not awaited: Node would add a warning to the report of a command that waits for what never comes.
void runCli(process.argv.slice(2)).then(() =>
  setTimeout(() => process.exit(), LEFT_BEHIND_MS).unref(),
)
