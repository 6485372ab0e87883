import { CustomResource, Duration } from 'aws-cdk-lib'
import type * as iam from 'aws-cdk-lib/aws-iam'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import { Provider } from 'aws-cdk-lib/custom-resources'
import { Construct, type IConstruct, type IDependable } from 'constructs'
import { acknowledgeFramework } from './acknowledged-findings.ts'
import { loggingRole } from './migrations-function.ts'

export interface RunOnDeployOptions {
  /**
   * What to upgrade to: `heads`, `head`, `LABEL@head` or a revision; nothing relative.
   *
   * Default: `heads`.
   */
  readonly target?: string
  /**
   * What is deployed only after the upgrade, such as the functions that use the new tables.
   *
   * Default: nothing; it all goes on beside the upgrade.
   */
  readonly before?: readonly IConstruct[]
  /**
   * What must be deployed before the upgrade.
   *
   * Default: the cluster with its writer instance, and the secret, which are waited for anyway.
   */
  readonly after?: readonly IDependable[]
}

export interface OnDeployProps extends RunOnDeployOptions {
  readonly onEvent: lambda.IFunction
  readonly isComplete: lambda.IFunction
  readonly logRetention: logs.RetentionDays
  /** When one of these changes, an upgrade runs. */
  readonly properties: Readonly<Record<string, string>>
}

/** The custom resource that upgrades when the stack is deployed, behind CDK's provider framework. */
export class OnDeploy extends Construct {
  readonly resource: CustomResource

  constructor(scope: Construct, id: string, props: OnDeployProps) {
    super(scope, id)
    const logGroup = new logs.LogGroup(this, 'FrameworkLogs', { retention: props.logRetention })
    const role = (name: string) =>
      loggingRole(this, name, logGroup, "CDK's provider framework for aurora-migrations")
    const roles = { onEvent: role('OnEventRole'), isComplete: role('IsCompleteRole') }
    const provider = new Provider(this, 'Provider', {
      onEventHandler: props.onEvent,
      isCompleteHandler: props.isComplete,
      // Only a run that needs another life is asked again.
      queryInterval: Duration.seconds(10),
      // Counts attempts and not time; the handler ends by itself after 50 minutes.
      totalTimeout: Duration.hours(1),
      logGroup,
      frameworkOnEventRole: roles.onEvent,
      frameworkCompleteAndTimeoutRole: roles.isComplete,
    })
    acknowledgeFindings(provider, Object.values(roles), props)
    this.resource = new CustomResource(this, 'Resource', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::AuroraMigrations',
      serviceTimeout: Duration.hours(1),
      properties: { ...props.properties },
    })
    this.resource.node.addDependency(...(props.after ?? []))
    for (const dependent of props.before ?? []) dependent.node.addDependency(this.resource)
  }
}

function acknowledgeFindings(
  provider: Provider,
  roles: readonly iam.Role[],
  { onEvent, isComplete }: OnDeployProps,
): void {
  const own = provider.node.children.filter((child) => child instanceof lambda.Function)
  acknowledgeFramework(provider, roles, [onEvent, isComplete])
  acknowledgeFramework(provider, [provider], own)
}
