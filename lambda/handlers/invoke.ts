import { randomUUID } from 'node:crypto'
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
import type { Revision } from '../revisions/revision.ts'
import type { ErrorReport, Report } from '../runner/report.ts'
import { bundled, commandContext, jsonLog } from './command-context.ts'
import { type InvokeRequest, parseRequest } from './invoke-request.ts'

/** What the handler needs of Lambda's context. */
export type InvokeContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>

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
): (event: unknown, context?: InvokeContext) => Promise<InvokeResponse> {
  const log = jsonLog()
  return async (event, lambda) => {
    try {
      const request = parseRequest(event)
      const bundle = bundled(revisions)
      if (request.command === 'heads') return heads(bundle)
      const context = await commandContext(bundle, log, {
        runId: lambda?.awsRequestId ?? randomUUID(),
        source: 'invoke',
        remainingMs: lambda?.getRemainingTimeInMillis() ?? LONGEST_RUN_MS,
      })
      return await run(request, context)
    } catch (error) {
      const report = errorReport(error)
      log.error(report.message, { kind: report.kind })
      return { status: 'failed', error: report }
    }
  }
}

/** Without a Lambda context (a script, a test) a run may take as long as the longest Lambda. */
const LONGEST_RUN_MS = 15 * 60_000

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
