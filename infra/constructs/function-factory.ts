import { Duration } from 'aws-cdk-lib'
import type * as lambda from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { DatabaseAccess } from './database-access.ts'
import { MigrationsFunction, type SharedFunctionProps } from './migrations-function.ts'

/** Lambda's longest. */
export const LONGEST_RUN = Duration.minutes(15)
/** The 10 minutes of one life of a deployment, and time to start and to answer. */
export const DEPLOYMENT_LIFE = Duration.minutes(12)

export interface FactoryProps extends SharedFunctionProps {
  readonly database: DatabaseAccess
  readonly versionTable: string
  readonly versionTableSchema: string
  readonly metricsName: string
  /** Further variables, see {@link RunSettings}. */
  readonly settings: Readonly<Record<string, string>>
}

/** Makes the functions of one construct, of one asset. */
export class FunctionFactory {
  readonly #scope: Construct
  readonly #props: FactoryProps

  constructor(scope: Construct, props: FactoryProps) {
    this.#scope = scope
    this.#props = props
  }

  /** A function that runs revisions. */
  running(id: string, handler: string, use: string, timeout: Duration): lambda.Function {
    const { database, versionTable, versionTableSchema, metricsName, settings } = this.#props
    const environment = {
      ...database.environment,
      VERSION_TABLE: versionTable,
      VERSION_TABLE_SCHEMA: versionTableSchema,
      METRICS_NAME: metricsName,
      ...settings,
    }
    const runs = this.#make(id, { handler, use, timeout, environment })
    database.grant(runs)
    return runs
  }

  /** A function that only checks requests, so it may touch nothing. */
  checking(id: string, handler: string, use: string): lambda.Function {
    return this.#make(id, { handler, use, timeout: Duration.minutes(1), environment: {} })
  }

  #make(
    id: string,
    {
      use,
      ...props
    }: {
      readonly handler: string
      readonly use: string
      readonly timeout: Duration
      readonly environment: Record<string, string>
    },
  ): lambda.Function {
    const { code, memorySize, logRetention, database } = this.#props
    return new MigrationsFunction(this.#scope, id, {
      ...{ code, memorySize, logRetention },
      ...props,
      description: `aurora-migrations ${use}, database ${database.database}`,
    })
  }
}
