import { randomUUID } from 'node:crypto'
import { adminAnswer } from './admin-routes.ts'
import { CallLog, type CallRecorder } from './calls.ts'
import { FaultRules, type Faults } from './faults/faults.ts'
import { HttpFront } from './http-front.ts'
import { startPostgres } from './postgres/postgres-server.ts'
import { RunningAurora } from './running-aurora.ts'
import { ServiceError } from './service-error.ts'
import type { ServiceRoutes } from './service-routes.ts'

export type { Call, CallRecorder, Operation } from './calls.ts'
export type { ArmedFault, FaultKind, FaultRule, Faults } from './faults/faults.ts'

export interface LocalAuroraLimits {
  /** Longest statement. Default: 45,000. */
  readonly statementTimeoutMs: number
  /** Longest pause between two calls of a transaction. Default: 180,000. */
  readonly transactionIdleMs: number
  /** Longest transaction. Default: 86,400,000. */
  readonly transactionTotalMs: number
  /** Largest result. Default: 1,048,576. */
  readonly resultBytes: number
  /** Largest request with its headers. Default: 4,194,304. */
  readonly requestBytes: number
  /** Longest SQL text. Default: 65,536. */
  readonly sqlCharacters: number
}

export interface LocalAuroraOptions {
  /** Folder for data, password and log. Default: `.aurora` in the current folder. */
  readonly directory?: string
  /** Superuser URL of a server to use instead of the embedded one. */
  readonly postgresUrl?: string
  /** Port of the HTTP server. Default: 0 = any free one. */
  readonly port?: number
  readonly limits?: Partial<LocalAuroraLimits>
  /** Added to every Data API answer. Default: 0. */
  readonly latencyMs?: number
  /** False: no fsync and the like, for tests. Default: true. */
  readonly durability?: boolean
}

export interface LocalAurora extends AsyncDisposable {
  readonly endpoint: string
  readonly clusterArn: string
  readonly secretArn: string
  readonly region: string
  /** What an SDK client or the Lambda needs as environment variables. */
  environment(database: string): Record<string, string>
  /** Superuser URL of the database `postgres`, for looking at the outcome. */
  readonly postgresUrl: string
  readonly calls: CallRecorder
  readonly faults: Faults
  /** Makes an empty database owned by the secret's user; an existing one is an error. */
  createDatabase(name: string): Promise<void>
  /** Creates a secret or gives it a new version; answers its ARN. */
  putSecret(name: string, value: Record<string, unknown> | string): string
  /** Ends open transactions, the HTTP server and the PostgreSQL it started. */
  stop(): Promise<void>
}

const defaultLimits: LocalAuroraLimits = {
  statementTimeoutMs: 45_000,
  transactionIdleMs: 180_000,
  transactionTotalMs: 86_400_000,
  resultBytes: 1_048_576,
  requestBytes: 4_194_304,
  sqlCharacters: 65_536,
}

/**
 * Starts local Aurora: the RDS Data API and Secrets Manager over HTTP on 127.0.0.1, in front of a
 * real PostgreSQL, refusing what AWS refuses.
 *
 * @example
 * ```ts
 * import { startLocalAurora } from '../infra/local/local-aurora.ts'
 *
 * await using aurora = await startLocalAurora()
 * await aurora.createDatabase('shop')
 * Object.assign(process.env, aurora.environment('shop'))
 * ```
 */
export async function startLocalAurora(options: LocalAuroraOptions = {}): Promise<LocalAurora> {
  const limits = { ...defaultLimits, ...options.limits }
  const identity = randomUUID()
  const calls = new CallLog()
  const faults = new FaultRules()
  let services: ServiceRoutes | undefined
  const front = new HttpFront(async (http) => {
    if (http.path.startsWith('/_local/')) return adminAnswer({ calls, faults, identity }, http)
    if (services === undefined) throw new ServiceError('ServiceUnavailableError', 503)
    return services.answer(http)
  }, limits.requestBytes)
  const endpoint = `http://127.0.0.1:${await front.listen(options.port ?? 0)}`
  const postgres = await startPostgres(options, { pid: process.pid, endpoint, identity }).catch(
    async (error: unknown) => {
      await front.close()
      throw error
    },
  )
  const latencyMs = options.latencyMs ?? 0
  const aurora = new RunningAurora({ endpoint, front, postgres, calls, faults, limits, latencyMs })
  try {
    await aurora.prepare()
  } catch (error) {
    await aurora.stop()
    throw error
  }
  services = aurora.services
  return aurora
}
