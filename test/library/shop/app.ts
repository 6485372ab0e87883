import { AuroraMigrations } from 'aurora-migrations/infra'
import { App, Stack } from 'aws-cdk-lib'
import * as codepipeline from 'aws-cdk-lib/aws-codepipeline'
import * as actions from 'aws-cdk-lib/aws-codepipeline-actions'
import * as s3 from 'aws-cdk-lib/aws-s3'

const stack = new Stack(new App(), 'Shop')
const migrations = new AuroraMigrations(stack, 'Migrations', {
  clusterArn: 'arn:aws:rds:eu-central-1:123456789012:cluster:shop',
  secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf',
  database: 'shop',
  migrations: 'migrations',
})
migrations.runOnDeploy()
const source = new actions.S3SourceAction({
  actionName: 'Source',
  bucket: new s3.Bucket(stack, 'Source', { versioned: true }) as s3.IBucket,
  bucketKey: 'source.zip',
  output: new codepipeline.Artifact(),
})
new codepipeline.Pipeline(stack, 'Pipeline', {
  pipelineType: codepipeline.PipelineType.V2,
  stages: [
    { stageName: 'Source', actions: [source] },
    { stageName: 'Database', actions: [migrations.pipelineAction({ actionName: 'Migrate' })] },
  ],
})
