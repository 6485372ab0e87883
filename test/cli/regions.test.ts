import { devNull } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { createInvoke } from '../../lambda/handlers/index.ts'
import { httpStandIn } from '../http-stand-in.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { tableRevision } from '../runner-fixture.ts'
import { cli, ROOT } from './cli-process.ts'
import { FUNCTION, functionStandIn, signedRegion } from './function-stand-in.ts'

// Each test starts programs, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let aurora: LocalAurora
let database: string
beforeAll(async () => {
  aurora = await testAurora()
  database = await newDatabase(aurora)
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await aurora.stop()
})

/** No region and no profile that the shell or the home of the person may have. */
const NOWHERE = {
  AWS_REGION: '',
  AWS_DEFAULT_REGION: '',
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
}
const ARN = `arn:aws:lambda:eu-west-3:123456789012:function:${FUNCTION}`
const deployed = () => functionStandIn(createInvoke([tableRevision('a', null)]))

describe('a command on a function', () => {
  test.each([
    ['its ARN', ARN, 'eu-west-3'],
    ['its name', FUNCTION, 'eu-central-1'],
  ])('named by %s is signed for its region', async (_, name, region) => {
    await using lambda = await deployed()
    const { code, stderr } = await cli(['current', '--function', name], lambda.environment)
    expect(code, stderr).toBe(0)
    expect(new Set(lambda.regions)).toEqual(new Set([region]))
  })

  test('needs no other region than the one in its ARN', async () => {
    await using lambda = await deployed()
    const env = { ...lambda.environment, ...NOWHERE }
    const { code, stderr } = await cli(['current', '--function', ARN], env)
    expect(code, stderr).toBe(0)
  })

  test.each([['upgrade'], ['downgrade', '-1', '--yes'], ['current']])(
    'without a region, or credentials, is not begun, and says so: %s',
    async (...command) => {
      await using lambda = await deployed()
      const args = [...command, '--function', FUNCTION]
      expect(await cli(args, { ...lambda.environment, ...NOWHERE })).toEqual({
        code: 2,
        stdout: '',
        stderr: `error: the region of function ${FUNCTION} is not known: set AWS_REGION, or name the function by its ARN\n`,
      })
      const { code, stdout, stderr } = await cli(args, {
        ...lambda.environment,
        ...NOWHERE,
        AWS_REGION: 'eu-central-1',
        AWS_PROFILE: 'nobody',
      })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`error: there are no credentials to invoke function ${FUNCTION}: `)
      expect(stderr).not.toContain('may still be at work')
      expect(lambda.events).toEqual([])
    },
  )
})

describe('a command on a cluster', () => {
  const onCluster = (clusterArn: string) => [
    'current',
    ...['--migrations', path.join(ROOT, 'migrations'), '--cluster-arn', clusterArn],
    ...['--secret-arn', aurora.secretArn, '--database', database],
  ]

  test('is signed for the region of the ARN, whatever the shell says', async () => {
    const regions = new Set<string>()
    await using proxy = await httpStandIn(async ({ method, url, headers, body }) => {
      regions.add(signedRegion(headers))
      const sent = Object.entries(headers).filter(([name]) => !/^(host|connection)$/.test(name))
      const init = { method, headers: sent as [string, string][], body }
      const answer = await fetch(`${aurora.endpoint}${url}`, init)
      return { status: answer.status, body: await answer.text() }
    })
    const { code, stderr } = await cli(onCluster(aurora.clusterArn), {
      AWS_REGION: 'eu-north-1',
      AWS_ENDPOINT_URL_RDS_DATA: proxy.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: proxy.endpoint,
    })
    expect(code, stderr).toBe(0)
    expect(regions).toEqual(new Set(['us-east-1']))
  })

  test.each([
    ['us-east-1', 'eu-west-1', 'eu-west-1 of account 123456789012'],
    ['123456789012', '210987654321', 'us-east-1 of account 210987654321'],
  ])('is not begun when the secret is elsewhere (%s, %s)', async (here, there, place) => {
    const result = await cli(onCluster(aurora.clusterArn.replace(here, there)), {})
    expect(result).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: --cluster-arn is in ${place} and --secret-arn in us-east-1 of account 123456789012: the Data API reads the secrets of its own region and account\n`,
    })
  })
})
