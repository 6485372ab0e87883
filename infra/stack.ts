import {
  CfnOutput,
  Duration,
  RemovalPolicies,
  RemovalPolicy,
  Stack,
  type StackProps,
  Validations,
} from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs'
import * as rds from 'aws-cdk-lib/aws-rds'
import type { Construct } from 'constructs'
import { AuroraMigrations } from './constructs/aurora-migrations.ts'
import type { DatabaseProps } from './constructs/database-access.ts'

export interface MigrationsStackProps extends StackProps {
  /** The database to migrate. Default: the stack makes a cluster of its own, for a demonstration. */
  readonly existing?: Omit<DatabaseProps, 'cluster'>
  /** Folder of the revision files. */
  readonly migrations: string
}

/** The revisions of a folder, applied to a database with each deployment, and by hand; with an alarm and a dashboard. */
export class MigrationsStack extends Stack {
  readonly migrations: AuroraMigrations

  constructor(scope: Construct, id: string, props: MigrationsStackProps) {
    const { existing, migrations, ...stackProps } = props
    super(scope, id, stackProps)
    const database: DatabaseProps = existing ?? {
      cluster: demoCluster(this),
      database: DEMO_DATABASE,
    }
    this.migrations = new AuroraMigrations(this, 'Migrations', { ...database, migrations })
    const run = this.migrations.runOnDeploy()
    this.migrations.addFailureAlarm()
    this.migrations.addDashboard()
    if (existing === undefined) {
      const applyToResourceTypes = [CfnLogGroup.CFN_RESOURCE_TYPE_NAME]
      RemovalPolicies.of(this).destroy({ applyToResourceTypes })
    }
    new CfnOutput(this, 'InvokeFunction', { value: this.migrations.invokeFunction.functionName })
    new CfnOutput(this, 'VersionRows', { value: run.getAttString('To') })
  }
}

const DEMO_DATABASE = 'demo'

/** The smallest cluster there is: it sleeps when nobody asks, and goes with the stack. */
function demoCluster(stack: Stack): rds.DatabaseCluster {
  const vpc = new ec2.Vpc(stack, 'Vpc', {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: 'database', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  })
  const cluster = new rds.DatabaseCluster(stack, 'Cluster', {
    engine: rds.DatabaseClusterEngine.auroraPostgres({
      version: rds.AuroraPostgresEngineVersion.VER_17_7,
    }),
    credentials: rds.Credentials.fromGeneratedSecret('migrator'),
    defaultDatabaseName: DEMO_DATABASE,
    enableDataApi: true,
    iamAuthentication: true,
    serverlessV2MinCapacity: 0,
    serverlessV2MaxCapacity: 2,
    serverlessV2AutoPauseDuration: Duration.minutes(5),
    storageEncrypted: true,
    writer: rds.ClusterInstance.serverlessV2('writer'),
    // Its optional members are declared with undefined, which exactOptionalPropertyTypes tells apart.
    vpc: vpc as ec2.IVpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
    removalPolicy: RemovalPolicy.DESTROY,
  })
  acknowledgeDemo(vpc, cluster)
  return cluster
}

function acknowledgeDemo(vpc: ec2.Vpc, cluster: rds.DatabaseCluster): void {
  Validations.of(vpc).acknowledge({
    id: 'AwsSolutions::AwsSolutions-VPC7',
    reason: 'No way leads into or out of this network, and nothing in it opens a connection',
  })
  Validations.of(cluster).acknowledge(
    {
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason:
        'A rotation needs a function with a way out of the network, for a database of examples',
    },
    {
      id: 'AwsSolutions::AwsSolutions-RDS10',
      reason: 'The demonstration goes with its stack',
    },
  )
}
