import { CfnElement, Stack, Validations } from 'aws-cdk-lib'
import type * as lambda from 'aws-cdk-lib/aws-lambda'
import type { Construct, IConstruct } from 'constructs'

// Findings of cdk-nag that no prop of CDK can avoid, each with the reason; metadata that nothing else reads.

/** The provider framework's: `functions` are those it invokes, its own among them. */
export function acknowledgeFramework(
  provider: Construct,
  roles: readonly IConstruct[],
  functions: readonly lambda.IFunction[],
): void {
  for (const role of roles) {
    for (const invoked of functions) {
      Validations.of(role).acknowledge({
        id: `AwsSolutions::AwsSolutions-IAM5[Resource::<${logicalId(invoked)}.Arn>:*]`,
        reason:
          "CDK's grantInvoke allows the versions of the function beside itself, and it has none",
      })
    }
  }
  Validations.of(provider).acknowledge(
    {
      id: 'AwsSolutions::AwsSolutions-SF1',
      reason:
        "The waiter's events hold the response URL, which anybody who reads them could answer: they are not logged",
    },
    {
      id: 'AwsSolutions::AwsSolutions-SF2',
      reason: "The waiter is CDK's and has no prop for tracing; it calls one function in a loop",
    },
  )
}

/** The pipeline action's. */
export function acknowledgePipelineAction(role: IConstruct): void {
  Validations.of(role).acknowledge({
    id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
    reason: 'PutJobSuccessResult and PutJobFailureResult have no resource to be narrowed to',
  })
}

function logicalId(construct: IConstruct): string {
  const element = construct.node.defaultChild
  return CfnElement.isCfnElement(element)
    ? String(Stack.of(element).resolve(element.logicalId))
    : construct.node.id
}
