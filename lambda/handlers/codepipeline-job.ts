import * as v from 'valibot'
import { CommandError } from '../errors.ts'
import { deploymentTarget } from './deployment-target.ts'

/** What is taken of a job event. The rest of it holds credentials and is never logged. */
export interface CodePipelineJob {
  readonly id: string
  readonly userParameters: string | undefined
  readonly continuationToken: string | undefined
}

const JobShape = v.object({
  'CodePipeline.job': v.object({
    id: v.pipe(v.string(), v.nonEmpty()),
    data: v.object({
      actionConfiguration: v.optional(
        v.object({
          configuration: v.optional(v.object({ UserParameters: v.optional(v.string()) })),
        }),
      ),
      continuationToken: v.optional(v.nullable(v.string())),
    }),
  }),
})

/** Throws a {@link CommandError} for an event that is no job: there is then nobody to report to. */
export function readJob(event: unknown): CodePipelineJob {
  const parsed = v.safeParse(JobShape, event)
  if (!parsed.success) {
    throw new CommandError(
      'BadRequest',
      'the event is no job of CodePipeline: invoke this function by a pipeline action, and the function for people by hand',
    )
  }
  const { id, data } = parsed.output['CodePipeline.job']
  return {
    id,
    userParameters: data.actionConfiguration?.configuration?.UserParameters,
    continuationToken: data.continuationToken ?? undefined,
  }
}

const Parameters = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value)),
  v.strictObject({ target: v.optional(v.pipe(v.string(), v.trim(), v.nonEmpty()), 'heads') }),
)

/** The target that the action's UserParameters name; throws a {@link CommandError}. */
export function targetOf({ userParameters }: CodePipelineJob): string {
  const parsed = v.safeParse(Parameters, parseJson(userParameters || '{}'))
  if (parsed.success) return deploymentTarget(parsed.output.target)
  throw new CommandError(
    'BadRequest',
    `UserParameters is ${JSON.stringify(userParameters?.slice(0, 200))}: it must be a JSON object with at most the key target, for example {"target":"heads"}`,
  )
}

const Token = v.object({ run: v.pipe(v.string(), v.nonEmpty()) })

/** The run's id: the id of the first job, for a continued job may have another. */
export function runIdOf({ id, continuationToken }: CodePipelineJob): string {
  const parsed = v.safeParse(Token, parseJson(continuationToken ?? '{}'))
  return parsed.success ? parsed.output.run : id
}

/** What CodePipeline gives back when it calls again. */
export function continuationToken(runId: string): string {
  return JSON.stringify({ run: runId })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
