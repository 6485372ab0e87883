import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as v from 'valibot'
import { CommandError } from './errors.ts'

/**
 * What a run takes from the database secret. The user and the password stay in it: the Data API reads them itself,
 * by the secret's ARN.
 */
export interface DatabaseSecret {
  readonly database: string | undefined
  readonly clusterIdentifier: string | undefined
  /** Which version of the secret was read. */
  readonly versionId: string | undefined
}

const text = v.pipe(v.string(), v.nonEmpty())

/** Both shapes AWS makes: attached to a cluster (all keys) and managed by RDS (user and password only). */
const SecretShape = v.object({
  username: text,
  password: text,
  engine: v.optional(text),
  dbname: v.optional(text),
  dbClusterIdentifier: v.optional(text),
})

const cache = new Map<string, Promise<DatabaseSecret>>()

/**
 * Pulls the secret from Secrets Manager and checks its shape; kept for the life of the container.
 *
 * No value of it is logged, answered or put into an error, only the names of keys. Throws a {@link CommandError} that
 * names the secret's ARN and the fix.
 */
export function readDatabaseSecret(arn: string): Promise<DatabaseSecret> {
  let secret = cache.get(arn)
  if (secret === undefined) {
    secret = fetchSecret(arn)
    cache.set(arn, secret)
    secret.catch(() => cache.delete(arn))
  }
  return secret
}

async function fetchSecret(arn: string): Promise<DatabaseSecret> {
  const client = new SecretsManagerClient()
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: arn }))
    return { ...parseSecret(arn, answer.SecretString), versionId: answer.VersionId }
  } catch (error) {
    if (error instanceof CommandError) throw error
    const { name } = error as Error
    const fix = fixFor(error as Error)
    throw new CommandError('Secret', `cannot read the secret ${arn} (${name}): ${fix}`, {
      cause: error,
    })
  } finally {
    client.destroy()
  }
}

function fixFor({ name, message }: Error): string {
  // About the environment, and so without any of its values.
  if (name === 'CredentialsProviderError') return message
  if (name === 'ResourceNotFoundException') return 'check SECRET_ARN and its region'
  if (name === 'AccessDeniedException') {
    return 'allow secretsmanager:GetSecretValue on it, and kms:Decrypt if it has a key of its own'
  }
  return 'see the cause in the log'
}

function parseSecret(arn: string, body: string | undefined): Omit<DatabaseSecret, 'versionId'> {
  const parsed = v.safeParse(SecretShape, parseJson(body))
  if (!parsed.success) {
    // Only the key's name: an issue's message quotes what it found.
    const key = parsed.issues[0].path?.map((item) => String(item.key)).join('.')
    const what = key ? `has no usable '${key}'` : 'is not a JSON object'
    throw new CommandError(
      'Secret',
      `the secret ${arn} ${what}: it must be JSON with the texts username and password, as RDS makes it`,
    )
  }
  const { engine, dbname, dbClusterIdentifier } = parsed.output
  if (engine !== undefined && !engine.includes('postgres')) {
    throw new CommandError(
      'Secret',
      `the secret ${arn} is for the engine '${engine}': only Aurora PostgreSQL is supported (postgres, aurora-postgresql)`,
    )
  }
  return { database: dbname, clusterIdentifier: dbClusterIdentifier }
}

function parseJson(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '')
  } catch {
    return undefined
  }
}
