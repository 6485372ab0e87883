import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { Caller, refusal } from './data-api-caller.ts'

let aurora: LocalAurora
let caller: Caller
let secrets: SecretsManagerClient

beforeAll(async () => {
  aurora = await testAurora()
  caller = new Caller(aurora, await newDatabase(aurora))
  secrets = new SecretsManagerClient({
    region: aurora.region,
    endpoint: aurora.endpoint,
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  })
})

afterAll(() => aurora.stop())

async function secretValue(SecretId: string) {
  const { SecretString, ...rest } = await secrets.send(new GetSecretValueCommand({ SecretId }))
  return { ...rest, value: JSON.parse(SecretString ?? '') }
}

describe('the default secret', () => {
  test('has the shape of one attached to a cluster', async () => {
    const { port, hostname } = new URL(aurora.postgresUrl)
    const secret = await secretValue(aurora.secretArn)
    expect(secret.value).toEqual({
      username: 'migrator',
      password: expect.stringMatching(/^[0-9a-f]{64}$/),
      engine: 'postgres',
      host: hostname,
      port: Number(port),
      dbClusterIdentifier: aurora.clusterArn.split(':').at(-1),
    })
    expect(secret).toMatchObject({
      ARN: aurora.secretArn,
      Name: 'local-aurora/migrator',
      VersionStages: ['AWSCURRENT'],
      CreatedDate: expect.any(Date),
    })
  })

  test('belongs to a role that owns its databases, has the rights of a master user and is no superuser', async () => {
    const { records } = await caller.execute(
      "select current_user::text, rolsuper, current_setting('is_superuser'), rolcreatedb, rolcreaterole, pg_has_role('pg_monitor', 'usage'), pg_has_role('pg_signal_backend', 'usage') from pg_roles where rolname = current_user",
    )
    expect(
      records?.[0]?.map(({ stringValue, booleanValue }) => stringValue ?? booleanValue),
    ).toEqual(['migrator', false, 'off', true, true, true, true])
    await caller.execute('create table public.owned (a int)')
    const superuser = caller.execute('create role other superuser')
    expect((await refusal(superuser)).message).toMatch(/42501$/)
  })

  test('can be named by its name as well', async () => {
    const { base } = caller
    const byName = await caller.execute('select 1', {
      secretArn: 'local-aurora/migrator',
      resourceArn: base.resourceArn,
    })
    expect(byName.records).toEqual([[{ longValue: 1 }]])
    expect((await secretValue('local-aurora/migrator')).ARN).toBe(aurora.secretArn)
  })

  test('has the same password for every server on one PostgreSQL', async () => {
    await using other = await testAurora()
    expect(await new Caller(other, caller.base.database).value('select 1')).toEqual({
      longValue: 1,
    })
    expect(await caller.value('select 1')).toEqual({ longValue: 1 })
  })
})

describe('the login of the secret is used', () => {
  const withSecret = (secretArn: string) =>
    caller.execute('select current_user::text', { secretArn })

  test('a wrong password is refused by PostgreSQL', async () => {
    const arn = aurora.putSecret('wrong', { username: 'migrator', password: 'wrong' })
    expect(await refusal(withSecret(arn))).toMatchObject({
      name: 'DatabaseErrorException',
      message: 'FATAL: password authentication failed for user "migrator"; SQLState: 28P01',
      status: 400,
    })
  })

  test('another user, and a rotation of its password', async () => {
    const superuser = await connect(aurora, 'postgres')
    const user = `rotated_${process.pid}`
    await superuser.query(`create role ${user} login password 'first'`)
    const arn = aurora.putSecret('rotating', { username: user, password: 'first' })
    expect((await withSecret(arn)).records).toEqual([[{ stringValue: user }]])
    await superuser.query(`alter role ${user} password 'second'`)
    expect(aurora.putSecret('rotating', { username: user, password: 'second' })).toBe(arn)
    expect((await withSecret(arn)).records).toEqual([[{ stringValue: user }]])
    await superuser.query(`drop role ${user}`)
  })

  test('dbname is the database of a call that names none', async () => {
    const secret = await secretValue(aurora.secretArn)
    const arn = aurora.putSecret('with-dbname', { ...secret.value, dbname: caller.base.database })
    const call = { secretArn: arn, database: undefined }
    expect(await caller.value('select current_database()', call)).toEqual({
      stringValue: caller.base.database,
    })
  })

  test.each([
    ['no JSON', 'user:password'],
    ['no password', { username: 'migrator' }],
    ['no user', { password: 'x' }],
  ])('a secret with %s is invalid', async (_, value) => {
    const arn = aurora.putSecret('invalid', value)
    expect(await refusal(withSecret(arn))).toMatchObject({
      name: 'InvalidSecretException',
      status: 400,
    })
  })

  test('an unknown secret', async () => {
    expect(await refusal(withSecret('nobody/knows'))).toMatchObject({
      name: 'SecretsErrorException',
      message: "Secrets Manager can't find the specified secret: nobody/knows",
      status: 400,
    })
  })
})

describe('GetSecretValue', () => {
  test('an unknown secret', async () => {
    expect(await refusal(secretValue('nobody/knows'))).toMatchObject({
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret.",
      status: 400,
    })
  })

  test('the previous version stays readable by its stage', async () => {
    aurora.putSecret('staged', 'one')
    const current = await secrets.send(new GetSecretValueCommand({ SecretId: 'staged' }))
    aurora.putSecret('staged', 'two')
    const previous = await secrets.send(
      new GetSecretValueCommand({ SecretId: 'staged', VersionStage: 'AWSPREVIOUS' }),
    )
    expect(previous).toMatchObject({ SecretString: 'one', VersionId: current.VersionId })
    const byVersion = new GetSecretValueCommand({
      SecretId: 'staged',
      VersionId: current.VersionId,
    })
    expect((await secrets.send(byVersion)).VersionStages).toEqual(['AWSPREVIOUS'])
    const pending = new GetSecretValueCommand({ SecretId: 'staged', VersionStage: 'AWSPENDING' })
    expect((await refusal(secrets.send(pending))).name).toBe('ResourceNotFoundException')
  })
})

describe('the cluster', () => {
  test.each([
    ['another one', (arn: string) => `${arn}-2`],
    ['other case', (arn: string) => arn.toUpperCase()],
  ])('%s has no HTTP endpoint', async (_, change) => {
    const resourceArn = change(aurora.clusterArn)
    expect(await refusal(caller.execute('select 1', { resourceArn }))).toMatchObject({
      name: 'HttpEndpointNotEnabledException',
      message: `HttpEndpoint isn't enabled for cluster ${resourceArn.split(':').at(-1)}`,
      status: 400,
    })
  })

  test.each(['resourceArn', 'secretArn'] as const)(
    'and the secret have ARNs of 11 to 570 characters: %s',
    async (member) => {
      const invalid = (least: string) => ({
        name: 'ValidationException',
        message: `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must have length ${least}`,
        status: 400,
      })
      const call = (length: number) =>
        refusal(caller.execute('select 1', { [member]: 'x'.repeat(length) }))
      expect(await call(10)).toMatchObject(invalid('greater than or equal to 11'))
      expect(await call(571)).toMatchObject(invalid('less than or equal to 570'))
      expect((await call(11)).name).not.toBe('ValidationException')
    },
  )

  test('commit and rollback check it as well', async () => {
    const transactionId = await caller.begin()
    const response = await fetch(`${aurora.endpoint}/CommitTransaction`, {
      method: 'POST',
      headers: { authorization: 'AWS4-HMAC-SHA256 any' },
      body: JSON.stringify({ ...caller.base, resourceArn: 'arn:aws:rds:x', transactionId }),
    })
    expect(response.headers.get('x-amzn-errortype')).toMatch(/^HttpEndpointNotEnabledException:/)
    await caller.rollback(transactionId)
  })
})

test('the environment is what the SDK and the Lambda read', () => {
  expect(aurora.environment('shop')).toEqual({
    AWS_REGION: aurora.region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_RDS_DATA: aurora.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aurora.endpoint,
    CLUSTER_ARN: aurora.clusterArn,
    SECRET_ARN: aurora.secretArn,
    DATABASE: 'shop',
  })
})

test('a database that exists is not made again', async () => {
  await expect(aurora.createDatabase(caller.base.database)).rejects.toThrow('already exists')
  const odd = `odd "name" ${process.pid}`
  await aurora.createDatabase(odd)
  expect(await new Caller(aurora, odd).value('select current_database()')).toEqual({
    stringValue: odd,
  })
})
