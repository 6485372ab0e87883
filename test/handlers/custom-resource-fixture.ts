import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { type BundledHandlers, bundledHandlers, type RevisionText } from '../bundled-revisions.ts'
import {
  CloudFormationStandIn,
  type StandInOptions,
  type Template,
} from '../cloudformation-stand-in.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'

// Bundles are built in the tests that need them, and a test that goes on after its time disturbs the next ones.
vi.setConfig({ testTimeout: 120_000 })

export const LOG_GROUP = 'Shop-MigrationsIsCompleteLogGroup1A2B3C4D-abcdefghijkl'

/** One database, one stack and everything that was written, anew for each test of a file. */
export interface Deployment {
  readonly aurora: LocalAurora
  readonly database: string
  readonly stack: CloudFormationStandIn
  /** What went to the standard output: logs and metrics. */
  readonly output: string[]
  /** A template with this bundle; its revisions' ids stand for their hash. */
  template(revisions: readonly RevisionText[]): Promise<Template>
  /** The environment of the functions. */
  environment(changes?: Readonly<Record<string, string>>): void
  rows(): Promise<string[]>
  /** Runs a statement as superuser. */
  sql(statement: string): Promise<Record<string, unknown>[]>
}

const bundles = new Map<string, Promise<BundledHandlers>>()

/** Bundles are built once for a file. */
export function handlersOf(revisions: readonly RevisionText[]): Promise<BundledHandlers> {
  const key = JSON.stringify(revisions)
  const built = bundles.get(key) ?? bundledHandlers(revisions)
  bundles.set(key, built)
  return built
}

export function useDeployment(options: StandInOptions = {}): Deployment {
  let aurora: LocalAurora
  let database = ''
  let stack: CloudFormationStandIn
  const output: string[] = []
  beforeAll(async () => {
    aurora = await testAurora()
  })
  afterAll(() => aurora.stop())
  const environment = (changes: Readonly<Record<string, string>> = {}) => {
    const variables = {
      ...aurora.environment(database),
      ...{ AWS_LAMBDA_LOG_GROUP_NAME: LOG_GROUP, METRICS_NAME: 'ShopMigrations' },
      ...changes,
    }
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  }
  beforeEach(async () => {
    database = await newDatabase(aurora)
    output.length = 0
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((chunk) => output.push(String(chunk)) > 0)
    }
    stack = await CloudFormationStandIn.start(options)
    environment()
  })
  afterEach(async () => {
    await stack[Symbol.asyncDispose]()
    aurora.faults.clear()
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })
  const sql = async (statement: string) => {
    const client = await connect(aurora, database)
    return (await client.query(statement)).rows as Record<string, unknown>[]
  }
  return {
    get aurora() {
      return aurora
    },
    get database() {
      return database
    },
    get stack() {
      return stack
    },
    output,
    environment,
    sql,
    template: async (revisions) => ({
      handlers: await handlersOf(revisions),
      properties: {
        ServiceToken: 'arn:aws:lambda:us-east-1:123456789012:function:framework-onEvent',
        Target: 'heads',
        Revisions: revisions.map(({ id }) => id).join(','),
        Cluster: aurora.clusterArn,
        Database: database,
        VersionTable: 'public.alembic_version',
      },
    }),
    rows: async () => {
      const rows = await sql('select version_num from alembic_version order by 1')
      return rows.map((row) => String(row.version_num))
    },
  }
}

/** A chain of revisions; `failing` is one that divides by zero. */
export const A: RevisionText = { id: 'a' }
export const B: RevisionText = { id: 'b', down: 'a' }
export const FAILING: RevisionText = { id: 'c', down: 'b', sql: 'select 1/0' }
export const FIXED: RevisionText = { id: 'c', down: 'b' }

/**
 * Three revisions that need three lives of a function of {@link SHORT_LIFE_MS}: the last two take too long when they are
 * tried first, which a sequence remembers over the rollback.
 */
export const THREE_LIVES: readonly RevisionText[] = [
  { id: 'a', sql: 'do $$ begin create sequence tries_b; create sequence tries_c; end $$' },
  { id: 'b', down: 'a', sql: slowAtFirst('b') },
  { id: 'c', down: 'b', sql: slowAtFirst('c') },
]

/** Of these a function keeps 2 s for its answer and 5 s for the last statement and its rollback: it works for 3 s. */
export const SHORT_LIFE_MS = 10_000

/** Longer than a short life. */
export const TOO_LONG = 'do $$ begin perform pg_sleep(4.5); end $$'

function slowAtFirst(id: string): string {
  return `do $$ begin if nextval('tries_${id}') = 1 then perform pg_sleep(4.5); end if; end $$`
}
