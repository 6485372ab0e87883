import { Command } from 'commander'
import { manifest } from '../own-package.ts'
import { addBuildCommand } from './build-options.ts'
import { addFileCommands } from './file-options.ts'
import { addLocalCommand } from './local-options.ts'
import { oneLine } from './output.ts'
import { addReadCommands } from './read-options.ts'
import { addRunCommands } from './run-options.ts'

const HELP = `
A target is Alembic's: an id or the beginning of one, head, heads, base, +2, -1, label@head, id+1.

Exit codes: 0 done; 1 failed; 2 wrong command, configuration or revision files, and nothing was run;
3 stopped between two revisions, run it again; 4 outcome unknown, run it again and it finds out.

Examples:
  aurora-migrations init
  aurora-migrations revision -m 'create account table'
  aurora-migrations upgrade
  aurora-migrations current -v --function shop-migrations
  aurora-migrations downgrade -1 --yes
  aurora-migrations upgrade ae1027a6acf0:heads --sql > upgrade.sql`

/** The command line: `aurora-migrations COMMAND …`. */
export function program(): Command {
  const cli = new Command('aurora-migrations')
    .description('Alembic for Aurora PostgreSQL: migrations through the RDS Data API.')
    .version(manifest().version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${oneLine(beside(text))}\n`) })
    .addHelpText('after', HELP)
  addRunCommands(cli)
  addReadCommands(cli)
  addFileCommands(cli)
  addBuildCommand(cli)
  addLocalCommand(cli)
  return cli
}

/** The suggestion for a misspelt word, which is on a line of its own, beside the error. */
function beside(text: string): string {
  return text.replace(/\n(?=\(Did you mean )/, ' ')
}
