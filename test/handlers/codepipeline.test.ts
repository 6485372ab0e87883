import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CodePipelineStandIn } from '../codepipeline-stand-in.ts'
import { CREDENTIALS } from '../secret-texts.ts'
import {
  A,
  B,
  FAILING,
  handlersOf,
  LOG_GROUP,
  SHORT_LIFE_MS,
  THREE_LIVES,
  useDeployment,
} from './custom-resource-fixture.ts'

const it = useDeployment()
let pipeline: CodePipelineStandIn

beforeAll(async () => {
  pipeline = await CodePipelineStandIn.start()
})
afterAll(() => pipeline[Symbol.asyncDispose]())
beforeEach(() => {
  pipeline.clear()
  it.environment({ AWS_ENDPOINT_URL_CODEPIPELINE: pipeline.endpoint })
})

/** What a function that returns nothing answers. */
const NORMAL = null
const handler = async (...revisions: Parameters<typeof handlersOf>[0]) =>
  (await handlersOf(revisions)).codepipeline

describe('a job', () => {
  test('that succeeds answers with the output variables', async () => {
    expect(await pipeline.run(await handler(A, B))).toEqual([NORMAL])
    expect(pipeline.results).toEqual([
      {
        operation: 'PutJobSuccessResult',
        jobId: 'job-1',
        outputVariables: { from: 'base', to: 'b', steps: '2' },
      },
    ])
  })

  test('goes up to the target of its UserParameters', async () => {
    await pipeline.run(await handler(A, B), { userParameters: '{"target":"a"}' })
    expect(pipeline.results).toMatchObject([{ outputVariables: { to: 'a', steps: '1' } }])
  })

  test('that fails is reported with one line, and the function returns normally', async () => {
    expect(await pipeline.run(await handler(A, B, FAILING))).toEqual([NORMAL])
    expect(pipeline.results).toEqual([
      {
        operation: 'PutJobFailureResult',
        jobId: 'job-1',
        failureDetails: {
          type: 'JobFailed',
          message: `upgrade of c (doc of c) failed: division by zero (SQLSTATE 22012); statement: select 1/0; nothing of it is committed; applied before it: a, b; log group ${LOG_GROUP}; correct the revision c and deploy again`,
        },
      },
    ])
  })

  test.each(['{"target":', '"heads"', '[]', '{"tarot":"heads"}', '{"target":7}', '{"target":""}'])(
    'with the UserParameters %s fails before any call',
    async (userParameters) => {
      expect(await pipeline.run(await handler(A), { userParameters })).toEqual([NORMAL])
      expect(pipeline.results).toMatchObject([
        {
          operation: 'PutJobFailureResult',
          failureDetails: {
            type: 'ConfigurationError',
            message: `UserParameters is ${JSON.stringify(userParameters)}: it must be a JSON object with at most the key target, for example {"target":"heads"}`,
          },
        },
      ])
      expect(it.aurora.calls.forDatabase(it.database)).toEqual([])
    },
  )

  test('with a relative target is refused: a continued job would count again', async () => {
    await pipeline.run(await handler(A), { userParameters: '{"target":"+1"}' })
    expect(pipeline.results).toMatchObject([{ failureDetails: { type: 'ConfigurationError' } }])
  })

  test('that takes three lives is continued under the id of the first', async () => {
    await pipeline.run(await handler(...THREE_LIVES), { timeoutMs: SHORT_LIFE_MS })
    expect(pipeline.results).toEqual([
      { operation: 'PutJobSuccessResult', jobId: 'job-1', continuationToken: '{"run":"job-1"}' },
      { operation: 'PutJobSuccessResult', jobId: 'job-2', continuationToken: '{"run":"job-1"}' },
      {
        operation: 'PutJobSuccessResult',
        jobId: 'job-3',
        outputVariables: { from: 'base', to: 'c', steps: '3' },
      },
    ])
    const runs = await it.sql('select distinct run_id, source from alembic_version_history')
    expect(runs).toEqual([{ run_id: 'job-1', source: 'codepipeline' }])
  })

  test('is reported although CodePipeline throttles', async () => {
    pipeline.throttle = 3
    expect(await pipeline.run(await handler(A))).toEqual([NORMAL])
    expect(pipeline.results).toHaveLength(1)
  })

  test('that could not be reported is thrown back, and answered from the history when it comes again', async () => {
    const { codepipeline, invoke } = await handlersOf([A, B])
    pipeline.deny = true
    const answers = await pipeline.run(codepipeline, { jobId: 'job-x' })
    expect(answers).toMatchObject([{ errorType: 'AccessDeniedException' }])
    pipeline.deny = false
    await invoke({ command: 'downgrade', target: 'base' })
    await pipeline.run(codepipeline, { jobId: 'job-x' })
    expect(pipeline.results).toMatchObject([{ outputVariables: { to: 'b', steps: '2' } }])
    expect(await it.rows()).toEqual([])
  })

  test('that comes again after its result is left alone', async () => {
    const codepipeline = await handler(A)
    await pipeline.run(codepipeline, { jobId: 'job-y' })
    expect(await pipeline.invoke(codepipeline, { jobId: 'job-y' })).toEqual(NORMAL)
    expect(pipeline.results).toHaveLength(1)
  })

  test('of an older bundle, as after a rollback of the stage, lets a newer database be', async () => {
    await pipeline.run(await handler(A))
    await pipeline.run(await handler(A, B))
    await pipeline.run(await handler(A))
    expect(pipeline.results.at(-1)).toMatchObject({
      outputVariables: { from: 'b', to: 'b', steps: '0' },
    })
  })

  test('shows none of its credentials', async () => {
    await pipeline.run(await handler(A, B, FAILING))
    await pipeline.run(await handler(A), { userParameters: '{' })
    const written = it.output.join('')
    expect(written).toContain('division by zero')
    for (const secret of Object.values(CREDENTIALS)) expect(written).not.toContain(secret)
  })
})

test('an event that is no job is refused, for there is nobody to tell', async () => {
  const codepipeline = await handler(A)
  await expect(codepipeline({ command: 'upgrade' })).rejects.toThrow(
    'the event is no job of CodePipeline: invoke this function by a pipeline action, and the function for people by hand',
  )
})
