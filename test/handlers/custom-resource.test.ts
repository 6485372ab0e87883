import { describe, expect, test, vi } from 'vitest'
import { refusingDataApi } from '../refusing-data-api.ts'
import { callNames } from '../runner-fixture.ts'
import { SIGNATURE } from '../secret-texts.ts'
import {
  A,
  B,
  FAILING,
  FIXED,
  handlersOf,
  LOG_GROUP,
  useDeployment,
} from './custom-resource-fixture.ts'

const it = useDeployment()

const calls = () => callNames(it.aurora.calls.forDatabase(it.database))
const lastResponse = () => it.stack.responses.at(-1)

describe('create', () => {
  test('applies every revision and answers with a physical id that never changes', async () => {
    const template = await it.template([A, B])
    expect(await it.stack.create(template)).toBe('CREATE_COMPLETE')
    expect(await it.rows()).toEqual(['b'])
    expect(lastResponse()).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: `aurora-migrations/local-aurora/${it.database}/public.alembic_version`,
      Data: { From: 'base', To: 'b', Steps: '2' },
    })
    expect(await it.stack.update(await it.template([A, B, FIXED]))).toBe('UPDATE_COMPLETE')
    const ids = it.stack.responses.map(({ PhysicalResourceId }) => PhysicalResourceId)
    expect(new Set(ids).size).toBe(1)
  })

  test('that fails is FAILED with one line, and the Delete after it touches nothing', async () => {
    const template = await it.template([A, B, FAILING])
    expect(await it.stack.create(template)).toBe('ROLLBACK_COMPLETE')
    const [failed, gone] = it.stack.responses
    expect(failed?.Reason).toBe(
      `upgrade of c (doc of c) failed: division by zero (SQLSTATE 22012); statement: select 1/0; nothing of it is committed; applied before it: a, b; log group ${LOG_GROUP}; correct the revision c and deploy again\n\nLogs: /aws/lambda/isComplete\n`,
    )
    expect(failed?.PhysicalResourceId).toContain('local-aurora')
    expect(gone?.Status).toBe('SUCCESS')
    expect(await it.rows()).toEqual(['b'])
    expect(await it.stack.create(await it.template([A, B, FIXED]))).toBe('CREATE_COMPLETE')
  })

  test('with a request that cannot be right fails before any call', async () => {
    const { handlers, properties } = await it.template([A])
    for (const [Target, reason] of [
      ['', `the property Target of the custom resource is "": it must be a text such as 'heads'`],
      ['nowhere', "Can't locate revision identified by 'nowhere'"],
      ['+1', "target is '+1', which counts from what is applied"],
    ] as const) {
      const template = { handlers, properties: { ...properties, Target } }
      expect(await it.stack.create(template)).toBe('ROLLBACK_COMPLETE')
      const [failed] = it.stack.responses.splice(0)
      expect(failed?.Reason).toContain(reason)
      expect(failed?.PhysicalResourceId).toBe(
        'AWSCDK::CustomResourceProviderFramework::CREATE_FAILED',
      )
    }
    expect(calls()).toEqual([])
  })
})

describe('update', () => {
  test('with new revisions applies these', async () => {
    await it.stack.create(await it.template([A]))
    expect(await it.stack.update(await it.template([A, B]))).toBe('UPDATE_COMPLETE')
    expect(lastResponse()).toMatchObject({ Data: { From: 'a', To: 'b', Steps: '1' } })
    expect(await it.rows()).toEqual(['b'])
  })

  test('without new revisions makes no call at all', async () => {
    await it.stack.create(await it.template([A]))
    it.aurora.calls.clear()
    expect(await it.stack.update(await it.template([A]))).toBe('UPDATE_COMPLETE')
    expect(it.stack.events).toHaveLength(1)
    expect(calls()).toEqual([])
  })

  test('that fails is rolled back: the older bundle lets the newer database be, with a warning', async () => {
    await it.stack.create(await it.template([A]))
    expect(await it.stack.update(await it.template([A, B, FAILING]))).toBe(
      'UPDATE_ROLLBACK_COMPLETE',
    )
    expect(it.stack.responses.map(({ Status }) => Status)).toEqual(['SUCCESS', 'FAILED', 'SUCCESS'])
    expect(await it.rows()).toEqual(['b'])
    expect(it.output.join('')).toContain(
      'the database is ahead of this bundle: a newer one has applied b after everything this one has; nothing was run and nothing was downgraded',
    )
    expect(await it.stack.update(await it.template([A, B, FIXED]))).toBe('UPDATE_COMPLETE')
    expect(await it.rows()).toEqual(['c'])
  })

  test('that another resource rolls back leaves the database ahead, and comes back with the next', async () => {
    await it.stack.create(await it.template([A]))
    const newer = await it.template([A, B])
    expect(await it.stack.update(newer, true)).toBe('UPDATE_ROLLBACK_COMPLETE')
    expect(await it.rows()).toEqual(['b'])
    expect(await it.stack.update(newer)).toBe('UPDATE_COMPLETE')
    expect(lastResponse()).toMatchObject({ Data: { From: 'b', To: 'b', Steps: '0' } })
  })
})

describe('a database with rows that this bundle does not know', () => {
  const LOST = /^Can't locate revision identified by 'zzz', which the version table holds/

  test('is refused when the history does not tell where they come from', async () => {
    await it.stack.create(await it.template([A]))
    await it.sql("update alembic_version set version_num = 'zzz'")
    const response = await it.stack.send(
      'Update',
      (await it.template([A, B])).properties,
      (await it.template([A])).properties,
    )
    expect(response).toMatchObject({ Status: 'FAILED', Reason: expect.stringMatching(LOST) })
    expect(await it.rows()).toEqual(['zzz'])
  })

  test("is refused when they are another team's, applied beside or before ours", async () => {
    const other = { id: 'zzz' }
    await it.stack.create(await it.template([other]))
    const ours = await it.template([A])
    expect(await it.stack.update(ours)).toBe('UPDATE_ROLLBACK_COMPLETE')
    expect(it.stack.responses[1]).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(LOST),
    })
    expect(await it.rows()).toEqual(['zzz'])
  })

  test('is refused when the heads of this bundle were not all applied before them', async () => {
    await it.stack.create(await it.template([A]))
    const branched = [A, { id: 'zzz', down: 'a' }]
    await it.stack.update(await it.template(branched))
    expect(await it.stack.update(await it.template([A, B]))).toBe('UPDATE_ROLLBACK_COMPLETE')
    expect(it.stack.responses.at(-2)).toMatchObject({ Reason: expect.stringMatching(LOST) })
  })

  test('is refused on Create, wherever they come from', async () => {
    await it.stack.create(await it.template([A]))
    await it.stack.update(await it.template([A, { id: 'zzz', down: 'a' }]))
    expect(await it.stack.create(await it.template([A]))).toBe('ROLLBACK_COMPLETE')
    expect(it.stack.responses.at(-2)).toMatchObject({ Reason: expect.stringMatching(LOST) })
  })
})

describe('delete', () => {
  test('is a success that needs neither database, nor secret, nor configuration', async () => {
    await it.stack.create(await it.template([A]))
    it.environment({ SECRET_ARN: '', CLUSTER_ARN: 'nonsense', AWS_ENDPOINT_URL_RDS_DATA: 'x:' })
    it.aurora.calls.clear()
    expect(await it.stack.delete()).toBe('DELETE_COMPLETE')
    expect(it.aurora.calls.all).toEqual([])
  })

  test.each([
    'AWSCDK::CustomResourceProviderFramework::CREATE_FAILED',
    'shop-Migrations-1A2B3C4D5E6F',
    'aurora-migrations/another/database/public.alembic_version',
  ])('is a success for %s, which no Create has answered', async (physicalId) => {
    await it.stack.create(await it.template([A]))
    it.aurora.calls.clear()
    expect(await it.stack.delete(physicalId)).toBe('DELETE_COMPLETE')
    expect(lastResponse()).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: physicalId })
    expect(it.aurora.calls.all).toEqual([])
  })
})

describe('an event that is delivered twice', () => {
  test('at once applies each revision once and answers alike', async () => {
    it.stack.options = { deliverAgainAfterMs: 0 }
    expect(await it.stack.create(await it.template([A, B]))).toBe('CREATE_COMPLETE')
    await it.stack.settled()
    expect(it.stack.responses).toHaveLength(2)
    expect(it.stack.responses[1]).toMatchObject({ Status: 'SUCCESS', Data: { To: 'b' } })
    const history = await it.sql(
      "select revision from alembic_version_history where outcome = 'done' order by seq",
    )
    expect(history).toEqual([{ revision: 'a' }, { revision: 'b' }])
  })

  test('a second time while the first is still at work waits for it and runs nothing', async () => {
    const slow = { ...B, sql: 'do $$ begin perform pg_sleep(2); end $$' }
    it.stack.options = { deliverAgainAfterMs: 700 }
    expect(await it.stack.create(await it.template([A, slow]))).toBe('CREATE_COMPLETE')
    await it.stack.settled()
    expect(it.stack.responses).toHaveLength(2)
    expect(it.stack.responses[1]).toMatchObject({
      Status: 'SUCCESS',
      Data: { From: 'base', To: 'b', Steps: '2' },
    })
    expect(calls().filter((call) => call === 'CommitTransaction')).toHaveLength(2)
  })

  test('of another run that is waited for reports the steps between its From and its To', async () => {
    const slow = { ...A, sql: 'do $$ begin perform pg_sleep(2); end $$' }
    const { invoke } = await handlersOf([slow, B])
    const other = invoke({ command: 'upgrade', target: 'heads' })
    await vi.waitUntil(() => calls().includes('BeginTransaction'))
    expect(await it.stack.create(await it.template([slow, B]))).toBe('CREATE_COMPLETE')
    expect(await other).toMatchObject({ status: 'succeeded' })
    expect(lastResponse()).toMatchObject({ Data: { From: 'base', To: 'b', Steps: '2' } })
  })

  test('is answered with the failure of the first, while it waits for it and later', async () => {
    const slow = {
      ...B,
      sql: "do $$ begin perform pg_sleep(1.5); raise exception 'no'; end $$",
    }
    it.stack.options = { deliverAgainAfterMs: 700 }
    expect(await it.stack.create(await it.template([A, slow]))).toBe('ROLLBACK_COMPLETE')
    await it.stack.settled()
    it.stack.deliver(it.stack.events[0] ?? {})
    await it.stack.settled()
    const failed = it.stack.responses.filter(({ Status }) => Status === 'FAILED')
    expect(failed).toHaveLength(3)
    expect(new Set(failed.map(({ Reason }) => Reason)).size).toBe(1)
    expect(failed[0]?.Reason).toMatch(/^upgrade of b \(doc of b\) failed: no \(SQLSTATE P0001\)/)
    expect(await it.rows()).toEqual(['a'])
  })

  test('long after it was done is answered with its outcome, whatever was done by hand since', async () => {
    const template = await it.template([A, B])
    await it.stack.create(template)
    const { invoke } = await handlersOf([A, B])
    expect(await invoke({ command: 'downgrade', target: 'base' })).toMatchObject({ to: [] })
    it.stack.deliver(it.stack.events[0] ?? {})
    await it.stack.settled()
    expect(lastResponse()).toMatchObject({ Data: { From: 'base', To: 'b', Steps: '2' } })
    expect(await it.rows()).toEqual([])
  })
})

describe('a database that cannot be used', () => {
  test('without a writer yet is waited for', async () => {
    await using api = await refusingDataApi(it.aurora.endpoint, {
      status: 404,
      exception: 'DatabaseNotFoundException',
      message: 'Cannot find DBInstance in DBCluster',
      untilMs: 2_000,
    })
    it.environment({ AWS_ENDPOINT_URL_RDS_DATA: api.endpoint })
    expect(await it.stack.create(await it.template([A]))).toBe('CREATE_COMPLETE')
    expect(api.refused).toBeGreaterThan(1)
  })

  test('that never gets a writer fails before the function ends, and says so', async () => {
    await using api = await refusingDataApi(it.aurora.endpoint, {
      status: 404,
      exception: 'DatabaseNotFoundException',
      message: 'Cannot find DBInstance in DBCluster',
    })
    it.environment({ AWS_ENDPOINT_URL_RDS_DATA: api.endpoint })
    it.stack.options = { functionTimeoutMs: 5_000 }
    expect(await it.stack.create(await it.template([A]))).toBe('ROLLBACK_COMPLETE')
    expect(it.stack.responses[0]?.Reason).toContain(
      'Cannot find DBInstance in DBCluster (DatabaseNotFoundException): the cluster has no writer instance yet: run this when it has one',
    )
  })

  test('is waited for while permissions made by the same deployment are not in force yet', async () => {
    const denied = { status: 403, exception: 'AccessDeniedException', message: 'not authorized' }
    await using api = await refusingDataApi(it.aurora.endpoint, { ...denied, untilMs: 300 })
    it.environment({ AWS_ENDPOINT_URL_RDS_DATA: api.endpoint })
    expect(await it.stack.create(await it.template([A]))).toBe('CREATE_COMPLETE')
    await using never = await refusingDataApi(it.aurora.endpoint, denied)
    it.environment({ AWS_ENDPOINT_URL_RDS_DATA: never.endpoint })
    it.stack.options = { elapsedMs: 61_000 }
    expect(await it.stack.update(await it.template([A, B]))).toBe('UPDATE_ROLLBACK_FAILED')
    expect(lastResponse()?.Reason).toContain('not authorized (AccessDeniedException)')
  })

  test('whose Data API is off fails at once with the prop to set', async () => {
    await using api = await refusingDataApi(it.aurora.endpoint, {
      status: 400,
      exception: 'HttpEndpointNotEnabledException',
      message: "HttpEndpoint isn't enabled for cluster local-aurora",
    })
    it.environment({ AWS_ENDPOINT_URL_RDS_DATA: api.endpoint })
    expect(await it.stack.create(await it.template([A]))).toBe('ROLLBACK_COMPLETE')
    expect(it.stack.responses[0]?.Reason).toContain(
      "HttpEndpoint isn't enabled for cluster local-aurora (HttpEndpointNotEnabledException): turn on the Data API of the cluster (enableDataApi: true in CDK)",
    )
    expect(api.refused).toBe(1)
  })

  test('whose secret is missing, malformed or of another engine fails with the fix', async () => {
    const { aurora, environment, stack, template } = it
    for (const [name, value, reason] of [
      ['gone', undefined, '(ResourceNotFoundException): check SECRET_ARN and its region'],
      ['text', 'hidden-value', 'is not a JSON object'],
      ['half', { username: 'hidden-value' }, "has no usable 'password'"],
      ['other', { username: 'u', password: 'p', engine: 'mysql' }, "is for the engine 'mysql'"],
    ] as const) {
      const arn =
        value === undefined ? `${aurora.secretArn}-${name}` : aurora.putSecret(name, value)
      environment({ SECRET_ARN: arn })
      expect(await stack.create(await template([A]))).toBe('ROLLBACK_COMPLETE')
      const [failed] = stack.responses.splice(0)
      expect(failed?.Reason).toContain(reason)
      expect(failed?.Reason).not.toContain('hidden-value')
    }
    expect(calls()).not.toContain('BeginTransaction')
  })
})

describe('what is told', () => {
  test('fits into a response whatever the error says', async () => {
    const nasty = `"ü\\é" `.repeat(2_000)
    const long = {
      id: 'r'.repeat(32),
      doc: nasty,
      sql: `do $$ begin raise exception '%', '${nasty}'; end $$`,
    }
    expect(await it.stack.create(await it.template([long]))).toBe('ROLLBACK_COMPLETE')
    const [failed] = it.stack.responses
    const line = failed?.Reason.split('\n')[0] ?? ''
    expect(Buffer.byteLength(JSON.stringify(line)) - 2).toBeLessThanOrEqual(1_500)
    expect(failed?.bytes).toBeLessThan(4_096)
    expect(line).toMatch(/^upgrade of r{32} /)
    expect(line).toContain('SQLSTATE P0001')
    expect(line).toContain('statement: do $$ begin raise')
    expect(
      line.endsWith(`log group ${LOG_GROUP}; correct the revision ${long.id} and deploy again`),
    ).toBe(true)
  })

  test('never holds the response URL, and the metrics of each run', async () => {
    await it.stack.create(await it.template([A, B, FAILING]))
    const written = it.output.join('')
    expect(written).toContain('division by zero')
    expect(written).not.toContain(SIGNATURE)
    const metrics = it.output
      .filter((line) => line.includes('_aws'))
      .map((line) => JSON.parse(line))
    expect(metrics).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [{ Namespace: 'AuroraMigrations', Dimensions: [['Migrations']] }],
        },
        Migrations: 'ShopMigrations',
        Runs: 1,
        Failures: 1,
        PendingRevisions: 1,
        DataApiCalls: expect.any(Number),
      },
    ])
  })
})
