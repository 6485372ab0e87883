import { type Command, InvalidArgumentError, Option } from 'commander'
import { TRANSACTION_MODES, type TransactionMode } from '../../lambda/config.ts'
import { attempt, type Scope } from './attempt.ts'
import { mayDowngrade } from './downgrade-question.ts'
import { DEFAULT_TIMEOUT, type PlaceOptions, text, withPlace } from './place-options.ts'
import { run } from './run-commands.ts'

interface RunOptions extends PlaceOptions {
  readonly transaction?: TransactionMode
  readonly json?: boolean
  readonly sql?: boolean
  readonly verbose?: boolean
}

/** `upgrade`, `downgrade` and `stamp`. */
export function addRunCommands(cli: Command): void {
  addUpgrade(cli)
  addDowngrade(cli)
  addStamp(cli)
}

function addUpgrade(cli: Command): void {
  interface Options extends RunOptions {
    readonly strict?: boolean
    readonly fromScratch?: boolean
  }
  const command = cli
    .command('upgrade')
    .description('Applies every revision up to the target that is not applied yet.')
    .argument('[target]', 'revision, or FROM:TO with --sql', text, 'heads')
    .option('--sql', 'print a script for psql instead of running anything')
    .option('--strict', 'refuse to run when the file of an applied revision was edited')
    .option('--from-scratch', 'begin in a database that has tables and no version table')
    .addOption(transactionOption())
    .addOption(timeoutOption())
    .option('--json', 'print the report as JSON')
    .option('-v, --verbose', 'show the stack of an error, with the files of the project')
    .addHelpText(
      'after',
      examples(
        'upgrade',
        'upgrade +1',
        'upgrade networking@head',
        'upgrade base:heads --sql > all.sql',
      ),
    )
  withPlace(command).action((target: string, { json = false, ...options }: Options) =>
    attempt({ ...options, json }, ({ place, output }) => {
      const { sql = false, strict, fromScratch, transaction, verbose } = options
      const how = { sql, strict, fromScratch, transaction, verbose }
      const event = { command: 'upgrade', target, ...how } as const
      return run(place, event, output, { json })
    }),
  )
}

function addDowngrade(cli: Command): void {
  const command = cli
    .command('downgrade')
    .description('Takes back every revision above the target.')
    .argument('<target>', 'revision, base, -1, …, or FROM:TO with --sql', text)
    .option('--sql', 'print a script for psql instead of running anything')
    .option('-y, --yes', 'do not ask; needed where there is no terminal')
    .addOption(transactionOption())
    .addOption(timeoutOption())
    .option('--json', 'print the report as JSON')
    .option('-v, --verbose', 'show the stack of an error, with the files of the project')
    .addHelpText(
      'after',
      examples('downgrade -1', 'downgrade base --yes', 'downgrade ae1027a6acf0:base --sql'),
    )
  withPlace(command).action((target: string, options: RunOptions & { readonly yes?: boolean }) =>
    attempt(options, async ({ place, output }: Scope) => {
      const { sql = false, yes, json = false, transaction, verbose } = options
      if (!sql && !yes && !(await mayDowngrade(place, target, output))) return 0
      const event = { command: 'downgrade', target, sql, transaction, verbose } as const
      return await run(place, event, output, { json })
    }),
  )
}

function transactionOption(): Option {
  const meaning = 'revision: each is a transaction; run: all are one, all or nothing'
  return new Option('--transaction <mode>', meaning).choices(TRANSACTION_MODES)
}

const LONGEST_TIMEOUT = 30 * 24 * 3_600

function timeoutOption(): Option {
  const meaning = 'how long one revision may work on this machine; it is then rolled back'
  return new Option('--timeout <seconds>', meaning)
    .argParser((value) => {
      const seconds = Number(value)
      if (seconds >= 1 && seconds <= LONGEST_TIMEOUT) return seconds
      throw new InvalidArgumentError(`It must be a number of seconds from 1 to ${LONGEST_TIMEOUT}.`)
    })
    .default(DEFAULT_TIMEOUT)
    .conflicts('function')
}

function addStamp(cli: Command): void {
  const command = cli
    .command('stamp')
    .description('Sets the version rows without running any revision.')
    .argument('<targets...>', 'revisions, heads or base; or FROM:TO with --sql')
    .option('--purge', 'forget the rows there are, whether they are known or not')
    .option('--sql', 'print a script for psql instead of running anything')
    .option('--json', 'print the report as JSON')
    .option('-v, --verbose', 'show the stack of an error, with the files of the project')
    .addHelpText('after', examples('stamp heads', 'stamp --purge ae1027a6acf0'))
  withPlace(command).action(
    (target: string[], options: RunOptions & { readonly purge?: boolean }) =>
      attempt(options, ({ place, output }) => {
        const { sql = false, purge, json = false, verbose } = options
        return run(place, { command: 'stamp', target, purge, sql, verbose }, output, { json })
      }),
  )
}

/** The end of a help text. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  aurora-migrations ${line}`).join('\n')}`
}
