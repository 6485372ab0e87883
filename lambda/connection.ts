import type { Config } from './config.ts'
import type { DataApi } from './data-api/data-api.ts'
import { type DataApiTarget, keptClient, RdsDataApi } from './data-api/rds-data-api.ts'
import type { RetryPolicy } from './data-api/retry.ts'
import { CommandError } from './errors.ts'
import { type DatabaseSecret, pullDatabaseSecret, readDatabaseSecret } from './secrets.ts'

/** The Data API of the configured database, and the check of its secret, which may still be under way. */
export interface Connection {
  readonly api: DataApi
  readonly secretChecked: Promise<unknown>
  /** The secret in words, with the version that was read last. */
  readonly secret: () => string
  /** Reads the secret again, once: its password was refused, and a warm function may know an old version. */
  pullAgain(): void
}

/**
 * Connects without waiting when cluster and database are configured: the secret is then pulled beside the first call.
 * Otherwise they are taken from the secret first.
 */
export async function connect(config: Config, policy: RetryPolicy): Promise<Connection> {
  const { secretArn, clusterArn, database } = config
  const secret = readDatabaseSecret(secretArn, policy)
  let version = ''
  const note = ({ versionId }: DatabaseSecret) => {
    version = versionId === undefined ? '' : ` (version ${versionId})`
  }
  secret.then(note, () => 'secretChecked rejects')
  let isPulledAgain = false
  const pullAgain = () => {
    if (isPulledAgain) return
    isPulledAgain = true
    pullDatabaseSecret(secretArn, policy).then(note, () => 'the password is refused all the same')
  }
  const words = () => `the secret ${secretArn}${version}`
  const described = { secretChecked: secret, secret: words, pullAgain }
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
