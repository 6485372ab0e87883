import type { Duration } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'

/** What the functions of one construct share. */
export interface SharedFunctionProps {
  /** The one asset. */
  readonly code: lambda.Code
  readonly memorySize: number
  readonly logRetention: logs.RetentionDays
}

export interface MigrationsFunctionProps extends SharedFunctionProps {
  /** `<module>.<export>` of the asset. */
  readonly handler: string
  readonly description: string
  readonly timeout: Duration
  readonly environment: Record<string, string>
}

/** A role that Lambda may take and that may write to this log group alone. */
export function loggingRole(
  scope: Construct,
  id: string,
  logGroup: logs.ILogGroup,
  description: string,
): iam.Role {
  const role = new iam.Role(scope, id, {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    description,
  })
  logGroup.grantWrite(role)
  return role
}

/** One way of use: its function, with a role and a log group of its own. */
export class MigrationsFunction extends lambda.Function {
  constructor(scope: Construct, id: string, props: MigrationsFunctionProps) {
    const { logRetention, ...rest } = props
    const logGroup = new logs.LogGroup(scope, `${id}Logs`, { retention: logRetention })
    super(scope, id, {
      ...rest,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      loggingFormat: lambda.LoggingFormat.JSON,
      logGroup,
      role: loggingRole(scope, `${id}Role`, logGroup, props.description),
    })
  }
}
