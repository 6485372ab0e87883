import { CommandError } from './errors.ts'

/** What a Lambda needs to know, read once from its environment. */
export interface Config {
  /** `CLUSTER_ARN`; without it, it must be found in the secret (`dbClusterIdentifier`). */
  readonly clusterArn: string | undefined
  /** `SECRET_ARN`: the Secrets Manager secret with the database user. */
  readonly secretArn: string
  /** `DATABASE`; without it the secret's `dbname` is used. */
  readonly database: string | undefined
  /** `VERSION_TABLE`, default `alembic_version`. */
  readonly versionTable: string
  /** `VERSION_TABLE_SCHEMA`, default `public`. */
  readonly versionTableSchema: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the configuration; throws a {@link CommandError} that names the variable and what it must hold. */
export function readConfig(environment: Environment): Config {
  const value = (name: string) => {
    const text = environment[name]?.trim()
    return text === '' ? undefined : text
  }
  const secretArn = value('SECRET_ARN')
  if (secretArn === undefined) {
    throw new CommandError(
      'Config',
      'the environment variable SECRET_ARN is missing: set it to the ARN of the Secrets Manager secret that holds the database user',
    )
  }
  return {
    clusterArn: checkedArn('CLUSTER_ARN', value('CLUSTER_ARN')),
    secretArn,
    database: value('DATABASE'),
    versionTable: value('VERSION_TABLE') ?? 'alembic_version',
    versionTableSchema: value('VERSION_TABLE_SCHEMA') ?? 'public',
  }
}

function checkedArn(name: string, arn: string | undefined): string | undefined {
  if (arn === undefined || /^arn:[^:]+:rds:[^:]+:\d{12}:cluster:[^:]+$/.test(arn)) return arn
  throw new CommandError(
    'Config',
    `the environment variable ${name} is '${arn}': it must be a cluster's ARN, arn:aws:rds:<region>:<account>:cluster:<name>`,
  )
}
