import { createHash, randomUUID } from 'node:crypto'
import { ServiceError } from './service-error.ts'

/** What a Data API connection takes from a secret. */
export interface DatabaseLogin {
  readonly username: string
  readonly password: string
  readonly dbname: string | undefined
}

interface SecretVersion {
  readonly id: string
  readonly text: string
  readonly created: number
}

interface Secret {
  readonly name: string
  readonly arn: string
  /** The current version, then the previous one. */
  versions: readonly SecretVersion[]
}

/** The secrets of local Aurora, in memory, served as Secrets Manager does. */
export class SecretStore {
  readonly #arnPrefix: string
  readonly #byName = new Map<string, Secret>()

  constructor(region: string, account: string) {
    this.#arnPrefix = `arn:aws:secretsmanager:${region}:${account}:secret:`
  }

  /** Creates a secret or gives it a new version; answers its ARN. */
  put(name: string, value: Record<string, unknown> | string): string {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const version = { id: randomUUID(), text, created: Date.now() }
    const secret = this.#byName.get(name) ?? this.#create(name)
    secret.versions = [version, ...secret.versions].slice(0, 2)
    return secret.arn
  }

  /** The login a Data API request names by `secretArn`, which may be a name as well. */
  login(secretId: string): DatabaseLogin {
    const current = this.#find(secretId)?.versions[0]
    if (current === undefined) {
      throw new ServiceError(
        'SecretsErrorException',
        400,
        `Secrets Manager can't find the specified secret: ${secretId}`,
      )
    }
    return parseLogin(secretId, current.text)
  }

  /** Answers GetSecretValue. */
  value(request: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const { SecretId: secretId, VersionStage: stage, VersionId: versionId } = request
    if (typeof secretId !== 'string' || secretId === '') {
      throw new ServiceError('InvalidParameterException', 400, 'You must provide a SecretId')
    }
    const secret = this.#find(secretId)
    if (secret === undefined) throw notFound('the specified secret')
    const index = versionIndex(secret, stage, versionId)
    const version = secret.versions[index]
    if (version === undefined) throw notFound('the specified secret value')
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.id,
      SecretString: version.text,
      VersionStages: [index === 0 ? 'AWSCURRENT' : 'AWSPREVIOUS'],
      CreatedDate: version.created / 1000,
    }
  }

  #create(name: string): Secret {
    // The same after every start, unlike the real one: an exported ARN stays good.
    const suffix = createHash('sha256').update(name).digest('hex').slice(0, 6)
    const secret = { name, arn: `${this.#arnPrefix}${name}-${suffix}`, versions: [] }
    this.#byName.set(name, secret)
    return secret
  }

  #find(nameOrArn: string): Secret | undefined {
    return (
      this.#byName.get(nameOrArn) ?? [...this.#byName.values()].find(({ arn }) => arn === nameOrArn)
    )
  }
}

function versionIndex(secret: Secret, stage: unknown, versionId: unknown): number {
  const wanted = stage ?? 'AWSCURRENT'
  const byStage = ['AWSCURRENT', 'AWSPREVIOUS'].indexOf(String(wanted))
  if (versionId === undefined || versionId === null) return byStage
  const byId = secret.versions.findIndex(({ id }) => id === versionId)
  return stage === undefined || stage === null || byStage === byId ? byId : -1
}

function notFound(what: string): ServiceError {
  return new ServiceError('ResourceNotFoundException', 400, `Secrets Manager can't find ${what}.`)
}

function parseLogin(secretId: string, text: string): DatabaseLogin {
  const value = parseObject(text)
  const { username, password, dbname } = value ?? {}
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new ServiceError(
      'InvalidSecretException',
      400,
      `The secret ${secretId} needs the JSON members username and password`,
    )
  }
  return { username, password, dbname: typeof dbname === 'string' ? dbname : undefined }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
