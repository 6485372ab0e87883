import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { type CustomResourceEvent, createCustomResource } from '../../lambda/handlers/index.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { revision, tableRevision } from '../runner-fixture.ts'
import { SIGNATURE } from '../secret-texts.ts'
import { capturedOutput, passwordOf } from './captured-output.ts'
import { hostileText, oddEvents } from './odd-events.ts'

const EVENTS = 10_000
const DAY_MS = 86_400_000

let aurora: LocalAurora
let password: string
beforeAll(async () => {
  aurora = await testAurora()
  for (const [name, value] of Object.entries(aurora.environment(await newDatabase(aurora)))) {
    process.env[name] = value
  }
  password = await passwordOf(aurora.secretArn)
})
afterAll(() => aurora.stop())
afterEach(() => vi.restoreAllMocks())

const { onEvent, isComplete } = createCustomResource([
  tableRevision('abc1', null),
  revision('abd2', 'abc1', (op) => op.execute('select 1/0')),
])

const Target = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('heads', 'head', 'abc1', 'abd2', 'abc', ' heads ') },
  { weight: 1, arbitrary: fc.constantFrom('+1', 'heads-1', 'base', 'current', 'abc1:abd2', 'ab') },
  { weight: 1, arbitrary: hostileText },
)

const Deadline = fc.constantFrom(0, 1, 49 * 60_000, -1_000, DAY_MS).map((ms) => Date.now() + ms)

const request = (RequestType: fc.Arbitrary<string>) =>
  fc.record(
    {
      RequestType,
      RequestId: fc.uuid(),
      ResponseURL: fc.constant(`https://cloudformation-custom-resource.s3/?${SIGNATURE}`),
      StackId: fc.constant('arn:aws:cloudformation:us-east-1:123456789012:stack/shop/1'),
      LogicalResourceId: fc.constant('Migrations'),
      PhysicalResourceId: fc.oneof(fc.constant('aurora-migrations/shop'), hostileText),
      ResourceProperties: fc.record({
        ServiceToken: fc.constant('arn:aws:lambda:us-east-1:123456789012:function:framework'),
        Target,
        Revisions: hostileText,
        Cluster: fc.oneof(fc.constant('arn:aws:rds:us-east-1:1:cluster:shop'), hostileText),
        Database: fc.oneof(fc.constant('shop'), hostileText),
        VersionTable: fc.constant('public.alembic_version'),
      }),
      Deadline,
    },
    { requiredKeys: ['RequestType', 'RequestId', 'ResponseURL', 'ResourceProperties'] },
  )

/** A request that may be carried out, as far as its types say. */
function looksRight(event: unknown): boolean {
  const { RequestType, RequestId, ResourceProperties, Deadline } = Object(event)
  const { Target, Cluster, Database, VersionTable } = Object(ResourceProperties)
  const texts = [RequestId, Target, Cluster, Database, VersionTable]
  return (
    (RequestType === 'Create' || RequestType === 'Update') &&
    texts.every((text) => typeof text === 'string' && text.trim() !== '') &&
    (Deadline === undefined || Number.isFinite(Deadline))
  )
}

interface Seen {
  readonly kinds: Map<string, number>
  readonly output: readonly string[]
}

/** Hands one event to a handler; answers how it went after having looked at that. */
async function carriedOut(
  handler: (event: CustomResourceEvent) => Promise<unknown>,
  event: unknown,
  { kinds, output }: Seen,
): Promise<unknown> {
  aurora.calls.clear()
  const from = output.length
  let error: Error | undefined
  const answer = await handler(event as CustomResourceEvent).catch((thrown: Error) => {
    error = thrown
  })
  const calls = aurora.calls.all.length
  const told = `${JSON.stringify(answer)} ${error?.message} ${error?.stack} ${output.slice(from).join('')}`
  if (told.includes(SIGNATURE) || told.includes(password)) throw new Error('a secret is told')
  if (calls > 0) expect(looksRight(event)).toBe(true)
  if (error !== undefined) {
    expect(error.name).toBe('DeploymentFailed')
    expect(error.message).toMatch(/^.{20,}$/)
    expect(error.message).not.toMatch(/\b(?:undefined|is not a function|Cannot read)\b/)
    expect(Buffer.byteLength(JSON.stringify(error.message))).toBeLessThan(1_510)
    if (!/deploy again/.test(error.message)) expect(calls, error.message).toBe(0)
  }
  const kind = error === undefined ? 'answered' : calls > 0 ? 'failed' : 'refused'
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  return answer
}

async function eachEvent(
  valid: fc.Arbitrary<unknown>,
  look: (event: unknown, seen: Seen) => Promise<void>,
): Promise<Seen> {
  const seen = { kinds: new Map<string, number>(), output: capturedOutput() }
  const property = fc.asyncProperty(oddEvents(valid), (event) => look(event, seen))
  await fc.assert(property, { numRuns: EVENTS, seed: 13 })
  vi.restoreAllMocks()
  console.log(`${EVENTS} events: ${JSON.stringify(Object.fromEntries(seen.kinds))}`)
  return seen
}

const MOVING = request(fc.constantFrom('Create', 'Update'))

test(`${EVENTS} events of onEvent are each answered or a clear error, and never a call`, async () => {
  const { kinds } = await eachEvent(MOVING, async (event, seen) => {
    const answer = await carriedOut(onEvent, event, seen)
    expect(aurora.calls.all).toEqual([])
    if (answer === undefined || Object(event).RequestType === 'Delete') return
    expect(looksRight(event)).toBe(true)
    expect(answer).toEqual({
      PhysicalResourceId: expect.stringMatching(/^/),
      Deadline: expect.any(Number),
    })
  })
  expect(kinds.get('answered')).toBeGreaterThan(EVENTS / 20)
  expect(kinds.get('refused')).toBeGreaterThan(EVENTS / 4)
})

test(`${EVENTS} events of isComplete are each a report or a clear error, and no call when they are not valid`, async () => {
  const { kinds } = await eachEvent(MOVING, async (event, seen) => {
    const answer = await carriedOut(isComplete, event, seen)
    if (answer === undefined) return
    expect(answer).toMatchObject({ IsComplete: true, Data: { To: expect.any(String) } })
  })
  expect(kinds.get('answered')).toBeGreaterThan(EVENTS / 20)
  expect(kinds.get('failed')).toBeGreaterThan(EVENTS / 100)
  expect(kinds.get('refused')).toBeGreaterThan(EVENTS / 4)
})

test(`${EVENTS} Deletes in every shape are a success of both handlers, and never a call`, async () => {
  const { kinds } = await eachEvent(request(fc.constant('Delete')), async (event, seen) => {
    if (Object(event).RequestType !== 'Delete') return
    const { PhysicalResourceId } = event as CustomResourceEvent
    expect(await carriedOut(onEvent, event, seen)).toEqual({ PhysicalResourceId })
    expect(await carriedOut(isComplete, event, seen)).toEqual({ IsComplete: true })
    expect(aurora.calls.all).toEqual([])
  })
  expect([...kinds.keys()]).toEqual(['answered'])
  expect(kinds.get('answered')).toBeGreaterThan(EVENTS)
})
