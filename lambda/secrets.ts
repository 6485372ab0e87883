import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as v from 'valibot'
import { type CallOutcome, StatementError } from './data-api/errors.ts'
import { type RetryPolicy, retryCall, untilDeadline } from './data-api/retry.ts'
import { CommandError } from './errors.ts'
import { asError } from './thrown.ts'

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
export function readDatabaseSecret(arn: string, policy: RetryPolicy = {}): Promise<DatabaseSecret> {
  return cache.get(arn) ?? pullDatabaseSecret(arn, policy)
}

/** As {@link readDatabaseSecret}, whatever was read before: the secret may have been rotated since. */
export function pullDatabaseSecret(arn: string, policy: RetryPolicy): Promise<DatabaseSecret> {
  const secret = fetchSecret(arn, policy)
  cache.set(arn, secret)
  secret.catch(() => cache.delete(arn))
  return secret
}

/** How long Secrets Manager may take for one answer. */
const PATIENCE_MS = 10_000

async function fetchSecret(arn: string, policy: RetryPolicy): Promise<DatabaseSecret> {
  // Retried here, as long and with the same log lines as a read of the database.
  const client = new SecretsManagerClient({
    maxAttempts: 1,
    requestHandler: { requestTimeout: PATIENCE_MS, throwOnRequestTimeout: true },
  })
  const send = () => client.send(new GetSecretValueCommand({ SecretId: arn }))
  const call = () =>
    untilDeadline(CALL, send, policy.deadline).catch((error: unknown) => {
      throw callError(error)
    })
  try {
    const answer = await retryCall(call, policy, { harmless: true })
    return { ...parseSecret(arn, answer.SecretString), versionId: answer.VersionId }
  } catch (error) {
    throw error instanceof StatementError ? unreadable(arn, error) : error
  } finally {
    client.destroy()
  }
}

const CALL = 'GetSecretValue'

function callError(error: unknown): StatementError {
  if (error instanceof StatementError) return error
  const { name, message } = asError(error)
  return new StatementError(CALL, { exception: name, outcome: outcomeOf(error), message }, error)
}

/** Throttled, refused for good, or an error of the service or the network, which may pass. */
function outcomeOf(error: unknown): CallOutcome {
  const { name } = asError(error)
  if (/Throttling|TooManyRequests|RequestLimit/.test(name)) return 'not-run'
  const { $fault, code } = Object(error) as { readonly $fault?: unknown; readonly code?: unknown }
  // Neither an answer nor a broken socket: the SDK has sent nothing, as without a region.
  const isUnsent = $fault === undefined && code === undefined && name !== 'TimeoutError'
  return $fault === 'client' || isUnsent ? 'refused' : 'unknown'
}

function unreadable(arn: string, { exception, message, cause }: StatementError): CommandError {
  const fix = fixFor({ exception, message })
  return new CommandError('Secret', `cannot read the secret ${arn} (${exception}): ${fix}`, {
    cause,
  })
}

function fixFor({
  exception: name,
  message,
}: Pick<StatementError, 'exception' | 'message'>): string {
  // About the environment, and so without any of its values.
  if (name === 'CredentialsProviderError') return message
  if (name === 'ResourceNotFoundException') return 'check SECRET_ARN and its region'
  if (name === 'AccessDeniedException') {
    return 'allow secretsmanager:GetSecretValue on it, and kms:Decrypt if it has a key of its own'
  }
  return `${message || 'no message'}: run it again when the service answers`
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
