import type { Config } from './config.ts'
import type { DataApi } from './data-api/data-api.ts'
import { type DataApiTarget, keptClient, RdsDataApi } from './data-api/rds-data-api.ts'
import { CommandError } from './errors.ts'
import { type DatabaseSecret, readDatabaseSecret } from './secrets.ts'

/** The Data API of the configured database, and the check of its secret, which may still be under way. */
export interface Connection {
  readonly api: DataApi
  readonly secretChecked: Promise<unknown>
  /** The secret in words, with the version that was read. */
  readonly secret: () => string
}

/**
 * Connects without waiting when cluster and database are configured: the secret is then pulled beside the first call.
 * Otherwise they are taken from the secret first.
 */
export async function connect(config: Config): Promise<Connection> {
  const { secretArn, clusterArn, database } = config
  const secret = readDatabaseSecret(secretArn)
  let version = ''
  secret.then(
    ({ versionId }) => {
      version = versionId === undefined ? '' : ` (version ${versionId})`
    },
    () => 'told by secretChecked',
  )
  const described = { secretChecked: secret, secret: () => `the secret ${secretArn}${version}` }
  if (clusterArn !== undefined && database !== undefined) {
    return { api: apiOf({ clusterArn, secretArn, database }), ...described }
  }
  const found = await secret
  const target = {
    secretArn,
    clusterArn: clusterArn ?? clusterOf(secretArn, found),
    database: database ?? databaseOf(secretArn, found),
  }
  return { api: apiOf(target), ...described }
}

function apiOf(target: DataApiTarget): DataApi {
  return new RdsDataApi(target, keptClient())
}

function clusterOf(secretArn: string, { clusterIdentifier }: DatabaseSecret): string {
  const [, partition, , region, account] = secretArn.split(':')
  if (clusterIdentifier !== undefined && account !== undefined) {
    return `arn:${partition}:rds:${region}:${account}:cluster:${clusterIdentifier}`
  }
  throw new CommandError(
    'Config',
    `which cluster is meant is unknown: set the environment variable CLUSTER_ARN, or use a secret with dbClusterIdentifier (${secretArn} has none)`,
  )
}

function databaseOf(secretArn: string, { database }: DatabaseSecret): string {
  if (database !== undefined) return database
  throw new CommandError(
    'Config',
    `which database is meant is unknown: set the environment variable DATABASE, or use a secret with dbname (${secretArn} has none)`,
  )
}
