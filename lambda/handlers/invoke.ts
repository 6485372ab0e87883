import { randomUUID } from 'node:crypto'
import { errorReport } from '../commands.ts'
import { readVersionTable } from '../config.ts'
import type { Revision } from '../revisions/revision.ts'
import type { ErrorReport } from '../run/report.ts'
import type { RunLog } from '../run/runner-context.ts'
import { type CommandReport, carryOut, carryOutAlone } from './carry-out.ts'
import { type Bundled, bundled, commandContext, jsonLog, runIdentity } from './command-context.ts'
import { deadlineOf } from './deadline.ts'
import { type InvokeRequest, needsDatabase, parseRequest } from './invoke-request.ts'
import type { LambdaContext } from './lambda-context.ts'
import { RunMetrics } from './run-metrics.ts'

/** What the handler needs of Lambda's context. */
export interface InvokeContext extends LambdaContext {
  /** What a caller in the same process has instead of Lambda, such as the CLI. */
  readonly caller?: Caller
}

export interface Caller {
  /** The way of use, for the history. Default: `invoke`. */
  readonly source: string
  readonly log: RunLog
  /** Aborted: the run ends after the step it is at. */
  readonly stop?: AbortSignal
  /** What to do about a revision that had too little time, for its message. Default: what helps in a Lambda. */
  readonly moreTime?: string
}

/** What the function answers; `status` is `failed` with an `error` when anything went wrong. */
export type InvokeResponse =
  | CommandReport
  | { readonly status: 'failed'; readonly error: ErrorReport }

/**
 * The handler of the function that people and the CLI invoke.
 *
 * The event is `{"command": "upgrade" | "downgrade" | "stamp" | "current" | "history" | …, …}`; see the README for what
 * each takes. Nothing is sent to the database for an event that is not valid.
 *
 * @example
 * ```ts
 * import { createInvoke } from 'aurora-migrations/handlers'
 * import createAccount from './migrations/3f6d1c0a84be_create_account_table.ts'
 *
 * export const invoke = createInvoke([createAccount])
 * ```
 */
export function createInvoke(
  revisions: readonly Revision[],
): (event: unknown, context?: InvokeContext) => Promise<InvokeResponse> {
  const log = jsonLog()
  return async (event, lambda) => {
    let request: InvokeRequest | undefined
    try {
      request = parseRequest(event)
      const bundle = bundled(revisions)
      if (needsDatabase(request)) return await onDatabase(request, bundle, log, lambda)
      const { versionTable, versionTableSchema, trustedOwners } = readVersionTable(process.env)
      const table = { schema: versionTableSchema, name: versionTable, trustedOwners }
      const run = runIdentity(bundle, request)
      const deadline = deadlineOf(remainingMs(lambda))
      const { moreTime } = lambda?.caller ?? {}
      const more = moreTime !== undefined && { moreTime }
      return await carryOutAlone(request, bundle, { table, run, deadline, ...more })
    } catch (error) {
      const verbose = request !== undefined && 'verbose' in request && request.verbose
      const report = errorReport(error, { verbose })
      log.error(report.message, { kind: report.kind })
      return { status: 'failed', error: report }
    }
  }
}

/** Without a Lambda context (a script, a test) a run may take as long as the longest Lambda. */
const LONGEST_RUN_MS = 15 * 60_000

function remainingMs(lambda: InvokeContext | undefined): number {
  return lambda?.getRemainingTimeInMillis() ?? LONGEST_RUN_MS
}

async function onDatabase(
  request: InvokeRequest,
  bundle: Bundled,
  log: RunLog,
  lambda: InvokeContext | undefined,
): Promise<CommandReport> {
  const metrics = new RunMetrics()
  const { source = 'invoke', log: callersLog = log, ...caller } = lambda?.caller ?? {}
  const context = await commandContext(bundle, callersLog, {
    runId: lambda?.awsRequestId ?? randomUUID(),
    source,
    remainingMs: remainingMs(lambda),
    observe: metrics.observe,
  })
  const run = { ...context.run, ...runIdentity(bundle, request) }
  const report = await carryOut(request, { ...context, ...caller, run })
  if ('steps' in report) metrics.write(report.status, report.pending.length)
  return report
}
