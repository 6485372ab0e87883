import { CommandError } from '../errors.ts'
import type { Revision } from '../revisions/revision.ts'
import { planUpgrade } from '../revisions/upgrade-plan.ts'
import type { Report } from '../runner/report.ts'
import { bundled, jsonLog } from './command-context.ts'
import { deploy } from './deployment.ts'
import { deploymentTarget } from './deployment-target.ts'
import { failureDetails, failureLine, oneLine, unfinishedLine } from './failure-line.ts'
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
  /** Version rows before, with commas; `base` for none. */
  readonly From: string
  /** Version rows after. */
  readonly To: string
  /** How many revisions were applied. */
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
 * import { revisions } from './migrations/index.ts'
 *
 * export const { onEvent, isComplete } = createCustomResource(revisions)
 * ```
 */
export function createCustomResource(revisions: readonly Revision[]): CustomResourceHandlers {
  const log = jsonLog()
  return {
    onEvent: async (event) => {
      if (event.RequestType === 'Delete') return { PhysicalResourceId: event.PhysicalResourceId }
      try {
        planUpgrade(bundled(revisions).map, [], targetOf(event))
      } catch (error) {
        log.error(messageOf(error), { runId: event.RequestId })
        throw new DeploymentFailed(oneLine(messageOf(error)))
      }
      return {
        PhysicalResourceId: event.PhysicalResourceId ?? physicalId(event.ResourceProperties),
        Deadline: Date.now() + TOTAL_MINUTES * 60_000,
      }
    },
    isComplete: async (event, lambda) => {
      if (event.RequestType === 'Delete') return { IsComplete: true }
      const deadline = event.Deadline ?? Date.now() + LONGEST_RUN_MS
      const timeLeft = () => deadline - Date.now()
      const report = await deploy(revisions, log, {
        runId: event.RequestId,
        source: 'custom-resource',
        target: String(event.ResourceProperties?.Target),
        remainingMs: lambda?.getRemainingTimeInMillis() ?? LONGEST_RUN_MS,
        timeLeftMs: timeLeft(),
        mayLackPermissions: timeLeft() > TOTAL_MINUTES * 60_000 - PERMISSIONS_MS,
        // A stack that is created has no older state to come back to.
        mayBeAhead: event.RequestType === 'Update',
      })
      if (report.status === 'succeeded') return { IsComplete: true, Data: attributes(report) }
      if (report.status !== 'failed' && timeLeft() > SHORTEST_LIFE_MS) return { IsComplete: false }
      const line =
        report.status === 'failed' ? failureLine(report) : unfinishedLine(report, TOTAL_MINUTES)
      log.error(line, { runId: event.RequestId, ...failureDetails(report) })
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

function targetOf({ ResourceProperties }: CustomResourceEvent): string {
  const target = ResourceProperties?.Target
  if (typeof target === 'string' && target.trim() !== '') return deploymentTarget(target)
  throw new CommandError(
    'BadRequest',
    `the property Target of the custom resource is ${JSON.stringify(target) ?? 'missing'}: it must be a text such as 'heads'`,
  )
}

/** The same for ever: another id would make CloudFormation delete the resource under the old one. */
function physicalId(properties: CustomResourceEvent['ResourceProperties'] = {}): string {
  const cluster = String(properties.Cluster).split(':').at(-1)
  return ['aurora-migrations', cluster, properties.Database, properties.VersionTable]
    .map((part) => String(part).slice(0, 128))
    .join('/')
}

function attributes({ from, to, steps }: Report): RunAttributes {
  const rows = (ids: readonly string[]) => ids.join(',').slice(0, 300) || 'base'
  return { From: rows(from), To: rows(to), Steps: String(steps.length) }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
