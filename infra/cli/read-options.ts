import path from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { attempt } from './attempt.ts'
import { type PlaceOptions, text, withPlace } from './place-options.ts'
import {
  branches,
  check,
  current,
  ensureVersion,
  heads,
  history,
  type Reading,
  runs,
  show,
} from './read-commands.ts'
import { examples } from './run-options.ts'

interface ReadOptions extends PlaceOptions {
  readonly json?: boolean
  readonly verbose?: boolean
}

const RUNS = 20
const MOST_RUNS = 1000

/** The commands that only read, and `ensure-version`. */
export function addReadCommands(cli: Command): void {
  verbose(reading(cli, 'current', 'Shows the revisions that the database is at.'))
    .option('-c, --check-heads', 'fail unless all head revisions are applied')
    .addHelpText('after', examples('current', 'current -v --check-heads'))
    .action((options: ReadOptions & { readonly checkHeads?: boolean }) =>
      answer(options, (scope) => current(scope, options)),
    )
  addHistory(cli)
  verbose(reading(cli, 'heads', 'Shows the head revisions.'))
    .option('--resolve-dependencies', 'leave out heads that another revision depends on')
    .addHelpText('after', examples('heads', 'heads -v'))
    .action((options: ReadOptions & { readonly resolveDependencies?: boolean }) =>
      answer(options, (scope) => heads(scope, options)),
    )
  verbose(reading(cli, 'branches', 'Shows the revisions that several others follow.'))
    .addHelpText('after', examples('branches', 'branches -v'))
    .action((options: ReadOptions) => answer(options, branches))
  reading(cli, 'show', 'Shows revisions in full.')
    .argument('<target>', 'revision, head, heads or current', text)
    .addHelpText('after', examples('show head', 'show current'))
    .action((target: string, options: ReadOptions) =>
      answer(options, (scope) => show(scope, target)),
    )
  addChecks(cli)
}

function addHistory(cli: Command): void {
  interface Options extends ReadOptions {
    readonly revRange: string
    readonly indicateCurrent?: boolean
    readonly runs?: boolean
    readonly limit: number
  }
  verbose(
    reading(cli, 'history', 'Lists the revisions, newest first; or what was run on the database.'),
  )
    .option('-r, --rev-range <range>', '[FROM]:[TO]; either may be current', text, ':')
    .option('-i, --indicate-current', 'mark the revisions the database is at')
    .option('--runs', 'list what was run, with outcome, time and who asked; failures too')
    .option('-n, --limit <count>', `how many of --runs, at most ${MOST_RUNS}`, count, RUNS)
    .addHelpText('after', examples('history', 'history -r -3:current -i', 'history --runs -n 5'))
    .action((options: Options) => {
      const { revRange: range, indicateCurrent = false, limit } = options
      return answer(options, (scope) =>
        options.runs ? runs(scope, limit) : history(scope, { range, indicateCurrent }),
      )
    })
}

function addChecks(cli: Command): void {
  reading(cli, 'check', 'Tells whether an upgrade to the heads could run; runs nothing.')
    .option('--strict', 'an edited revision is a problem, not a warning')
    .addHelpText('after', examples('check', 'check --strict --function shop-migrations'))
    .action((options: ReadOptions & { readonly strict?: boolean }) =>
      answer(options, (scope) => check(scope, options)),
    )
  reading(cli, 'ensure-version', 'Creates the version table and the history table if missing.')
    .alias('ensure_version')
    .option('--sql', 'print a script for psql instead of running anything')
    .addHelpText('after', examples('ensure-version'))
    .action((options: ReadOptions & { readonly sql?: boolean }) =>
      answer(options, (scope) => ensureVersion(scope, options)),
    )
}

function reading(cli: Command, name: string, description: string): Command {
  const command = cli.command(name).description(description)
  return withPlace(command.option('--json', 'print the answer as JSON')).optionsGroup('Options:')
}

function verbose(command: Command): Command {
  return command.option('-v, --verbose', 'show revisions in full')
}

function count(value: string): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= 1 && number <= MOST_RUNS) return number
  throw new InvalidArgumentError(`It must be a number from 1 to ${MOST_RUNS}.`)
}

function answer(options: ReadOptions, work: (reading: Reading) => Promise<number>): Promise<void> {
  const { migrations, json = false, verbose = false } = options
  const folder = options.function === undefined ? path.normalize(migrations) : '.'
  return attempt(options, (scope) => work({ ...scope, folder, json, verbose }))
}
