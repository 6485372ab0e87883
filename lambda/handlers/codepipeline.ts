import { CommandError } from '../errors.ts'
import type { Revision } from '../revisions/revision.ts'
import type { Report } from '../run/report.ts'
import {
  type CodePipelineJob,
  continuationToken,
  readJob,
  runIdOf,
  targetOf,
} from './codepipeline-job.ts'
import { CodePipelineResults } from './codepipeline-results.ts'
import { jsonLog } from './command-context.ts'
import { deploy } from './deployment.ts'
import { knownTarget } from './deployment-target.ts'
import { failureDetails, failureLine, oneLine, rowsText } from './failure-line.ts'
import type { LambdaContext } from './lambda-context.ts'

export type CodePipelineHandler = (
  event: unknown,
  context?: Pick<LambdaContext, 'getRemainingTimeInMillis'>,
) => Promise<void>

/** Without a Lambda context, as in a script. */
const LONGEST_RUN_MS = 15 * 60_000

/**
 * The handler of a CodePipeline action: upgrades to the target in the action's UserParameters, `{"target":"heads"}` by
 * default.
 *
 * Reports success with the output variables `from`, `to` and `steps`, or failure, and returns normally in both cases;
 * work that is left is continued in another job. Throws only when CodePipeline could not be told, so that Lambda sends
 * the job again.
 *
 * @example
 * ```ts
 * import { createCodePipeline } from 'aurora-migrations/handlers'
 * import createAccount from './migrations/3f6d1c0a84be_create_account_table.ts'
 *
 * export const codepipeline = createCodePipeline([createAccount])
 * ```
 */
export function createCodePipeline(revisions: readonly Revision[]): CodePipelineHandler {
  const log = jsonLog()
  const results = new CodePipelineResults(log)
  return async (event, lambda) => {
    const job = readJob(event)
    const run = await readRun(job, revisions, results)
    if (run === undefined) return
    const { runId } = run
    const report = await deploy(revisions, log, {
      ...{ ...run, source: 'codepipeline', mayBeAhead: true },
      remainingMs: lambda?.getRemainingTimeInMillis() ?? LONGEST_RUN_MS,
    })
    if (report.status === 'succeeded') {
      await results.succeeded(job.id, { outputVariables: variables(report) })
    } else if (report.status === 'failed') {
      const line = failureLine(report)
      log.error(line, { runId, ...failureDetails(report) })
      await results.failed(job.id, failureType(report), line)
    } else {
      await results.succeeded(job.id, { continuationToken: continuationToken(runId) })
    }
  }
}

/** `undefined` when the job is wrong in itself and has failed for it, before any call. */
async function readRun(
  job: CodePipelineJob,
  revisions: readonly Revision[],
  results: CodePipelineResults,
): Promise<{ readonly runId: string; readonly target: string } | undefined> {
  try {
    return { runId: runIdOf(job), target: knownTarget(revisions, targetOf(job)) }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    await results.failed(job.id, 'ConfigurationError', oneLine(error.message))
    return undefined
  }
}

function failureType({ error }: Report): 'JobFailed' | 'ConfigurationError' {
  return error?.kind === 'MigrationError' ? 'JobFailed' : 'ConfigurationError'
}

function variables({ from, to, steps }: Report): Record<string, string> {
  return { from: rowsText(from), to: rowsText(to), steps: String(steps.length) }
}
