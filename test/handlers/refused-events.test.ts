import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  createCodePipeline,
  createCustomResource,
  createInvoke,
} from '../../lambda/handlers/index.ts'
import type { Revision } from '../../lambda/revisions/revision.ts'
import { CodePipelineStandIn } from '../codepipeline-stand-in.ts'
import { tableRevision } from '../runner-fixture.ts'

// No configuration: whatever asked for a database or a secret would fail with another message.
const REVISIONS = [tableRevision('abc1', null)]
const PROPERTIES = {
  Target: 'heads',
  Cluster: 'arn:aws:rds:us-east-1:123456789012:cluster:shop',
  Database: 'shop',
  VersionTable: 'public.alembic_version',
}
const CREATE = { RequestType: 'Create', RequestId: 'r-1', ResourceProperties: PROPERTIES }

describe('an event of the custom resource', () => {
  test.each([
    [
      { RequestType: 'delete' },
      'RequestType of the event is "delete": it must be Create, Update or Delete',
    ],
    [
      { RequestId: 7 },
      'RequestId of the event is 7: it must be the id that CloudFormation gave the request',
    ],
    [
      { PhysicalResourceId: {} },
      'PhysicalResourceId of the event is {}: it must be a text, or missing in a Create',
    ],
    [
      { Deadline: 'soon' },
      'Deadline of the event is "soon": it must be the milliseconds since 1970 that onEvent answered',
    ],
    [
      { ResourceProperties: [] },
      "the property Target of the custom resource is missing: it must be a text such as 'heads'",
    ],
    [
      { ResourceProperties: { ...PROPERTIES, Database: ['shop'] } },
      `the property Database of the custom resource is ["shop"]: it must be a text such as 'shop'`,
    ],
    [
      { ResourceProperties: { ...PROPERTIES, Target: 'nowhere' } },
      "Can't locate revision identified by 'nowhere'",
    ],
  ])('with %j is refused by both handlers', async (change, message) => {
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
    const { onEvent, isComplete } = createCustomResource(REVISIONS)
    const event = { ...CREATE, ...change }
    for (const handler of [onEvent, isComplete]) {
      await expect(handler(event as never)).rejects.toThrow(message)
    }
  })
})

describe('a bundle whose revision has no downgrade', () => {
  const { downgrade: _, ...forgotten } = { ...tableRevision('abc2', 'abc1'), file: 'abc2.ts' }
  const revisions = [...REVISIONS, forgotten as Revision]
  const message = 'revision abc2 (abc2.ts) has no downgrade: write downgrade(op) { … }'

  test.each([
    { command: 'upgrade' },
    { command: 'upgrade', sql: true },
    { command: 'downgrade', target: 'base' },
    { command: 'downgrade', target: 'heads:base', sql: true },
    { command: 'stamp', target: 'heads' },
    { command: 'check' },
    { command: 'current' },
    { command: 'heads' },
    { command: 'history' },
  ])('is refused by invoke for %j', async (event) => {
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
    expect(await createInvoke(revisions)(event)).toMatchObject({
      status: 'failed',
      error: {
        kind: 'MissingDowngrade',
        message: expect.stringContaining(message),
        nothingRun: true,
      },
    })
  })

  test('is refused by both handlers of the custom resource', async () => {
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
    const { onEvent, isComplete } = createCustomResource(revisions)
    for (const handler of [onEvent, isComplete]) {
      await expect(handler(CREATE as never)).rejects.toThrow(message)
    }
  })
})

test('what is no event at all is refused by both handlers', async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
  const { onEvent, isComplete } = createCustomResource(REVISIONS)
  for (const handler of [onEvent, isComplete]) {
    await expect(handler(null as never)).rejects.toThrow(
      'RequestType of the event is missing: it must be Create, Update or Delete',
    )
  }
})

describe('a job', () => {
  let pipeline: CodePipelineStandIn
  beforeAll(async () => {
    pipeline = await CodePipelineStandIn.start()
  })
  afterAll(() => pipeline[Symbol.asyncDispose]())
  beforeEach(() => {
    vi.stubEnv('AWS_ENDPOINT_URL_CODEPIPELINE', pipeline.endpoint)
    vi.stubEnv('AWS_REGION', 'us-east-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local')
  })

  const parameters = (UserParameters: unknown) => ({
    actionConfiguration: { configuration: { UserParameters } },
  })

  test.each([
    [
      parameters({ target: 'heads' }),
      'UserParameters is {"target":"heads"}: it must be a JSON object with at most the key target, for example {"target":"heads"}',
    ],
    [parameters('{"target":"nowhere"}'), "Can't locate revision identified by 'nowhere'"],
    [
      { continuationToken: 'mine' },
      'the continuationToken of the job is "mine": it must be the one that this function answered, as {"run":"ID"}; run the action again',
    ],
  ])('with the data %j fails', async (data, message) => {
    pipeline.clear()
    await createCodePipeline(REVISIONS)({ 'CodePipeline.job': { id: 'job-1', data } })
    expect(pipeline.results).toEqual([
      {
        operation: 'PutJobFailureResult',
        jobId: 'job-1',
        failureDetails: {
          type: 'ConfigurationError',
          message: expect.stringContaining(message),
        },
      },
    ])
  })
})
