import type { Revision } from '../revisions/revision.ts'
import type { Report } from '../run/report.ts'
import { messageOf } from '../thrown.ts'
import { jsonLog } from './command-context.ts'
import { type CustomResourceRequest, isDelete, readRequest } from './custom-resource-request.ts'
import { deploy } from './deployment.ts'
import { knownTarget } from './deployment-target.ts'
import { isId } from './event-value.ts'
import { failureDetails, failureLine, oneLine, rowsText, unfinishedLine } from './failure-line.ts'
import type { LambdaContext } from './lambda-context.ts'

/** What CDK's provider framework hands on of CloudFormation's request. */
export interface CustomResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete'
  readonly RequestId: string
  readonly PhysicalResourceId?: string
  readonly ResourceProperties?: Readonly<Record<string, unknown>>
  /** Epoch milliseconds; what `onEvent` answered, in the events of `isComplete`. */
  readonly Deadline?: number
}

export interface CustomResourceHandlers {
  onEvent(event: CustomResourceEvent): Promise<OnEventAnswer>
  isComplete(
    event: CustomResourceEvent,
    context?: Pick<LambdaContext, 'getRemainingTimeInMillis'>,
  ): Promise<IsCompleteAnswer>
}

export interface OnEventAnswer {
  readonly PhysicalResourceId: string | undefined
  readonly Deadline?: number
}

export interface IsCompleteAnswer {
  readonly IsComplete: boolean
  /** Attributes of the resource. */
  readonly Data?: RunAttributes
}

export interface RunAttributes {
  /** Version rows before, with commas; `base` for none. Of more than 1,000 bytes the end is ` and 7 more`. */
  readonly From: string
  /** Version rows after. */
  readonly To: string
  /** How many revisions were applied from one to the other, by this deployment or by a run that it waited for. */
  readonly Steps: string
}

/** CloudFormation gives up after an hour at the latest, and the framework needs some of it. */
const TOTAL_MINUTES = 50
/** Permissions that the same deployment has made may need a while to be in force. */
const PERMISSIONS_MS = 60_000
/** With less than this no further life is worth waiting for. */
const SHORTEST_LIFE_MS = 30_000
/** Without a Lambda context, as in a script. */
const LONGEST_RUN_MS = 15 * 60_000

/**
 * The two handlers of the custom resource, for CDK's provider framework.
 *
 * `onEvent` only checks the request; `isComplete` does the work, in as many lives as it takes within 50 minutes. A
 * failure is thrown, because the framework takes everything else for success. Delete is a success without a look at
 * the configuration, the secret or the database.
 *
 * @example
 * ```ts
 * import { createCustomResource } from 'aurora-migrations/handlers'
 * import createAccount from './migrations/3f6d1c0a84be_create_account_table.ts'
 *
 * export const { onEvent, isComplete } = createCustomResource([createAccount])
 * ```
 */
export function createCustomResource(revisions: readonly Revision[]): CustomResourceHandlers {
  const log = jsonLog()
  return {
    onEvent: async (event) => {
      if (isDelete(event)) return { PhysicalResourceId: event.PhysicalResourceId }
      const { physicalId } = check(event, revisions, log)
      return {
        PhysicalResourceId: physicalId,
        Deadline: Date.now() + TOTAL_MINUTES * 60_000,
      }
    },
    isComplete: async (event, lambda) => {
      if (isDelete(event)) return { IsComplete: true }
      const request = check(event, revisions, log)
      const deadline = request.deadline ?? Date.now() + LONGEST_RUN_MS
      const timeLeft = () => deadline - Date.now()
      const report = await deploy(revisions, log, {
        ...{ runId: request.id, target: request.target, source: 'custom-resource' },
        remainingMs: lambda?.getRemainingTimeInMillis() ?? LONGEST_RUN_MS,
        timeLeftMs: timeLeft(),
        mayLackPermissions: timeLeft() > TOTAL_MINUTES * 60_000 - PERMISSIONS_MS,
        // A stack that is created has no older state to come back to.
        mayBeAhead: request.type === 'Update',
      })
      if (report.status === 'succeeded') return { IsComplete: true, Data: attributes(report) }
      if (report.status !== 'failed' && timeLeft() > SHORTEST_LIFE_MS) return { IsComplete: false }
      const line =
        report.status === 'failed' ? failureLine(report) : unfinishedLine(report, TOTAL_MINUTES)
      log.error(line, { runId: request.id, ...failureDetails(report) })
      throw new DeploymentFailed(line)
    },
  }
}

/** Its message is all that a stack event shows, so the stack is cut to it. */
class DeploymentFailed extends Error {
  override readonly name = 'DeploymentFailed'

  constructor(message: string) {
    super(message)
    this.stack = `${this.name}: ${message}`
  }
}

/** What both handlers refuse before anything is asked of the database. */
function check(
  event: CustomResourceEvent,
  revisions: readonly Revision[],
  log: Pick<ReturnType<typeof jsonLog>, 'error'>,
): CustomResourceRequest {
  try {
    const request = readRequest(event)
    knownTarget(revisions, request.target)
    return request
  } catch (error) {
    const line = oneLine(messageOf(error))
    log.error(line, isId(event?.RequestId) ? { runId: event.RequestId } : {})
    throw new DeploymentFailed(line)
  }
}

function attributes({ from, to, steps }: Report): RunAttributes {
  return { From: rowsText(from), To: rowsText(to), Steps: String(steps.length) }
}
