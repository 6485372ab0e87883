import type { Command } from 'commander'
import { attempt } from './attempt.ts'
import { EXIT } from './exit-code.ts'
import {
  editRevision,
  type Folder,
  init,
  listTemplates,
  writeMerge,
  writeRevision,
} from './file-commands.ts'
import { type PlaceOptions, text, withFolder, withPlace } from './place-options.ts'
import { examples } from './run-options.ts'

/** The commands that write or open files. */
export function addFileCommands(cli: Command): void {
  addRevision(cli)
  addMerge(cli)
  const edit = cli
    .command('edit')
    .description('Opens the files of revisions in $EDITOR.')
    .argument('<target>', 'revision, head, heads or current', text)
    .addHelpText('after', examples('edit head'))
  withPlace(edit).action((target: string, options: PlaceOptions) =>
    inFolder(options, (folder) => editRevision(folder, target)),
  )
  cli
    .command('init')
    .description('Makes a folder for revision files.')
    .argument('[folder]', 'the new folder', text, 'migrations')
    .option('-t, --template <name>', 'what new revisions are made from', text, 'generic')
    .addHelpText('after', examples('init', 'init --template sql db/migrations'))
    .action((directory: string, { template }: { readonly template: string }) =>
      inFolder({ migrations: directory }, ({ output }) => init(output, directory, template)),
    )
  cli
    .command('list-templates')
    .alias('list_templates')
    .description('Lists the templates for init.')
    .addHelpText('after', examples('list-templates'))
    .action(() => inFolder({}, async ({ output }) => listTemplates(output)))
}

interface RevisionOptions extends Pick<PlaceOptions, 'migrations'> {
  readonly splice?: boolean
  readonly branchLabel: readonly string[]
  readonly revId?: string
}

function addRevision(cli: Command): void {
  interface Options extends RevisionOptions {
    readonly message: string
    readonly head: string
    readonly dependsOn: readonly string[]
    readonly sql?: boolean
  }
  const command = cli
    .command('revision')
    .description('Writes a new revision file.')
    .requiredOption('-m, --message <text>', 'what it does, in one line', text)
    .option('--head <target>', 'what it follows: head, a revision, label@head, base', text, 'head')
    .option('--depends-on <target>', 'what must be applied before it; repeatable', several, [])
    .option('--sql', 'with its SQL in two files beside it, .up.sql and .down.sql')
    .addHelpText(
      'after',
      examples(
        "revision -m 'create account table'",
        "revision -m 'create cart' --head base --branch-label cart",
        "revision -m 'fill prices' --sql",
      ),
    )
  withRevision(command).action(({ message, head, dependsOn, sql, ...options }: Options) =>
    inFolder(options, (folder) =>
      writeRevision(folder, {
        ...named(options),
        message,
        heads: [head],
        dependsOn,
        ...(sql && { sql }),
      }),
    ),
  )
}

function addMerge(cli: Command): void {
  const command = cli
    .command('merge')
    .description('Writes a revision that joins several others.')
    .argument('[targets...]', 'what it joins', ['heads'])
    .option('-m, --message <text>', 'what it does (default: merge A and B)', text)
    .addHelpText('after', examples('merge heads', "merge ae10 27c6 -m 'join the branches'"))
  withRevision(command).action(
    (targets: string[], options: RevisionOptions & { readonly message?: string }) =>
      inFolder(options, (folder) => {
        const { message } = options
        return writeMerge(folder, targets, { ...named(options), ...(message && { message }) })
      }),
  )
}

function withRevision(command: Command): Command {
  return withFolder(command)
    .option('--splice', 'let it follow a revision that is no head')
    .option('--branch-label <label>', 'name of the branch it begins; repeatable', several, [])
    .option('--rev-id <id>', 'its id (default: 12 random digits)', text)
}

function named({ splice, branchLabel, revId }: RevisionOptions) {
  return {
    ...(splice && { splice }),
    branchLabels: branchLabel,
    ...(revId !== undefined && { revId }),
  }
}

export function several(value: string, values: readonly string[]): string[] {
  return [...values, text(value)]
}

/** Carries out a command that needs a folder at most, see {@link attempt}. */
export function inFolder(
  options: Partial<PlaceOptions>,
  work: (folder: Folder) => Promise<void>,
): Promise<void> {
  const { migrations = 'migrations', directory = '.aurora', ...rest } = options
  return attempt({ ...rest, migrations, directory }, async (scope) => {
    await work({ ...scope, migrations })
    return EXIT.ok
  })
}
