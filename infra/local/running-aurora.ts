import { escapeIdentifier } from 'pg'
import type { CallLog } from './calls.ts'
import { BackendControl } from './data-api/backend-control.ts'
import { Cluster } from './data-api/cluster.ts'
import { ConnectionPools } from './data-api/connection-pools.ts'
import { DataApi } from './data-api/data-api.ts'
import { TransactionTable } from './data-api/transactions.ts'
import type { FaultRules } from './faults/faults.ts'
import type { HttpFront } from './http-front.ts'
import type { LocalAurora, LocalAuroraLimits } from './local-aurora.ts'
import { migratorRole, prepareMigratorRole } from './postgres/migrator-role.ts'
import type { PostgresServer } from './postgres/postgres-server.ts'
import { SecretStore } from './secrets.ts'
import { ServiceRoutes } from './service-routes.ts'

export interface AuroraParts {
  readonly endpoint: string
  readonly front: HttpFront
  readonly postgres: PostgresServer
  readonly calls: CallLog
  readonly faults: FaultRules
  readonly limits: LocalAuroraLimits
  readonly latencyMs: number
}

const account = '123456789012'
const clusterName = 'local-aurora'
const secretName = 'local-aurora/migrator'

/** A local Aurora that has been started; wires its parts together. */
export class RunningAurora implements LocalAurora {
  readonly endpoint: string
  readonly region = 'us-east-1'
  readonly clusterArn = `arn:aws:rds:${this.region}:${account}:cluster:${clusterName}`
  readonly postgresUrl: string
  readonly calls: CallLog
  readonly faults: FaultRules
  readonly services: ServiceRoutes
  readonly #parts: AuroraParts
  readonly #secrets = new SecretStore(this.region, account)
  readonly #pools: ConnectionPools
  readonly #backends: BackendControl
  readonly #transactions: TransactionTable
  #secretArn = ''
  #stopped: Promise<void> | undefined

  constructor(parts: AuroraParts) {
    const { postgres, limits, calls, faults } = parts
    this.#parts = parts
    this.endpoint = parts.endpoint
    this.postgresUrl = postgres.url
    this.calls = calls
    this.faults = faults
    this.#pools = new ConnectionPools(postgres.url)
    this.#backends = new BackendControl(postgres.url)
    this.#transactions = new TransactionTable(limits, this.#backends)
    const shared = { transactions: this.#transactions, backends: this.#backends }
    const cluster = new Cluster(this.clusterArn, this.#secrets, this.#pools)
    const dataApi = new DataApi({ ...shared, cluster, limits })
    const { latencyMs } = parts
    const secrets = this.#secrets
    this.services = new ServiceRoutes({ ...shared, dataApi, secrets, calls, faults, latencyMs })
  }

  /** Makes the role and the secret that everything needs. */
  async prepare(): Promise<void> {
    const password = await prepareMigratorRole(this.postgresUrl)
    this.#secretArn = this.putSecret(secretName, {
      username: migratorRole,
      password,
      engine: 'postgres',
      host: this.#pools.host,
      port: this.#pools.port,
      dbClusterIdentifier: clusterName,
    })
  }

  get secretArn(): string {
    return this.#secretArn
  }

  environment(database: string): Record<string, string> {
    return {
      AWS_REGION: this.region,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_RDS_DATA: this.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: this.endpoint,
      CLUSTER_ARN: this.clusterArn,
      SECRET_ARN: this.secretArn,
      DATABASE: database,
    }
  }

  async createDatabase(name: string): Promise<void> {
    const owner = escapeIdentifier(migratorRole)
    await this.#backends.query(`create database ${escapeIdentifier(name)} owner ${owner}`)
  }

  putSecret(name: string, value: Record<string, unknown> | string): string {
    return this.#secrets.put(name, value)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    await this.#parts.front.close()
    await this.#transactions.endAll()
    await this.#pools.end()
    await this.#backends.end()
    await this.#parts.postgres.stop()
  }
}
