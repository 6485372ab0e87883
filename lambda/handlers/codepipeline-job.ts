import * as v from 'valibot'
import { CommandError } from '../errors.ts'
import { isId, keysOf, shown } from './event-value.ts'

/** What is taken of a job event. The rest of it holds credentials and is never logged. */
export interface CodePipelineJob {
  readonly id: string
  readonly userParameters: unknown
  readonly continuationToken: unknown
}

/** Throws a {@link CommandError} for an event without the id of a job: there is then nobody to report to. */
export function readJob(event: unknown): CodePipelineJob {
  const { id, data } = keysOf(keysOf(event)['CodePipeline.job'])
  if (!isId(id)) {
    throw new CommandError(
      'BadRequest',
      'the event is no job of CodePipeline: invoke this function by a pipeline action, and the function for people by hand',
    )
  }
  const { actionConfiguration, continuationToken } = keysOf(data)
  const { UserParameters } = keysOf(keysOf(actionConfiguration).configuration)
  return { id, userParameters: UserParameters, continuationToken }
}

const Parameters = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value)),
  v.strictObject({ target: v.optional(v.pipe(v.string(), v.trim(), v.nonEmpty()), 'heads') }),
)

/** The target that the action's UserParameters name; throws a {@link CommandError}. */
export function targetOf({ userParameters }: CodePipelineJob): string {
  const parsed = v.safeParse(Parameters, parseJson(userParameters))
  if (parsed.success) return parsed.output.target
  throw new CommandError(
    'BadRequest',
    `UserParameters is ${shown(userParameters, 200)}: it must be a JSON object with at most the key target, for example {"target":"heads"}`,
  )
}

const Token = v.strictObject({ run: v.custom<string>(isId) })

/**
 * The run's id: the id of the first job, for a continued job may have another. Throws a {@link CommandError} for a
 * token that is not one of ours.
 */
export function runIdOf({ id, continuationToken: token }: CodePipelineJob): string {
  if (isAbsent(token)) return id
  const parsed = v.safeParse(Token, parseJson(token))
  if (parsed.success) return parsed.output.run
  throw new CommandError(
    'BadRequest',
    `the continuationToken of the job is ${shown(token, 200)}: it must be the one that this function answered, as ${continuationToken('ID')}; run the action again`,
  )
}

/** What CodePipeline gives back when it calls again. */
export function continuationToken(runId: string): string {
  return JSON.stringify({ run: runId })
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** What is not there is an empty object, and what is no JSON is `undefined`. */
function parseJson(text: unknown): unknown {
  if (isAbsent(text)) return {}
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}
