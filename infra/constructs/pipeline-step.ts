import type * as codepipeline from 'aws-cdk-lib/aws-codepipeline'
import {
  type CodePipelineActionFactoryResult,
  type ICodePipelineActionFactory,
  type ProduceActionOptions,
  Step,
} from 'aws-cdk-lib/pipelines'

/** What a step makes its action from. */
export type MakeAction = (options: {
  readonly actionName: string
  readonly runOrder: number
  readonly variablesNamespace?: string
}) => codepipeline.IAction

/** An upgrade as a step of CDK Pipelines, before or after a stage or a stack of it. */
export class MigrationsStep extends Step implements ICodePipelineActionFactory {
  readonly #makeAction: MakeAction

  constructor(id: string, makeAction: MakeAction) {
    super(id)
    this.#makeAction = makeAction
  }

  /** Called by CDK Pipelines. */
  produceAction(
    stage: codepipeline.IStage,
    { actionName, runOrder, variablesNamespace }: ProduceActionOptions,
  ): CodePipelineActionFactoryResult {
    stage.addAction(
      this.#makeAction({
        actionName,
        runOrder,
        ...(variablesNamespace !== undefined && { variablesNamespace }),
      }),
    )
    return { runOrdersConsumed: 1 }
  }
}
