import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { createCodePipeline } from '../../lambda/handlers/index.ts'
import { CodePipelineStandIn } from '../codepipeline-stand-in.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { tableRevision } from '../runner-fixture.ts'
import { CREDENTIALS } from '../secret-texts.ts'
import { capturedOutput, passwordOf } from './captured-output.ts'
import { hostileText, oddEvents, oddValue } from './odd-events.ts'

const EVENTS = 10_000

let aurora: LocalAurora
let pipeline: CodePipelineStandIn
let secrets: readonly string[]
beforeAll(async () => {
  aurora = await testAurora()
  pipeline = await CodePipelineStandIn.start()
  Object.assign(process.env, aurora.environment(await newDatabase(aurora)))
  process.env.AWS_ENDPOINT_URL_CODEPIPELINE = pipeline.endpoint
  secrets = [...Object.values(CREDENTIALS), await passwordOf(aurora.secretArn)]
})
afterAll(async () => {
  await pipeline[Symbol.asyncDispose]()
  await aurora.stop()
})
afterEach(() => vi.restoreAllMocks())

const target = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('heads', 'head', 'abc1', 'abd2', 'abc', ' heads ') },
  { weight: 1, arbitrary: fc.constantFrom('+1', 'heads-1', 'base', 'current', 'abc1:abd2', 'ab') },
  { weight: 1, arbitrary: fc.oneof(hostileText, oddValue) },
)
const json = (value: unknown) => JSON.stringify(value) ?? ''

const UserParameters = fc.oneof(
  { weight: 4, arbitrary: fc.record({ target }, { requiredKeys: [] }).map(json) },
  { weight: 1, arbitrary: oddEvents(fc.record({ target })).map(json) },
  { weight: 1, arbitrary: hostileText },
)

const continuationToken = fc.oneof(
  { weight: 4, arbitrary: fc.uuid().map((run) => json({ run })) },
  { weight: 1, arbitrary: oddEvents(fc.record({ run: hostileText })).map(json) },
  { weight: 1, arbitrary: hostileText },
)

const job = fc.record({
  'CodePipeline.job': fc.record({
    id: fc.oneof({ weight: 9, arbitrary: fc.uuid() }, { weight: 1, arbitrary: hostileText }),
    accountId: fc.constant('123456789012'),
    data: fc.record(
      {
        actionConfiguration: fc.record({ configuration: fc.record({ UserParameters }) }),
        inputArtifacts: fc.constant([]),
        outputArtifacts: fc.constant([]),
        artifactCredentials: fc.constant({ accessKeyId: 'AKIAJOB', ...CREDENTIALS }),
        continuationToken,
      },
      { requiredKeys: ['actionConfiguration', 'artifactCredentials'] },
    ),
  }),
})

function hasId(event: unknown): boolean {
  const { id } = Object(Object(event)['CodePipeline.job'])
  return typeof id === 'string' && /^[!-~]{1,128}$/.test(id)
}

test(`${EVENTS} jobs each get a result or a clear error, and no call when they are not valid`, async () => {
  const handler = createCodePipeline([tableRevision('abc1', null), tableRevision('abd2', 'abc1')])
  const output = capturedOutput()
  const kinds = new Map<string, number>()
  const property = fc.asyncProperty(oddEvents(job), async (event) => {
    aurora.calls.clear()
    pipeline.clear()
    const from = output.length
    const error = await handler(event).then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    const kind = error === undefined ? looked(aurora.calls.all.length) : 'no job'
    if (error) expect(error.message).toMatch(/^the event is no job of CodePipeline: .+$/)
    expect(error === undefined).toBe(hasId(event))
    if (error) expect([...aurora.calls.all, ...pipeline.results]).toEqual([])
    const told = `${error?.stack} ${JSON.stringify(pipeline.results)} ${output.slice(from).join('')}`
    if (secrets.some((secret) => told.includes(secret))) throw new Error('a secret is told')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  })
  await fc.assert(property, { numRuns: EVENTS, seed: 17 })
  vi.restoreAllMocks()
  console.log(`${EVENTS} jobs: ${JSON.stringify(Object.fromEntries(kinds))}`)
  expect(kinds.get('PutJobSuccessResult')).toBeGreaterThan(EVENTS / 20)
  expect(kinds.get('PutJobFailureResult')).toBeGreaterThan(EVENTS / 20)
  expect(kinds.get('no job')).toBeGreaterThan(EVENTS / 100)
})

/** Looks at the one result of a job; answers which it is. */
function looked(calls: number): string {
  expect(pipeline.results).toHaveLength(1)
  const [{ operation, failureDetails, outputVariables }] = pipeline.results as [
    (typeof pipeline.results)[0],
  ]
  if (operation === 'PutJobSuccessResult') {
    expect(outputVariables).toMatchObject({ to: expect.any(String), steps: expect.any(String) })
    return operation
  }
  const { type, message = '' } = failureDetails ?? {}
  expect(message).toMatch(/^.{20,}$/)
  expect(message).not.toMatch(/\b(?:undefined|is not a function|Cannot read)\b/)
  expect([type, calls]).toEqual(['ConfigurationError', 0])
  return operation
}
