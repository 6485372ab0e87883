import { type Command, InvalidArgumentError, Option } from 'commander'
import { CommandError } from '../../lambda/errors.ts'
import { FunctionPlace } from './function-place.ts'
import { startLocalDatabase } from './local-database.ts'
import type { Output } from './output.ts'
import type { Place } from './place.ts'
import { type Database, ProcessPlace } from './process-place.ts'

/** Where a command runs, as it was typed. */
export interface PlaceOptions {
  readonly migrations: string
  readonly directory: string
  readonly function?: string
  readonly clusterArn?: string
  readonly secretArn?: string
  readonly database?: string
  /** Seconds, see {@link DEFAULT_TIMEOUT}. */
  readonly timeout?: number
  readonly versionTable?: string
  readonly versionTableSchema?: string
  readonly trustedOwners?: string
}

/** Seconds that one revision may work on this machine: as long as a Lambda lives. */
export const DEFAULT_TIMEOUT = 900

/** The database of local Aurora that `npm start` uses as well. */
const LOCAL_DATABASE = 'demo'

/** Adds the option for the folder of the revision files. */
export function withFolder(command: Command): Command {
  return command.option('--migrations <folder>', 'folder of the revision files', text, 'migrations')
}

/** Adds the options that say where a command runs. */
export function withPlace(command: Command): Command {
  const remote = ['function', 'clusterArn', 'secretArn']
  const placed = withFolder(command)
    .optionsGroup('Where it runs:')
    .addOption(
      new Option('--local', 'on local Aurora, on this machine (default)').conflicts(remote),
    )
    .addOption(
      new Option('--function <name>', 'in this Lambda function, by its name or ARN')
        .argParser(text)
        .conflicts([
          ...['clusterArn', 'secretArn', 'database'],
          ...['versionTable', 'versionTableSchema', 'trustedOwners'],
        ]),
    )
    .option(
      '--cluster-arn <arn>',
      'on this cluster, through the Data API and with your own credentials',
      clusterArn,
    )
    .option('--secret-arn <arn>', 'secret of the database user of that cluster', secretArn)
    .option(
      '--database <name>',
      `database (default: ${LOCAL_DATABASE}, or the one in the secret)`,
      text,
    )
  return withDirectory(placed)
    .option('--version-table <name>', 'name of the version table (default: alembic_version)', text)
    .option('--version-table-schema <name>', 'schema of the version table (default: public)', text)
    .option(
      '--trusted-owners <roles>',
      'more roles, with commas, that may own what stands beside it',
      text,
    )
}

/** Adds the option for the data of local Aurora. */
export function withDirectory(command: Command): Command {
  return command.option('--directory <folder>', 'data of local Aurora', text, '.aurora')
}

/** A value that is not empty. */
export function text(value: string): string {
  if (value.trim() === '') throw new InvalidArgumentError('It must not be empty.')
  return value.trim()
}

function clusterArn(value: string): string {
  if (/^arn:[^:]+:rds:[^:]+:\d{12}:cluster:[^:]+$/.test(value)) return value
  throw new InvalidArgumentError('It must be arn:aws:rds:<region>:<account>:cluster:<name>.')
}

function secretArn(value: string): string {
  if (/^arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:.+$/.test(value)) return value
  throw new InvalidArgumentError(
    'It must be arn:aws:secretsmanager:<region>:<account>:secret:<name>.',
  )
}

/** The place that the options name. */
export function placeOf(options: PlaceOptions, output: Output): Place {
  if (options.function !== undefined) return new FunctionPlace(options.function, output)
  const { migrations, versionTable, versionTableSchema, trustedOwners } = options
  const timeoutMs = 1000 * (options.timeout ?? DEFAULT_TIMEOUT)
  const settings = {
    ...(versionTable !== undefined && { VERSION_TABLE: versionTable }),
    ...(versionTableSchema !== undefined && { VERSION_TABLE_SCHEMA: versionTableSchema }),
    ...(trustedOwners !== undefined && { TRUSTED_OWNERS: trustedOwners }),
  }
  if (options.secretArn !== undefined || options.clusterArn !== undefined) {
    const { name, database } = clusterOf(options)
    const connect = async () => database
    return new ProcessPlace({ name, migrations, output, settings, timeoutMs, connect })
  }
  const { database = LOCAL_DATABASE, directory } = options
  return new ProcessPlace({
    name: `database ${database} of local Aurora`,
    migrations,
    output,
    settings,
    timeoutMs,
    connect: () =>
      startLocalDatabase({
        database,
        directory,
        made: () => output.note(`database ${database} is new in ${directory}`),
      }),
  })
}

function clusterOf(options: PlaceOptions): { readonly name: string; readonly database: Database } {
  const { clusterArn, secretArn, database = '' } = options
  if (secretArn === undefined) {
    throw new CommandError(
      'SecretNeeded',
      '--cluster-arn needs --secret-arn: the ARN of the Secrets Manager secret that holds the database user',
    )
  }
  const [region, account] = placeInArn(secretArn)
  if (clusterArn !== undefined && `${placeInArn(clusterArn)}` !== `${[region, account]}`) {
    throw new CommandError(
      'ElsewhereSecret',
      `--cluster-arn is in ${placeInArn(clusterArn).join(' of account ')} and --secret-arn in ${region} of account ${account}: the Data API reads the secrets of its own region and account`,
    )
  }
  const environment = {
    CLUSTER_ARN: clusterArn ?? '',
    SECRET_ARN: secretArn,
    DATABASE: database,
    // Whatever the shell says: the cluster is nowhere else.
    AWS_REGION: region,
  }
  const cluster = clusterArn?.split(':').at(-1) ?? `of secret ${secretArn.split(':').at(-1)}`
  return {
    name: `${database && `database ${database} of `}cluster ${cluster}`,
    database: { environment, [Symbol.asyncDispose]: async () => {} },
  }
}

/** Region and account of an ARN. */
function placeInArn(arn: string): [region: string, account: string] {
  const [, , , region = '', account = ''] = arn.split(':')
  return [region, account]
}
