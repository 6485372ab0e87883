import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type CustomResource, Names, Stack, Stage, Token } from 'aws-cdk-lib'
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import { LambdaInvokeAction } from 'aws-cdk-lib/aws-codepipeline-actions'
import type * as iam from 'aws-cdk-lib/aws-iam'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { acknowledgePipelineAction } from './acknowledged-findings.ts'
import { BundledMigrations } from './bundled-migrations.ts'
import { DatabaseAccess, type DatabaseProps } from './database-access.ts'
import { DEPLOYMENT_LIFE, FunctionFactory, LONGEST_RUN } from './function-factory.ts'
import { OnDeploy, type RunOnDeployOptions } from './on-deploy.ts'
import { MigrationsStep } from './pipeline-step.ts'
import { failureAlarm, type RunMetricName, runDashboard, runMetric } from './run-monitoring.ts'
import { type RunSettings, settingsEnvironment } from './run-settings.ts'

export interface AuroraMigrationsProps extends DatabaseProps, RunSettings {
  /** Folder of the revision files; a relative one counts from the current folder. */
  readonly migrations: string
  /** Default: `alembic_version`, Alembic's own. */
  readonly versionTable?: string
  /** Schema of the version table; it must exist. Default: `public`. */
  readonly versionTableSchema?: string
  /** Memory of each function that runs revisions, in MiB. Default: 512. */
  readonly memorySize?: number
  /** How long each log group keeps its lines. Default: one year. */
  readonly logRetention?: logs.RetentionDays
}

export interface PipelineActionOptions {
  readonly actionName: string
  /** Default: 1. */
  readonly runOrder?: number
  /** What to upgrade to: `heads`, `head`, `LABEL@head` or a revision; nothing relative. Default: `heads`. */
  readonly target?: string
  /** Namespace of the output variables `from`, `to` and `steps`. Default: CodePipeline makes one up. */
  readonly variablesNamespace?: string
}

/**
 * The revisions of a folder as Lambda functions that apply them to an Aurora PostgreSQL database through the Data API.
 *
 * By itself it is one function, to be invoked by hand or by the CLI. {@link runOnDeploy} upgrades with each deployment
 * that brings new revisions, {@link pipelineAction} in a pipeline; each way of use has its own function, role and log
 * group. The folder is bundled and its graph is checked when the construct is made.
 *
 * Throws an error that names the prop and the fix.
 *
 * @example
 * ```ts
 * import { Stack } from 'aws-cdk-lib'
 * import { AuroraMigrations } from 'aurora-migrations/infra'
 *
 * const stack = new Stack()
 * const migrations = new AuroraMigrations(stack, 'Migrations', {
 *   clusterArn: 'arn:aws:rds:eu-central-1:123456789012:cluster:shop',
 *   secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf',
 *   database: 'shop',
 *   migrations: 'migrations',
 * })
 * migrations.runOnDeploy()
 * ```
 */
export class AuroraMigrations extends Construct {
  /** The function for people and the CLI, see the README for its events. */
  readonly invokeFunction: lambda.IFunction
  readonly #bundle: BundledMigrations
  readonly #functions: FunctionFactory
  readonly #database: DatabaseAccess
  readonly #props: AuroraMigrationsProps
  #onDeploy: OnDeploy | undefined
  #pipelineFunction: lambda.Function | undefined

  constructor(scope: Construct, id: string, props: AuroraMigrationsProps) {
    super(scope, id)
    this.#props = props
    let settings: Record<string, string>
    try {
      checkName('versionTable', this.#versionTable)
      checkName('versionTableSchema', this.#versionTableSchema)
      this.#database = new DatabaseAccess(this, props)
      settings = settingsEnvironment(props)
    } catch (error) {
      throw this.#named(error)
    }
    try {
      const { bundlingRequired } = Stack.of(this)
      this.#bundle = new BundledMigrations(props.migrations, assetFolder(this), bundlingRequired)
    } catch (error) {
      throw this.#named(error, 'migrations: ')
    }
    this.#functions = new FunctionFactory(this, {
      code: lambda.Code.fromAsset(this.#bundle.folder),
      database: this.#database,
      versionTable: this.#versionTable,
      versionTableSchema: this.#versionTableSchema,
      metricsName: this.#metricsName,
      settings,
      memorySize: props.memorySize ?? 512,
      logRetention: this.#logRetention,
    })
    this.invokeFunction = this.#functions.running('Invoke', 'index.invoke', 'by hand', LONGEST_RUN)
  }

  /**
   * Upgrades whenever a deployment brings other revisions, another target or another database; any other deployment
   * makes no call at all.
   *
   * A failure fails the deployment, and what was applied before it stays. A rollback never takes a revision back.
   * Answers the custom resource, with the attributes `From`, `To` and `Steps`. Throws when called twice.
   */
  runOnDeploy(options: RunOnDeployOptions = {}): CustomResource {
    const { target = 'heads', after = [], before = [] } = options
    if (this.#onDeploy) throw this.#named(new Error('runOnDeploy was called twice: call it once'))
    this.#checkTarget('runOnDeploy', target)
    const { clusterArn, database, dependencies } = this.#database
    this.#onDeploy = new OnDeploy(this, 'OnDeploy', {
      before,
      after: [...dependencies, ...after],
      onEvent: this.#functions.checking('OnEvent', 'index.onEvent', 'checks deployments'),
      isComplete: this.#functions.running(
        'IsComplete',
        'index.isComplete',
        'on deploy',
        DEPLOYMENT_LIFE,
      ),
      logRetention: this.#logRetention,
      properties: {
        Target: target,
        Revisions: this.#bundle.hash,
        Cluster: clusterArn,
        Database: database,
        VersionTable: `${this.#versionTableSchema}.${this.#versionTable}`,
      },
    })
    return this.#onDeploy.resource
  }

  /**
   * An action for a stage of a pipeline that upgrades to `target`.
   *
   * It has the output variables `from`, `to` and `steps`. A pipeline runs it again with each execution; when there is
   * nothing to do it takes a second.
   */
  pipelineAction(options: PipelineActionOptions): LambdaInvokeAction {
    const { target = 'heads', ...common } = options
    this.#checkTarget('pipelineAction', target)
    this.#pipelineFunction ??= this.#functions.running(
      'Pipeline',
      'codepipeline.codepipeline',
      'in a pipeline',
      DEPLOYMENT_LIFE,
    )
    acknowledgePipelineAction(this.#pipelineFunction.role ?? this.#pipelineFunction)
    return new LambdaInvokeAction({
      ...common,
      lambda: this.#pipelineFunction,
      userParameters: { target },
    })
  }

  /** {@link pipelineAction} as a step of CDK Pipelines. This construct must be in the pipeline's own stack, or in one deployed before. */
  pipelineStep(id: string, options: { readonly target?: string } = {}): MigrationsStep {
    this.#checkTarget('pipelineStep', options.target ?? 'heads')
    return new MigrationsStep(id, (action) => this.pipelineAction({ ...action, ...options }))
  }

  /** Allows to invoke the function for people and the CLI; that includes every command, downgrade too. */
  grantInvoke(grantee: iam.IGrantable): iam.Grant {
    return this.invokeFunction.grantInvoke(grantee)
  }

  /** A figure of the runs of all ways of use. Default period: 5 minutes. */
  metric(name: RunMetricName, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return runMetric(this.#metricsName, name, options)
  }

  /**
   * An alarm that goes off when a run fails; give it actions.
   *
   * A function that Lambda has ended writes nothing: that is in Lambda's own metric `Errors`.
   */
  addFailureAlarm(): cloudwatch.Alarm {
    return failureAlarm(this, this.#metricsName)
  }

  /** A dashboard of runs, failures, durations, Data API calls and revisions left to do. */
  addDashboard(): cloudwatch.Dashboard {
    return runDashboard(this, this.#metricsName)
  }

  get #metricsName(): string {
    return Names.uniqueResourceName(this, { maxLength: 200, separator: '-' })
  }

  get #versionTable(): string {
    return this.#props.versionTable ?? 'alembic_version'
  }

  get #versionTableSchema(): string {
    return this.#props.versionTableSchema ?? 'public'
  }

  get #logRetention(): logs.RetentionDays {
    return this.#props.logRetention ?? logs.RetentionDays.ONE_YEAR
  }

  #checkTarget(method: string, target: string): void {
    try {
      this.#bundle.checkTarget(target)
    } catch (error) {
      throw this.#named(error, `${method}: `)
    }
  }

  /** An error of ours, which names the construct it is about. */
  #named(error: unknown, prefix = ''): Error {
    const message = error instanceof Error ? error.message : String(error)
    return new Error(`${this.node.path}: ${prefix}${message}`, { cause: error })
  }
}

/** PostgreSQL cuts names at 63 bytes, and the history table's is 8 longer. */
const LONGEST_NAME = 55

function checkName(prop: string, name: string): void {
  const bytes = Buffer.byteLength(name)
  if (Token.isUnresolved(name) || (bytes > 0 && bytes <= LONGEST_NAME)) return
  throw new Error(`${prop} is '${name}': it must be a name of 1 to ${LONGEST_NAME} bytes`)
}

/** Beside the assets of the app, so that nothing is left behind elsewhere. */
function assetFolder(scope: Construct): string {
  const outdir = Stage.of(scope)?.outdir
  return outdir === undefined
    ? mkdtempSync(path.join(tmpdir(), 'aurora-migrations-'))
    : path.join(outdir, `aurora-migrations-${scope.node.addr}`)
}
