import { optionalString, requiredArn, type WireRequest } from '../request-checks.ts'
import type { DatabaseLogin, SecretStore } from '../secrets.ts'
import { databaseError, ServiceError, validationError } from '../service-error.ts'
import type { CallEffects } from './call-effects.ts'
import type { ConnectionPool } from './connection-pool.ts'
import type { ConnectionPools } from './connection-pools.ts'

const longestDatabase = 64

/** Who may call, and which connections a call gets: the resource, the secret, the database. */
export class Cluster {
  readonly arn: string
  readonly #secrets: SecretStore
  readonly #pools: ConnectionPools

  constructor(arn: string, secrets: SecretStore, pools: ConnectionPools) {
    this.arn = arn
    this.#secrets = secrets
    this.#pools = pools
  }

  /** Checks the two ARNs that every call names, and answers the login of the secret. */
  authorise(request: WireRequest): DatabaseLogin {
    const resourceArn = requiredArn(request, 'resourceArn')
    const secretArn = requiredArn(request, 'secretArn')
    if (resourceArn !== this.arn) throw unknownCluster(resourceArn)
    return this.#secrets.login(secretArn)
  }

  connect(
    request: WireRequest,
    effects: CallEffects,
  ): { readonly pool: ConnectionPool; readonly database: string } {
    const login = this.authorise(request)
    if (effects.rejectPassword === true) {
      throw databaseError(
        `FATAL: password authentication failed for user "${login.username}"; SQLState: 28P01`,
      )
    }
    const database = databaseOf(request) ?? login.dbname ?? 'postgres'
    return { pool: this.#pools.for(login, database), database }
  }
}

/** The `database` member of a request. */
export function databaseOf(request: WireRequest): string | undefined {
  const database = optionalString(request, 'database', longestDatabase)
  if (database?.includes('\0')) throw validationError('The database contains a NUL character')
  return database === '' ? undefined : database
}

function unknownCluster(resourceArn: string): ServiceError {
  // The service compares case by case, and blames the endpoint setting for every other ARN.
  const name = resourceArn.split(':').at(-1) ?? resourceArn
  return new ServiceError(
    'HttpEndpointNotEnabledException',
    400,
    `HttpEndpoint isn't enabled for cluster ${name}`,
  )
}
