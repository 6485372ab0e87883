import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import * as rds from 'aws-cdk-lib/aws-rds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AuroraMigrations, type AuroraMigrationsProps } from '../../infra/index.ts'
import { migrationsFolder, type RevisionText, revisionText } from '../bundled-revisions.ts'
import { ELSEWHERE, shopCluster, shopStack } from './shop-stack.ts'

let migrations: string
beforeAll(async () => {
  migrations = await migrationsFolder([{ id: 'a' }, { id: 'b', down: 'a' }, { id: 'c', down: 'a' }])
})
afterAll(() => rm(migrations, { recursive: true, force: true }))

const construct = (props: Partial<AuroraMigrationsProps>, stack: Stack = shopStack()) =>
  new AuroraMigrations(stack, 'Migrations', { migrations, database: 'shop', ...props })

const { clusterArn, secretArn } = ELSEWHERE

describe('a prop that is wrong is named with the fix', () => {
  test.each<[Partial<AuroraMigrationsProps>, string]>([
    [
      { secretArn },
      'Shop/Migrations: cluster and clusterArn are not given: give one of them, cluster for a construct of this app',
    ],
    [
      { secretArn, clusterArn: 'shop' },
      "Shop/Migrations: clusterArn is 'shop': it must be arn:aws:rds:<region>:<account>:cluster:<name>",
    ],
    [
      { clusterArn },
      'Shop/Migrations: the secret is unknown: give secret or secretArn, or a cluster with credentials: rds.Credentials.fromGeneratedSecret(<user>)',
    ],
    [
      { clusterArn, secretArn: secretArn.slice(0, -7) },
      `Shop/Migrations: secretArn is '${secretArn.slice(0, -7)}': it must be complete, arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>`,
    ],
    [
      { clusterArn, secretArn, database: '' },
      "Shop/Migrations: database is '': it must be the name of a database in the cluster, of 1 to 63 bytes",
    ],
    [
      { clusterArn, secretArn, versionTable: 'v'.repeat(56) },
      `Shop/Migrations: versionTable is '${'v'.repeat(56)}': it must be a name of 1 to 55 bytes`,
    ],
    [
      { clusterArn, secretArn, versionTableSchema: '' },
      "Shop/Migrations: versionTableSchema is '': it must be a name of 1 to 55 bytes",
    ],
    [
      { clusterArn, secretArn, trustedOwners: ['dba', 'a,b'] },
      "Shop/Migrations: trustedOwners holds 'a,b': each must be the name of one role",
    ],
    [
      { clusterArn, secretArn, trustedOwners: [''] },
      "Shop/Migrations: trustedOwners holds '': each must be the name of one role",
    ],
    [
      { clusterArn, secretArn, migrations: 'nowhere' },
      `Shop/Migrations: migrations: there is no folder ${path.resolve('nowhere')}`,
    ],
  ])('%j', (props, message) => {
    expect(() => construct(props)).toThrow(new Error(message))
  })

  const far = {
    region: clusterArn.replace('eu-central-1', 'eu-west-1'),
    account: clusterArn.replace('123456789012', '210987654321'),
  }
  const env = { region: 'eu-central-1', account: '123456789012' }
  const ONE = 'stack, cluster and secret must be in one region and one account'
  test.each<[Partial<AuroraMigrationsProps>, object, string]>([
    [
      { clusterArn: far.region, secretArn },
      {},
      'secretArn is in region eu-central-1 and clusterArn in region eu-west-1',
    ],
    [
      { clusterArn: far.account, secretArn },
      {},
      'secretArn is in account 123456789012 and clusterArn in account 210987654321',
    ],
    [
      { clusterArn, secretArn },
      { region: 'eu-west-1' },
      'clusterArn is in region eu-central-1 and the stack in region eu-west-1',
    ],
    [
      { clusterArn, secretArn },
      { ...env, account: '210987654321' },
      'clusterArn is in account 123456789012 and the stack in account 210987654321',
    ],
  ])('when %j is elsewhere than a stack of %j', (props, place, message) => {
    const stack = new Stack(new App({ builtinCloudFormationValidation: false }), 'Shop', {
      env: place,
    })
    expect(() => construct(props, stack)).toThrow(`Shop/Migrations: ${message}: ${ONE}`)
  })

  test('and not when the places are one, or not known', () => {
    const stack = (place: object = {}) =>
      new Stack(new App({ builtinCloudFormationValidation: false }), 'Shop', { env: place })
    construct({ clusterArn, secretArn }, stack(env))
    construct({ clusterArn, secretArn }, stack())
    const own = stack({ region: 'eu-west-1' })
    construct({ cluster: shopCluster(own) }, own)
  })

  test('when the cluster is a construct of a stack in another region', () => {
    const app = new App({ builtinCloudFormationValidation: false })
    const there = new Stack(app, 'There', { env: { region: 'eu-west-1' } })
    const here = new Stack(app, 'Here', { env: { region: 'eu-central-1' } })
    const cluster = shopCluster(there)
    expect(() => construct({ cluster }, here)).toThrow(
      `Here/Migrations: cluster is in region eu-west-1 and the stack in region eu-central-1: ${ONE}`,
    )
  })

  test('when a cluster is named twice', () => {
    const stack = shopStack()
    const cluster = shopCluster(stack)
    expect(() => construct({ cluster, clusterArn }, stack)).toThrow(
      'cluster and clusterArn are both given: give one of them',
    )
  })

  test('when the cluster is of another engine', () => {
    const stack = shopStack()
    const engine = rds.DatabaseClusterEngine.auroraMysql({
      version: rds.AuroraMysqlEngineVersion.VER_3_08_0,
    })
    const cluster = shopCluster(stack, { engine })
    expect(() => construct({ cluster }, stack)).toThrow(
      'cluster has the engine aurora-mysql: only Aurora PostgreSQL is supported',
    )
  })

  test('when the Data API of the cluster is off, which is known at the end', () => {
    const app = new App()
    const stack = new Stack(app, 'Shop')
    construct({ cluster: shopCluster(stack, { enableDataApi: false }) }, stack)
    expect(() => app.synth()).toThrow(
      'cluster has no Data API: set enableDataApi: true on Shop/Cluster',
    )
  })
})

describe('a target that is wrong is named with the fix', () => {
  let here: AuroraMigrations
  beforeAll(() => {
    here = construct({ clusterArn, secretArn })
  })

  test.each([
    ['head', /^Shop\/Migrations: runOnDeploy: .*multiple.*heads/i],
    ['nowhere', /^Shop\/Migrations: runOnDeploy: Can't locate revision identified by 'nowhere'/],
    ['+1', /^Shop\/Migrations: runOnDeploy: target is '\+1', which counts from what is applied/],
  ])('%s', (target, message) => {
    expect(() => here.runOnDeploy({ target })).toThrow(message)
    expect(() => here.pipelineAction({ actionName: 'Migrate', target })).toThrow(/pipelineAction: /)
    expect(() => here.pipelineStep('Migrate', { target })).toThrow(/pipelineStep: /)
  })
})

describe('revisions that are wrong stop the synthesis', () => {
  const broken = async (
    revisions: readonly RevisionText[],
    change: (folder: string) => Promise<unknown> = () => Promise.resolve(),
  ) => {
    const folder = await migrationsFolder(revisions)
    try {
      await change(folder)
      construct({ clusterArn, secretArn, migrations: folder })
      return 'no error'
    } catch (error) {
      return (error as Error).message
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  test('with a parent that is not there', async () => {
    expect(await broken([{ id: 'a' }, { id: 'b', down: 'gone' }])).toMatch(
      /^Shop\/Migrations: migrations: Revision 'gone' referenced from downRevision of b \(b\.ts\) is not present/,
    )
  })

  test('with a cycle', async () => {
    expect(
      await broken([
        { id: 'a', down: 'b' },
        { id: 'b', down: 'a' },
      ]),
    ).toMatch(/^Shop\/Migrations: migrations: Cycle is detected in revisions \(b, a\)/)
  })

  test.each([
    ['ends the process', 'process.exit(0)'],
    ['waits at its top for what never comes', 'await new Promise(() => {})'],
  ])('with a file whose code %s', async (_, code) => {
    const ending = (folder: string) =>
      writeFile(path.join(folder, 'a.ts'), `${code}\n${revisionText({ id: 'a' })}`)
    expect(await broken([{ id: 'a' }], ending)).toMatch(
      /^Shop\/Migrations: migrations: bundling ended with the exit code (?:0|13) and without a result: the code of a revision file ends the process, or waits at its top for what never comes/,
    )
  })

  test('with one id twice', async () => {
    const twice = (folder: string) =>
      writeFile(path.join(folder, 'again.ts'), revisionText({ id: 'a' }))
    expect(await broken([{ id: 'a' }], twice)).toMatch(
      /^Shop\/Migrations: migrations: Revision a is present more than once: a\.ts and again\.ts/,
    )
  })

  test('without a downgrade', async () => {
    const forget = (folder: string) =>
      writeFile(
        path.join(folder, 'a.ts'),
        "export default { revision: 'a', downRevision: null, doc: 'x', upgrade() {} }",
      )
    expect(await broken([{ id: 'a' }], forget)).toBe(
      'Shop/Migrations: migrations: revision a (a.ts) has no downgrade: write downgrade(op) { … }, or downgrade: null if it cannot be taken back',
    )
  })

  test('with a file that cannot be bundled, and one that cannot be loaded', async () => {
    const bad = (text: string) => (folder: string) => writeFile(path.join(folder, 'a.ts'), text)
    expect(await broken([{ id: 'a' }], bad('export default {'))).toMatch(
      /^Shop\/Migrations: migrations: \S+\/a\.ts:1:17: Expected identifier but found end of file$/,
    )
    expect(
      await broken([{ id: 'a' }], bad("throw new Error('at once'); export default {}")),
    ).toMatch(
      /^Shop\/Migrations: migrations: the revisions of \S+ cannot be loaded at a\.ts:1: at once$/,
    )
  })
})
