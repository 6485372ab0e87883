import { type Command, InvalidArgumentError } from 'commander'
import { inFolder, several } from './file-options.ts'
import { type LocalServerOptions, serveLocalAurora } from './local-server.ts'
import { text, withDirectory } from './place-options.ts'
import { examples } from './run-options.ts'

/** `local`. */
export function addLocalCommand(cli: Command): void {
  const command = cli
    .command('local')
    .description(
      'Starts local Aurora: the RDS Data API and Secrets Manager on 127.0.0.1, in front of a real\nPostgreSQL. Prints what a client needs as environment variables, and runs until Ctrl-C.',
    )
    .option('--database <name>', 'make this database if it is missing; repeatable', several, [])
    .option('--port <number>', 'port of the HTTP server (default: any free one)', port)
    .option(
      '--postgres-url <url>',
      'use this server (superuser URL) instead of the embedded one',
      text,
    )
    .addHelpText('after', examples('local --database demo'))
  withDirectory(command).action((options: LocalServerOptions) =>
    inFolder({}, ({ output }) => serveLocalAurora(output, options)),
  )
}

function port(value: string): number {
  if (/^\d+$/.test(value) && Number(value) <= 65_535) return Number(value)
  throw new InvalidArgumentError('It must be a number from 0 to 65535.')
}
