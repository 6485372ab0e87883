import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { App, Validations } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MigrationsStack } from '../../infra/stack.ts'
import { migrationsFolder } from '../bundled-revisions.ts'

let migrations: string
let outdir: string
let stack: MigrationsStack

beforeAll(async () => {
  migrations = await migrationsFolder([{ id: 'a' }])
  outdir = await mkdtemp(path.join(tmpdir(), 'aurora-assembly-'))
  const app = new App({ outdir })
  stack = new MigrationsStack(app, 'Demo', { migrations })
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  app.synth()
})
afterAll(async () => {
  await rm(migrations, { recursive: true, force: true })
  await rm(outdir, { recursive: true, force: true })
})

describe('the sample stack', () => {
  test('has no finding of cdk-nag without a written reason', async () => {
    const { pluginReports } = JSON.parse(
      await readFile(path.join(outdir, 'validation-report.json'), 'utf8'),
    )
    const [report] = pluginReports
    expect(report).toMatchObject({
      pluginName: 'AwsSolutions',
      conclusion: 'success',
      violations: [],
    })
    expect(report.suppressedViolations.length).toBeGreaterThan(5)
    for (const { reason } of report.suppressedViolations) expect(reason).toMatch(/^.{20}/)
  })

  test("has no diagnostic at error level or above of CDK's CloudFormation validator", async () => {
    const require = createRequire(createRequire(import.meta.url).resolve('aws-cdk-lib'))
    const { CompositeEngine, TemplateFile } = require('@aws/cloudformation-validate')
    const engine = new CompositeEngine()
    const file = path.join(outdir, stack.templateFile)
    const { diagnostics } = engine.validateTemplate(new TemplateFile(file))
    engine.free()
    expect(diagnostics).toBeInstanceOf(Array)
    const bad = (diagnostics as { severity: string; ruleId: string; message: string }[])
      .filter(({ severity }) => severity === 'ERROR' || severity === 'FATAL')
      .map(({ ruleId, message }) => `${ruleId} ${message}`)
    expect(bad).toEqual([])
  })

  test('leaves nothing behind when it is destroyed', () => {
    const { Resources } = Template.fromStack(stack).toJSON()
    const kept = Object.entries<{ DeletionPolicy?: string }>(Resources)
      .filter(([, { DeletionPolicy = 'Delete' }]) => DeletionPolicy !== 'Delete')
      .map(([id]) => id)
    expect(kept).toEqual([])
    Template.fromStack(stack).resourceCountIs('AWS::Logs::LogGroup', 4)
  })

  test('makes the smallest cluster there is, which sleeps when nobody asks', () => {
    Template.fromStack(stack).hasResourceProperties('AWS::RDS::DBCluster', {
      Engine: 'aurora-postgresql',
      EnableHttpEndpoint: true,
      ServerlessV2ScalingConfiguration: { MinCapacity: 0, SecondsUntilAutoPause: 300 },
    })
  })
})

describe('the app', () => {
  const app = (context: Record<string, string>, out: string) =>
    spawnSync(
      process.execPath,
      ['--conditions=aurora-migrations-source', path.resolve('infra/app.ts')],
      {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify(context) },
      },
    )

  test('says what to name when nothing is named', () => {
    const { status, stderr } = app({}, outdir)
    expect(status).toBe(1)
    expect(stderr.trim()).toBe(
      'error: name the database with -c clusterArn=… -c secretArn=… -c database=…, or make one with -c demo=true',
    )
  })

  test('takes an existing cluster without an account, a region or a network', async () => {
    const out = path.join(outdir, 'existing')
    const clusterArn = 'arn:aws:rds:eu-central-1:123456789012:cluster:shop'
    const secretArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf'
    const { status, stderr } = app({ clusterArn, secretArn, database: 'shop', migrations }, out)
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const { Resources } = JSON.parse(
      await readFile(path.join(out, 'AuroraMigrations.template.json'), 'utf8'),
    )
    const types = Object.values<{ Type: string }>(Resources).map(({ Type }) => Type)
    expect(types).toContain('Custom::AuroraMigrations')
    expect(types).not.toContain('AWS::RDS::DBCluster')
    const groups = Object.values<{ Type: string; DeletionPolicy?: string }>(Resources).filter(
      ({ Type }) => Type === 'AWS::Logs::LogGroup',
    )
    expect(groups.map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(Array(4).fill('Retain'))
  })
})
