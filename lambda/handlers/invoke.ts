import { randomUUID } from 'node:crypto'
import { Logger } from '@aws-lambda-powertools/logger'
import type { Context } from 'aws-lambda'
import {
  type CommandContext,
  type CurrentReport,
  current,
  downgrade,
  errorReport,
  type HistoryReport,
  heads,
  history,
  stamp,
  upgrade,
} from '../commands.ts'
import { readConfig } from '../config.ts'
import { connect } from '../connection.ts'
import type { Revision } from '../revisions/revision.ts'
import { RevisionMap } from '../revisions/revision-map.ts'
import type { ErrorReport, Report } from '../runner/report.ts'
import { VersionTable } from '../runner/version-table.ts'
import { type InvokeRequest, parseRequest } from './invoke-request.ts'

/** What the function answers; `status` is `failed` with an `error` when anything went wrong. */
export type InvokeResponse =
  | Report
  | CurrentReport
  | HistoryReport
  | ReturnType<typeof heads>
  | { readonly status: 'failed'; readonly error: ErrorReport }

/**
 * The handler of the function that people and the CLI invoke.
 *
 * The event is `{"command": "upgrade" | "downgrade" | "stamp" | "current" | "history" | "heads", …}`; see the README for
 * what each takes. Nothing is sent to the database for an event that is not valid.
 *
 * @example
 * ```ts
 * import { createInvoke } from 'aurora-migrations/handlers'
 * import { revisions } from './migrations/index.ts'
 *
 * export const invoke = createInvoke(revisions)
 * ```
 */
export function createInvoke(
  revisions: readonly Revision[],
): (
  event: unknown,
  context?: Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>,
) => Promise<InvokeResponse> {
  const logger = new Logger({ serviceName: 'aurora-migrations' })
  return async (event, lambda) => {
    try {
      const request = parseRequest(event)
      const map = new RevisionMap(revisions)
      const byId = new Map(revisions.map((revision) => [revision.revision, revision]))
      const revision = (id: string) => byId.get(map.entry(id).id) as Revision
      if (request.command === 'heads') return heads({ map, revision })
      const context = await commandContext(logger, lambda)
      return await run(request, { ...context, map, revision })
    } catch (error) {
      const report = errorReport(error)
      logger.error(report.message, { kind: report.kind })
      return { status: 'failed', error: report }
    }
  }
}

/** Without a Lambda context (a script, a test) a run may take as long as the longest Lambda. */
const LONGEST_RUN_MS = 15 * 60_000
/** Time to write the report and to answer. */
const ANSWER_MS = 2_000

async function commandContext(
  logger: Logger,
  lambda: Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'> | undefined,
): Promise<Omit<CommandContext, 'map' | 'revision'>> {
  const config = readConfig(process.env)
  const remaining = lambda?.getRemainingTimeInMillis() ?? LONGEST_RUN_MS
  const deadline = Date.now() + remaining - ANSWER_MS
  const log = {
    info: (message: string, attributes: Record<string, unknown> = {}) =>
      logger.info(message, attributes),
    warn: (message: string, attributes: Record<string, unknown> = {}) =>
      logger.warn(message, attributes),
  }
  return {
    ...(await connect(config)),
    table: new VersionTable({ schema: config.versionTableSchema, name: config.versionTable }),
    run: {
      runId: lambda?.awsRequestId ?? randomUUID(),
      source: 'invoke',
      who: process.env.AWS_LAMBDA_FUNCTION_NAME ?? process.env.USER ?? 'unknown',
    },
    log,
    deadline,
    sessionOptions: {
      retry: {
        deadline,
        onWait: (error, waitMs) => log.info(`waiting ${waitMs} ms: ${error.message}`),
      },
    },
  }
}

function run(
  request: Exclude<InvokeRequest, { command: 'heads' }>,
  context: CommandContext,
): Promise<InvokeResponse> {
  switch (request.command) {
    case 'upgrade':
      return upgrade(context, request.target)
    case 'downgrade':
      return downgrade(context, request.target)
    case 'stamp':
      return stamp(context, [request.target].flat(), { purge: request.purge })
    case 'current':
      return current(context)
    case 'history':
      return history(context, request.limit)
  }
}
