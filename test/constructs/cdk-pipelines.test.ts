import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { App, Stack, Stage, Validations } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import * as sns from 'aws-cdk-lib/aws-sns'
import * as pipelines from 'aws-cdk-lib/pipelines'
import { AwsSolutionsChecks } from 'cdk-nag'
import { expect, test } from 'vitest'
import { AuroraMigrations, MigrationsStep } from '../../infra/index.ts'
import { migrationsFolder } from '../bundled-revisions.ts'
import { ELSEWHERE } from './shop-stack.ts'

test('an upgrade is a step of CDK Pipelines, before a stage of it', async () => {
  const migrations = await migrationsFolder([{ id: 'a' }])
  const outdir = await mkdtemp(path.join(tmpdir(), 'aurora-assembly-'))
  try {
    const app = new App({ outdir, builtinCloudFormationValidation: false })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    const stack = new Stack(app, 'Delivery')
    const construct = new AuroraMigrations(stack, 'Migrations', { ...ELSEWHERE, migrations })
    const source = pipelines.CodePipelineSource.connection('shop/shop', 'main', {
      connectionArn: 'arn:aws:codestar-connections:eu-central-1:123456789012:connection/1234',
    })
    const pipeline = new pipelines.CodePipeline(stack, 'Pipeline', {
      synth: new pipelines.ShellStep('Synth', {
        input: source as pipelines.IFileSetProducer,
        commands: ['npm ci', 'npx cdk synth'],
      }) as pipelines.IFileSetProducer,
    })
    const production = new Stage(app, 'Production')
    new sns.Topic(new Stack(production, 'Service'), 'Topic')
    const step = construct.pipelineStep('Migrate', { target: 'heads' })
    expect(step).toBeInstanceOf(MigrationsStep)
    pipeline.addStage(production, { pre: [step] })
    // The pipeline is not ours, and has findings of its own.
    expect(() => app.synth()).toThrow(/AwsSolutions/)
    const synthesised = await readFile(path.join(outdir, stack.templateFile), 'utf8')
    Template.fromJSON(JSON.parse(synthesised)).hasResourceProperties(
      'AWS::CodePipeline::Pipeline',
      {
        Stages: Match.arrayWith([
          Match.objectLike({
            Name: 'Production',
            Actions: Match.arrayWith([
              Match.objectLike({
                Name: 'Migrate',
                RunOrder: 1,
                ActionTypeId: Match.objectLike({ Provider: 'Lambda', Category: 'Invoke' }),
                Configuration: Match.objectLike({ UserParameters: '{"target":"heads"}' }),
              }),
            ]),
          }),
        ]),
      },
    )
    const report = await readFile(path.join(outdir, 'validation-report.json'), 'utf8')
    const { violations, suppressedViolations } = JSON.parse(report).pluginReports[0]
    expect(JSON.stringify(violations)).toContain('Delivery/Pipeline')
    expect(JSON.stringify(violations)).not.toContain('Delivery/Migrations')
    expect(JSON.stringify(suppressedViolations)).toContain('Delivery/Migrations/PipelineRole')
  } finally {
    await rm(migrations, { recursive: true, force: true })
    await rm(outdir, { recursive: true, force: true })
  }
})
