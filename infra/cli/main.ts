#!/usr/bin/env node
import { runCli } from './run-cli.ts'

// `… | head` closes the pipe: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

await runCli(process.argv.slice(2))
