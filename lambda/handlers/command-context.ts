import { Logger } from '@aws-lambda-powertools/logger'
import type { CommandContext } from '../commands.ts'
import { readConfig } from '../config.ts'
import { connect } from '../connection.ts'
import type { Revision } from '../revisions/revision.ts'
import { RevisionMap } from '../revisions/revision-map.ts'
import type { RunLog } from '../runner/runner-context.ts'
import { VersionTable } from '../runner/version-table.ts'

/** The revisions of a bundle: as a graph, and each by its id. */
export type Bundled = Pick<CommandContext, 'map' | 'revision'>

/** Throws a `CommandError` when the revisions are no sound graph. */
export function bundled(revisions: readonly Revision[]): Bundled {
  const map = new RevisionMap(revisions)
  const byId = new Map(revisions.map((revision) => [revision.revision, revision]))
  return { map, revision: (id) => byId.get(map.entry(id).id) as Revision }
}

/** One event's run: who asked for it, and when it must have answered. */
export interface RunRequest {
  readonly runId: string
  /** The way of use, for the history. */
  readonly source: string
  /** Milliseconds the function has left. */
  readonly remainingMs: number
}

/** Time to write the report and to answer. */
const ANSWER_MS = 2_000

/** Reads the configuration from the environment and connects. Throws a `CommandError` that names what is missing. */
export async function commandContext(
  { map, revision }: Bundled,
  log: RunLog,
  { runId, source, remainingMs }: RunRequest,
): Promise<CommandContext> {
  const config = readConfig(process.env)
  const deadline = Date.now() + remainingMs - ANSWER_MS
  const onWait = (error: Error, waitMs: number) =>
    log.info(`waiting ${waitMs} ms: ${error.message}`)
  return {
    ...(await connect(config)),
    table: new VersionTable({ schema: config.versionTableSchema, name: config.versionTable }),
    run: {
      runId,
      source,
      who: process.env.AWS_LAMBDA_FUNCTION_NAME ?? process.env.USER ?? 'unknown',
    },
    log,
    deadline,
    sessionOptions: { retry: { deadline, onWait } },
    map,
    revision,
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
