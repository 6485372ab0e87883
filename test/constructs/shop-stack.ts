import { App, Stack } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as rds from 'aws-cdk-lib/aws-rds'

/** A stack that no account or network is needed for, with its assembly in a temporary folder. */
export function shopStack(): Stack {
  return new Stack(new App({ builtinCloudFormationValidation: false }), 'Shop')
}

/** A cluster with a writer, a reader, a generated secret and the Data API on. */
export function shopCluster(
  stack: Stack,
  props: Partial<rds.DatabaseClusterProps> = {},
): rds.DatabaseCluster {
  return new rds.DatabaseCluster(stack, 'Cluster', {
    engine: rds.DatabaseClusterEngine.auroraPostgres({
      version: rds.AuroraPostgresEngineVersion.VER_17_7,
    }),
    credentials: rds.Credentials.fromGeneratedSecret('migrator'),
    enableDataApi: true,
    writer: rds.ClusterInstance.serverlessV2('writer'),
    readers: [rds.ClusterInstance.serverlessV2('reader')],
    vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2 }) as ec2.IVpc,
    ...props,
  })
}

/** A database that is not of this app. */
export const ELSEWHERE = {
  clusterArn: 'arn:aws:rds:eu-central-1:123456789012:cluster:shop',
  secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf',
  database: 'shop',
} as const
