import { beforeEach, describe, expect, test } from 'vitest'
import type { RevisionText } from '../bundled-revisions.ts'
import { CodePipelineStandIn } from '../codepipeline-stand-in.ts'
import { handlersOf, SHORT_LIFE_MS, useDeployment } from './custom-resource-fixture.ts'

const it = useDeployment()

const SEQUENCE: RevisionText = { id: 'a', sql: 'create sequence tries' }

/** A revision whose nth try raises the nth of these SQLSTATEs; a sequence counts tries over each rollback. */
function failingTries(...codes: string[]): RevisionText {
  const raises = codes.map(
    (code, i) =>
      `if n = ${i + 1} then raise exception 'try ${i + 1} fails' using errcode = '${code}'; end if;`,
  )
  const body = `declare n bigint := nextval('tries'); begin ${raises.join(' ')} create table t_b (id integer); end`
  return { id: 'b', down: 'a', sql: `do $$ ${body} $$` }
}

const history = () =>
  it.sql('select revision, outcome from alembic_version_history order by started_at')

const DONE = [
  { revision: 'a', outcome: 'done' },
  { revision: 'b', outcome: 'done' },
]

describe.each(['55P03', '40P01', '40001'])('a deployment whose revision met %s once', (code) => {
  test('is complete in CloudFormation, and the history holds no failure', async () => {
    const template = await it.template([SEQUENCE, failingTries(code)])
    expect(await it.stack.create(template)).toBe('CREATE_COMPLETE')
    expect(it.stack.responses).toMatchObject([
      { Status: 'SUCCESS', Data: { From: 'base', To: 'b', Steps: '2' } },
    ])
    expect(await history()).toEqual(DONE)
  })
})

test('a deployment whose statement took longer than one call is complete', async () => {
  const template = await it.template([SEQUENCE, failingTries()])
  const sqlPattern = '^do|_exec_v\\d+"\\('
  const armed = it.aurora.faults.add({
    database: it.database,
    kind: 'statement-timeout',
    sqlPattern,
    nth: 6,
  })
  expect(await it.stack.create(template)).toBe('CREATE_COMPLETE')
  expect(armed.fired).toBe(1)
  expect(await history()).toEqual(DONE)
})

test('a deployment that fails in another way after a retry reports what ended it', async () => {
  const template = await it.template([SEQUENCE, failingTries('40P01', '22012')])
  expect(await it.stack.create(template)).toBe('ROLLBACK_COMPLETE')
  expect(it.stack.responses[0]?.Reason).toMatch(
    /^upgrade of b \(doc of b\) failed: try 2 fails \(SQLSTATE 22012\)/,
  )
  expect(await history()).toEqual([
    { revision: 'a', outcome: 'done' },
    { revision: 'b', outcome: 'failed' },
  ])
})

test('an event delivered again between two tries is answered with the end of the run', async () => {
  const template = await it.template([SEQUENCE, failingTries('40P01', '40P01')])
  it.stack.options = { deliverAgainAfterMs: 1_300 }
  expect(await it.stack.create(template)).toBe('CREATE_COMPLETE')
  await it.stack.settled()
  expect(it.stack.responses.map(({ Status }) => Status)).toEqual(['SUCCESS', 'SUCCESS'])
  expect(await it.rows()).toEqual(['b'])
})

test('an event of a deployment that has failed is answered with that, and runs nothing again', async () => {
  // Its second try would succeed.
  const template = await it.template([SEQUENCE, failingTries('22012')])
  expect(await it.stack.create(template)).toBe('ROLLBACK_COMPLETE')
  const [first] = it.stack.responses
  it.stack.deliver(it.stack.events[0] ?? {})
  await it.stack.settled()
  expect(it.stack.responses.at(-1)).toMatchObject({ Status: 'FAILED', Reason: first?.Reason })
  expect(await it.rows()).toEqual(['a'])
  expect(await history()).toEqual([
    { revision: 'a', outcome: 'done' },
    { revision: 'b', outcome: 'failed' },
  ])
})

test('a revision that is denied something fails the deployment at once, although permissions may come late', async () => {
  const denied = "do $$ begin raise exception 'no (AccessDeniedException)'; end $$"
  const template = await it.template([{ id: 'b', sql: denied }])
  expect(await it.stack.create(template)).toBe('ROLLBACK_COMPLETE')
  expect(it.stack.responses[0]?.Reason).toContain('no (AccessDeniedException) (SQLSTATE P0001)')
  expect(it.output.filter((line) => line.includes('"Runs":1'))).toHaveLength(1)
})

test('a life that ends while a revision is retried is followed by the next', async () => {
  // Its first try takes most of a life, so the time is up in its second one.
  const slow = `do $$ declare n bigint := nextval('tries'); begin
    if n < 3 then perform pg_sleep(1.7); end if;
    if n = 1 then raise exception 'in the way' using errcode = '40P01'; end if;
    create table t_b (id integer); end $$`
  it.stack.options = { functionTimeoutMs: SHORT_LIFE_MS }
  const template = await it.template([SEQUENCE, { id: 'b', down: 'a', sql: slow }])
  expect(await it.stack.create(template)).toBe('CREATE_COMPLETE')
  expect(await history()).toEqual(DONE)
  expect(it.output.filter((line) => line.includes('"Runs":1'))).toHaveLength(2)
})

test('a row of a failure does not outweigh the row of the same revision being applied', async () => {
  const template = await it.template([SEQUENCE, failingTries('22012')])
  expect(await it.stack.create(template)).toBe('ROLLBACK_COMPLETE')
  // Another delivery of the same event had tried the revision before the failure was written, and succeeded.
  const [{ run_id: runId } = {}] = await it.sql(
    "select run_id from alembic_version_history where outcome = 'failed'",
  )
  const { invoke } = await handlersOf([SEQUENCE, failingTries('22012')])
  await invoke({ command: 'upgrade', target: 'heads', runId: String(runId) })
  it.stack.deliver(it.stack.events[0] ?? {})
  await it.stack.settled()
  expect(it.stack.responses.at(-1)).toMatchObject({ Status: 'SUCCESS', Data: { To: 'b' } })
})

describe('a pipeline action', () => {
  let pipeline: CodePipelineStandIn
  beforeEach(async () => {
    pipeline = await CodePipelineStandIn.start()
    it.environment({ AWS_ENDPOINT_URL_CODEPIPELINE: pipeline.endpoint })
    return () => pipeline[Symbol.asyncDispose]()
  })

  test('whose revision was retried is reported succeeded', async () => {
    const { codepipeline } = await handlersOf([SEQUENCE, failingTries('40001')])
    await pipeline.run(codepipeline)
    expect(pipeline.results).toMatchObject([
      { operation: 'PutJobSuccessResult', outputVariables: { from: 'base', to: 'b', steps: '2' } },
    ])
  })
})
