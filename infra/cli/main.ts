#!/usr/bin/env node
import { checkNodeVersion } from '../node-version.ts'
import { EXIT } from './exit-code.ts'

// `… | head` closes the pipe: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

try {
  checkNodeVersion()
} catch (error) {
  console.error(`error: ${(error as Error).message}`)
  process.exit(EXIT.usage)
}
// Only now: an old Node would not get through what this imports.
const { runCli } = await import('./run-cli.ts')
await runCli(process.argv.slice(2))
