import { createHash } from 'node:crypto'
import { Logger } from '@aws-lambda-powertools/logger'
import type { CommandContext } from '../commands.ts'
import { readConfig } from '../config.ts'
import { type Connection, connect } from '../connection.ts'
import type { CallOptions } from '../data-api/calls.ts'
import type { RetryPolicy } from '../data-api/retry.ts'
import type { RunIdentity } from '../ledger/history.ts'
import { VersionTable } from '../ledger/version-table.ts'
import type { Revision } from '../revisions/revision.ts'
import { RevisionMap } from '../revisions/revision-map.ts'
import { checkRevision } from '../revisions/revision-shape.ts'
import type { RunLog } from '../run/runner-context.ts'
import { WaitLog } from '../run/wait-log.ts'
import { deadlineOf } from './deadline.ts'

/** The revisions of a bundle: as a graph, and each by its id. */
export type Bundled = Pick<CommandContext, 'map' | 'revision' | 'checksums'>

/** Throws a `CommandError` when one of them is no revision, or they are no sound graph. */
export function bundled(revisions: readonly Revision[]): Bundled {
  for (const revision of revisions) checkRevision(revision)
  const map = new RevisionMap(revisions)
  const byId = new Map(revisions.map((revision) => [revision.revision, revision]))
  const checksums = Object.fromEntries(
    revisions.flatMap(({ revision, checksum = '' }) => (checksum ? [[revision, checksum]] : [])),
  )
  return { map, revision: (id) => byId.get(map.entry(id).id) as Revision, checksums }
}

/** What an event may say of who asked for what run. */
interface Asked {
  readonly command?: string
  readonly who?: string | undefined
  readonly runId?: string | undefined
}

/** Who asked, as far as anybody knows, and for what bundle. */
export function runIdentity(
  { checksums = {} }: Bundled,
  { who, runId }: Asked = {},
): Omit<RunIdentity, 'runId' | 'source'> & { readonly runId?: string } {
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(checksums)))
  return {
    who: who ?? process.env.AWS_LAMBDA_FUNCTION_NAME ?? process.env.USER ?? 'unknown',
    ...(runId !== undefined && { runId }),
    ...(Object.keys(checksums).length > 0 && { bundleHash: hash.digest('hex') }),
  }
}

/** One event's run: who asked for it, and when it must have answered. */
export interface RunRequest {
  readonly runId: string
  /** The way of use, for the history. */
  readonly source: string
  /** Milliseconds until it must have answered. */
  readonly remainingMs: number
  /** Told of every Data API call. */
  readonly observe?: CallOptions['observe']
}

/** Reads the configuration from the environment and connects. Throws a `CommandError` that names what is missing. */
export async function commandContext(
  bundle: Bundled,
  log: RunLog,
  { runId, source, remainingMs, observe }: RunRequest,
): Promise<CommandContext> {
  const config = readConfig(process.env)
  const deadline = deadlineOf(remainingMs)
  const waits = new WaitLog(log)
  let connection: Connection | undefined
  const onWait: RetryPolicy['onWait'] = (error, waitMs) => {
    if (error.code === '28P01') connection?.pullAgain()
    waits.tell(`waiting ${waitMs} ms: ${error.message}`)
  }
  const { lockTimeoutMs: lockMs, statementTimeoutMs: statementMs, lockWaitMs } = config
  const { transaction, batching } = config
  connection = await connect(config, { deadline, onWait })
  const { api, secretChecked, secret } = connection
  return {
    ...{ api, secretChecked },
    timeouts: { lockMs, statementMs },
    transaction,
    batching,
    ...(lockWaitMs !== undefined && { lockWaitMs }),
    table: new VersionTable({
      schema: config.versionTableSchema,
      name: config.versionTable,
      trustedOwners: config.trustedOwners,
    }),
    run: { ...runIdentity(bundle), runId, source },
    log,
    deadline,
    sessionOptions: { retry: { deadline, onWait, secret }, ...(observe && { observe }) },
    ...bundle,
  }
}

/** Structured JSON lines, as CloudWatch Logs Insights reads them. */
export function jsonLog(): RunLog & {
  error(message: string, attributes?: Record<string, unknown>): void
} {
  const logger = new Logger({ serviceName: 'aurora-migrations' })
  return {
    info: (message, attributes = {}) => logger.info(message, attributes),
    warn: (message, attributes = {}) => logger.warn(message, attributes),
    error: (message, attributes = {}) => logger.error(message, attributes),
  }
}
