import { rm } from 'node:fs/promises'
import { Duration, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import * as codepipeline from 'aws-cdk-lib/aws-codepipeline'
import * as actions from 'aws-cdk-lib/aws-codepipeline-actions'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as kms from 'aws-cdk-lib/aws-kms'
import * as s3 from 'aws-cdk-lib/aws-s3'
import * as sns from 'aws-cdk-lib/aws-sns'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AuroraMigrations } from '../../infra/index.ts'
import { migrationsFolder } from '../bundled-revisions.ts'
import { ELSEWHERE, shopCluster, shopStack } from './shop-stack.ts'

let migrations: string
let stack: Stack
let construct: AuroraMigrations
let template: Template

beforeAll(async () => {
  migrations = await migrationsFolder([{ id: 'a' }, { id: 'b', down: 'a' }])
  stack = shopStack()
  const cluster = shopCluster(stack)
  const [first, later] = [new sns.Topic(stack, 'First'), new sns.Topic(stack, 'Later')]
  construct = new AuroraMigrations(stack, 'Migrations', { cluster, database: 'shop', migrations })
  const run = construct.runOnDeploy({ after: [first], before: [later] })
  stack.exportValue(run.getAttString('To'), { name: 'VersionRows' })
  pipelineWith(construct.pipelineAction({ actionName: 'Migrate', runOrder: 2, target: 'b' }))
  construct.grantInvoke(
    new iam.Role(stack, 'Operator', { assumedBy: new iam.AccountRootPrincipal() }),
  )
  construct.addFailureAlarm()
  construct.addDashboard()
  template = Template.fromStack(stack)
})
afterAll(() => rm(migrations, { recursive: true, force: true }))

function pipelineWith(action: codepipeline.IAction): void {
  const source = new codepipeline.Artifact()
  new codepipeline.Pipeline(stack, 'Pipeline', {
    pipelineType: codepipeline.PipelineType.V2,
    stages: [
      {
        stageName: 'Source',
        actions: [
          new actions.S3SourceAction({
            actionName: 'Source',
            bucket: new s3.Bucket(stack, 'Source', { versioned: true }) as s3.IBucket,
            bucketKey: 'source.zip',
            output: source,
          }),
        ],
      },
      { stageName: 'Database', actions: [action] },
    ],
  })
}

interface Resource {
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: a template's properties are looked into at will
  readonly Properties: Record<string, any>
  readonly DependsOn?: readonly string[]
}

/** Resources of a type whose logical id begins so. */
function resources(type: string, beginning = ''): Resource[] {
  return Object.entries(template.findResources(type))
    .filter(([id]) => id.startsWith(beginning))
    .map(([id, resource]) => ({ id, ...resource }) as Resource)
}

function only(type: string, beginning = ''): Resource {
  const [found, ...others] = resources(type, beginning)
  if (found === undefined || others.length > 0) throw new Error(`not one ${type} ${beginning}`)
  return found
}

const OURS = ['Invoke', 'OnEvent', 'IsComplete', 'Pipeline'] as const

/** The statements of the role of one of our functions. */
function statementsOf(name: (typeof OURS)[number]): unknown[] {
  const policy = only('AWS::IAM::Policy', `Migrations${name}RoleDefaultPolicy`)
  return policy.Properties.PolicyDocument.Statement
}

const CLUSTER = {
  'Fn::Join': ['', Match.arrayWith([':cluster:', { Ref: Match.stringLikeRegexp('^Cluster') }])],
}

describe('the functions', () => {
  test('are one for each way of use, of one asset, on Node 24 and arm64, with JSON logs', () => {
    const functions = OURS.map(
      (name) => only('AWS::Lambda::Function', `Migrations${name}`).Properties,
    )
    for (const properties of functions) {
      expect(properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        MemorySize: 512,
        LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: expect.any(String) } },
      })
      expect(properties).not.toHaveProperty('ReservedConcurrentExecutions')
      expect(properties).not.toHaveProperty('VpcConfig')
    }
    expect(functions.map(({ Handler, Timeout }) => [Handler, Timeout])).toEqual([
      ['index.invoke', 900],
      ['index.onEvent', 60],
      ['index.isComplete', 720],
      ['codepipeline.codepipeline', 720],
    ])
    expect(new Set(functions.map(({ Code }) => JSON.stringify(Code))).size).toBe(1)
    expect(new Set(functions.map(({ Role }) => JSON.stringify(Role))).size).toBe(4)
    const groups = functions.map((properties) => JSON.stringify(properties.LoggingConfig))
    expect(new Set(groups).size).toBe(4)
  })

  test('keep their logs for a year, those of the framework too', () => {
    const groups = resources('AWS::Logs::LogGroup')
    expect(groups).toHaveLength(5)
    for (const { Properties } of groups) expect(Properties).toMatchObject({ RetentionInDays: 365 })
    const all = resources('AWS::Lambda::Function', 'Migrations')
    expect(all).toHaveLength(7)
    for (const { id, Properties } of all) expect(Properties, id).toHaveProperty('LoggingConfig')
  })

  test('know the database, but for the one that only checks requests', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'index.invoke',
      Environment: {
        Variables: {
          CLUSTER_ARN: CLUSTER,
          SECRET_ARN: { Ref: Match.stringLikeRegexp('^ClusterSecretAttachment') },
          DATABASE: 'shop',
          VERSION_TABLE: 'alembic_version',
          VERSION_TABLE_SCHEMA: 'public',
          METRICS_NAME: Match.stringLikeRegexp('^Shop-Migrations-'),
        },
      },
    })
    template.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'index.onEvent',
      Environment: Match.absent(),
    })
  })
})

test('settings that are given are the environment of each function that runs revisions', () => {
  const settled = shopStack()
  const settings = {
    transaction: 'run',
    batching: false,
    lockTimeout: Duration.seconds(1),
    statementTimeout: Duration.minutes(1),
    lockWait: Duration.seconds(0),
    trustedOwners: ['app_owner', 'dba'],
  } as const
  const cluster = shopCluster(settled)
  const props = { cluster, database: 'shop', migrations, ...settings }
  new AuroraMigrations(settled, 'Migrations', props).runOnDeploy()
  for (const Handler of ['index.invoke', 'index.isComplete']) {
    Template.fromStack(settled).hasResourceProperties('AWS::Lambda::Function', {
      Handler,
      Environment: {
        Variables: Match.objectLike({
          TRANSACTION: 'run',
          BATCHING: 'off',
          LOCK_TIMEOUT: '1',
          STATEMENT_TIMEOUT: '60',
          LOCK_WAIT: '0',
          TRUSTED_OWNERS: 'app_owner,dba',
        }),
      },
    })
  }
})

describe('permissions', () => {
  test.each(['Invoke', 'IsComplete'] as const)(
    'of %s are the cluster, the secret and its log group',
    (name) => {
      expect(statementsOf(name)).toEqual([
        {
          Effect: 'Allow',
          Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          Resource: { 'Fn::GetAtt': [expect.stringMatching(`^Migrations${name}Logs`), 'Arn'] },
        },
        {
          Effect: 'Allow',
          Action: [
            'rds-data:BeginTransaction',
            'rds-data:CommitTransaction',
            'rds-data:ExecuteStatement',
            'rds-data:RollbackTransaction',
          ],
          Resource: { 'Fn::Join': ['', expect.arrayContaining([':cluster:'])] },
        },
        {
          Effect: 'Allow',
          Action: 'secretsmanager:GetSecretValue',
          Resource: { Ref: expect.stringMatching(/^ClusterSecretAttachment/) },
        },
      ])
    },
  )

  test('of the pipeline are these and the results of jobs', () => {
    const added = statementsOf('Pipeline').slice(3)
    expect(added).toEqual([
      {
        Effect: 'Allow',
        Action: ['codepipeline:PutJobSuccessResult', 'codepipeline:PutJobFailureResult'],
        Resource: '*',
      },
    ])
  })

  test('of the function that only checks requests are its log group alone', () => {
    expect(statementsOf('OnEvent')).toHaveLength(1)
  })

  test('hold no managed policy and nothing on every resource but the results of jobs', () => {
    for (const { id, Properties } of resources('AWS::IAM::Role', 'Migrations')) {
      expect(Properties, id).not.toHaveProperty('ManagedPolicyArns')
    }
    const policies = resources('AWS::IAM::Policy', 'Migrations')
    const wide = policies.filter((policy) => JSON.stringify(policy).includes('"Resource":"*"'))
    expect(wide.map(({ id }) => id)).toEqual([expect.stringMatching(/^MigrationsPipelineRole/)])
  })

  test('to invoke are given for the function by hand alone', () => {
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('^OperatorDefaultPolicy'),
      PolicyDocument: {
        Statement: [
          {
            Action: 'lambda:InvokeFunction',
            Resource: Match.arrayWith([
              { 'Fn::GetAtt': [Match.stringLikeRegexp('^MigrationsInvoke'), 'Arn'] },
            ]),
          },
        ],
      },
    })
  })

  test('on a key are given when there is one, through Secrets Manager alone', () => {
    const other = new Stack()
    const encryptionKey = kms.Key.fromKeyArn(
      other,
      'Key',
      'arn:aws:kms:eu-central-1:123456789012:key/1234',
    )
    new AuroraMigrations(other, 'Migrations', { ...ELSEWHERE, encryptionKey, migrations })
    Template.fromStack(other).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Effect: 'Allow',
            Action: 'kms:Decrypt',
            Resource: encryptionKey.keyArn,
            Condition: {
              StringEquals: {
                'kms:ViaService': {
                  'Fn::Join': ['', ['secretsmanager.', { Ref: 'AWS::Region' }, '.amazonaws.com']],
                },
              },
            },
          },
        ]),
      },
    })
  })
})

describe('on deploy', () => {
  const resource = () => only('Custom::AuroraMigrations')

  test('the custom resource changes with the revisions, the target and the database alone', () => {
    expect(resource().Properties).toEqual({
      ServiceToken: { 'Fn::GetAtt': [expect.stringContaining('frameworkonEvent'), 'Arn'] },
      ServiceTimeout: '3600',
      Target: 'heads',
      Revisions: expect.stringMatching(/^[0-9a-f]{32}$/),
      Cluster: { 'Fn::Join': ['', expect.arrayContaining([':cluster:'])] },
      Database: 'shop',
      VersionTable: 'public.alembic_version',
    })
  })

  test('it comes after the writer, its secret and what was named, and before what was named', () => {
    const before = resource().DependsOn
    for (const pattern of [/^Clusterwriter/, /^ClusterSecretAttachment/, /^First/]) {
      expect(before).toContainEqual(expect.stringMatching(pattern))
    }
    expect(only('AWS::SNS::Topic', 'Later').DependsOn).toEqual([resource().id])
  })

  test('the waiter asks for an hour, every ten seconds, and its events are not logged', () => {
    const definition = JSON.stringify(only('AWS::StepFunctions::StateMachine'))
    expect(definition).toContain('\\"IntervalSeconds\\":10,\\"MaxAttempts\\":360')
    expect(definition).not.toContain('LoggingConfiguration')
  })

  test('can be asked for once', () => {
    expect(() => construct.runOnDeploy()).toThrow(
      'Shop/Migrations: runOnDeploy was called twice: call it once',
    )
  })
})

test('the pipeline action names the function and the target', () => {
  template.hasResourceProperties('AWS::CodePipeline::Pipeline', {
    Stages: Match.arrayWith([
      {
        Name: 'Database',
        Actions: [
          Match.objectLike({
            Name: 'Migrate',
            RunOrder: 2,
            ActionTypeId: Match.objectLike({ Provider: 'Lambda' }),
            Configuration: {
              FunctionName: { Ref: Match.stringLikeRegexp('^MigrationsPipeline') },
              UserParameters: '{"target":"b"}',
            },
          }),
        ],
      },
    ]),
  })
})

test('the alarm and the dashboard show the metrics that the functions write', () => {
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    Namespace: 'AuroraMigrations',
    MetricName: 'Failures',
    Dimensions: [{ Name: 'Migrations', Value: Match.stringLikeRegexp('^Shop-Migrations-') }],
    Threshold: 1,
    TreatMissingData: 'notBreaching',
  })
  const body = JSON.stringify(only('AWS::CloudWatch::Dashboard'))
  for (const name of [
    'Runs',
    'Failures',
    'Duration',
    'DataApiCalls',
    'PendingRevisions',
  ] as const) {
    expect(body).toContain(`\\"AuroraMigrations\\",\\"${name}\\",\\"Migrations\\"`)
    expect(construct.metric(name)).toMatchObject({ metricName: name })
  }
})
