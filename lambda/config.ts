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
  /** `TRUSTED_OWNERS`: more roles, with commas between them, whose objects beside the version table are used. Default: none. */
  readonly trustedOwners: readonly string[]
  /** `LOCK_TIMEOUT`: seconds that a statement of a revision may wait for a lock; 0: any time. Default: 5. */
  readonly lockTimeoutMs: number
  /** `STATEMENT_TIMEOUT`: seconds that it may take at all; 0, the default: any time. Autocommit blocks know neither. */
  readonly statementTimeoutMs: number
  /** `LOCK_WAIT`: seconds to wait for another run; 0: not at all. Default: the time left. */
  readonly lockWaitMs: number | undefined
  /** `TRANSACTION`: `revision`, the default, or `run`: all revisions of a run in one transaction. */
  readonly transaction: TransactionMode
  /** `BATCHING`: `on`, the default, or `off`: each statement is a call of its own. */
  readonly batching: boolean
}

/** Whether each revision of a run is a transaction, or all together are one. */
export type TransactionMode = (typeof TRANSACTION_MODES)[number]

export const TRANSACTION_MODES = ['revision', 'run'] as const

/** The environment variables that {@link readConfig} reads. */
export const CONFIG_VARIABLES = [
  'CLUSTER_ARN',
  'SECRET_ARN',
  'DATABASE',
  'VERSION_TABLE',
  'VERSION_TABLE_SCHEMA',
  'TRUSTED_OWNERS',
  'LOCK_TIMEOUT',
  'STATEMENT_TIMEOUT',
  'LOCK_WAIT',
  'TRANSACTION',
  'BATCHING',
] as const

type ConfigVariable = (typeof CONFIG_VARIABLES)[number]

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the configuration; throws a {@link CommandError} that names the variable and what it must hold. */
export function readConfig(environment: Environment): Config {
  const value = variableOf(environment)
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
    ...readVersionTable(environment),
    lockTimeoutMs: milliseconds('LOCK_TIMEOUT', value('LOCK_TIMEOUT')) ?? 5_000,
    statementTimeoutMs: milliseconds('STATEMENT_TIMEOUT', value('STATEMENT_TIMEOUT')) ?? 0,
    lockWaitMs: milliseconds('LOCK_WAIT', value('LOCK_WAIT')),
    transaction: oneOf('TRANSACTION', value('TRANSACTION') ?? 'revision', TRANSACTION_MODES),
    batching: oneOf('BATCHING', value('BATCHING') ?? 'on', ['on', 'off']) === 'on',
  }
}

/** PostgreSQL takes its time-outs as 32-bit milliseconds. */
const MOST_SECONDS = 2_147_483

function milliseconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = Number(text)
  if (seconds >= 0 && seconds <= MOST_SECONDS) return Math.round(seconds * 1000)
  throw new CommandError(
    'Config',
    `the environment variable ${name} is '${text}': it must be a number of seconds from 0 to ${MOST_SECONDS}, such as 5`,
  )
}

function roles(name: string, text: string | undefined): readonly string[] {
  const found = text?.split(',').map((role) => role.trim()) ?? []
  if (found.every((role) => role !== '')) return found
  throw new CommandError(
    'Config',
    `the environment variable ${name} is '${text}': it must be names of roles with a comma between two, such as app_owner,dba`,
  )
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text)
  if (found !== undefined) return found
  throw new CommandError(
    'Config',
    `the environment variable ${name} is '${text}': it must be ${allowed.join(' or ')}`,
  )
}

/** The part of the configuration that is needed without a database, too. */
export function readVersionTable(
  environment: Environment,
): Pick<Config, 'versionTable' | 'versionTableSchema' | 'trustedOwners'> {
  const value = variableOf(environment)
  return {
    versionTable: value('VERSION_TABLE') ?? 'alembic_version',
    versionTableSchema: value('VERSION_TABLE_SCHEMA') ?? 'public',
    trustedOwners: roles('TRUSTED_OWNERS', value('TRUSTED_OWNERS')),
  }
}

function variableOf(environment: Environment): (name: ConfigVariable) => string | undefined {
  return (name) => environment[name]?.trim() || undefined
}

function checkedArn(name: string, arn: string | undefined): string | undefined {
  if (arn === undefined || /^arn:[^:]+:rds:[^:]+:\d{12}:cluster:[^:]+$/.test(arn)) return arn
  throw new CommandError(
    'Config',
    `the environment variable ${name} is '${arn}': it must be a cluster's ARN, arn:aws:rds:<region>:<account>:cluster:<name>`,
  )
}
