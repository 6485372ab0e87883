import { type IResolvable, Stack, Token } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as kms from 'aws-cdk-lib/aws-kms'
import * as rds from 'aws-cdk-lib/aws-rds'
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct, IDependable } from 'constructs'

/** Which database, and with which user. */
export interface DatabaseProps {
  /**
   * The Aurora PostgreSQL cluster, with its Data API on (`enableDataApi: true`).
   *
   * Default: none; then `clusterArn` is required.
   */
  readonly cluster?: rds.IDatabaseCluster
  /**
   * ARN of the cluster, when it is not a construct of this app.
   *
   * Default: that of `cluster`.
   */
  readonly clusterArn?: string
  /**
   * The secret with the database user, which must own or be able to alter what the revisions change.
   *
   * Default: the secret of `cluster`.
   */
  readonly secret?: secretsmanager.ISecret
  /**
   * Complete ARN of the secret, with the six characters at its end, when it is not a construct of this app.
   *
   * Default: that of `secret`.
   */
  readonly secretArn?: string
  /**
   * The key the secret is encrypted with, when it has one of its own.
   *
   * Default: the secret's, where it is known; with AWS's own key no permission is needed.
   */
  readonly encryptionKey?: kms.IKey
  /** The database in the cluster. */
  readonly database: string
}

/** The database as functions need it: what to connect to, and what they must be allowed. */
export class DatabaseAccess {
  readonly clusterArn: string
  readonly secretArn: string
  readonly database: string
  /** What must be there before the database can be used: the cluster with its writer instance, and the secret. */
  readonly dependencies: readonly IDependable[]
  readonly #scope: Construct
  readonly #key: kms.IKey | undefined

  /** Throws an error that names the prop and the fix; whether the Data API is on is checked when the app is synthesised. */
  constructor(scope: Construct, props: DatabaseProps) {
    const { cluster, database } = props
    const secret = secretOf(props)
    this.#scope = scope
    this.#key = props.encryptionKey ?? secret?.encryptionKey
    this.clusterArn = clusterArnOf(props)
    this.secretArn = checkedSecretArn(secret?.secretArn ?? props.secretArn)
    this.database = checkedDatabase(database)
    refuseElsewhere(scope, [
      [cluster ? 'cluster' : 'clusterArn', cluster?.env ?? envOf(this.clusterArn)],
      [secret ? 'secret' : 'secretArn', secret?.env ?? envOf(this.secretArn)],
    ])
    this.dependencies = [cluster, secret].filter((dependency) => dependency !== undefined)
    if (cluster) checkCluster(scope, cluster)
  }

  /** What a run may do, and no more: statements and transactions on this cluster, and reading this secret. */
  grant(grantee: iam.IGrantable): void {
    const principal = grantee.grantPrincipal
    principal.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: [
          'rds-data:BeginTransaction',
          'rds-data:CommitTransaction',
          'rds-data:ExecuteStatement',
          'rds-data:RollbackTransaction',
        ],
        resources: [this.clusterArn],
      }),
    )
    principal.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        resources: [this.secretArn],
      }),
    )
    if (this.#key === undefined) return
    const { region } = Stack.of(this.#scope)
    principal.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [this.#key.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` },
        },
      }),
    )
  }

  /** What the functions read of their environment. */
  get environment(): Record<string, string> {
    return {
      CLUSTER_ARN: this.clusterArn,
      SECRET_ARN: this.secretArn,
      DATABASE: this.database,
    }
  }
}

/** Where a resource is. What CloudFormation fills in is a token, and can be compared with nothing. */
type Env = Readonly<Record<'region' | 'account', string>>

function envOf(arn: string): Env {
  const [, , , region = '', account = ''] = Token.isUnresolved(arn) ? [] : arn.split(':')
  return { region, account }
}

/** The functions call the Data API of their own region and account, and that reads the secrets of these alone. */
function refuseElsewhere(scope: Construct, places: readonly (readonly [string, Env])[]): void {
  const known: (readonly [string, Env])[] = [['the stack', Stack.of(scope)], ...places]
  for (const part of ['region', 'account'] as const) {
    const [first, ...others] = known.filter(
      ([, env]) => env[part] !== '' && !Token.isUnresolved(env[part]),
    )
    const other = others.find(([, env]) => env[part] !== first?.[1][part])
    if (first === undefined || other === undefined) continue
    throw new Error(
      `${other[0]} is in ${part} ${other[1][part]} and ${first[0]} in ${part} ${first[1][part]}: stack, cluster and secret must be in one region and one account`,
    )
  }
}

const CLUSTER_ARN = /^arn:[^:]+:rds:[^:]+:\d{12}:cluster:[^:]+$/
const SECRET_ARN = /^arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/

function clusterArnOf({ cluster, clusterArn }: DatabaseProps): string {
  if ((cluster === undefined) === (clusterArn === undefined)) {
    throw new Error(
      `cluster and clusterArn are ${cluster ? 'both' : 'not'} given: give one of them, cluster for a construct of this app`,
    )
  }
  const arn = cluster?.clusterArn ?? clusterArn ?? ''
  if (Token.isUnresolved(arn) || CLUSTER_ARN.test(arn)) return arn
  throw new Error(
    `clusterArn is '${arn}': it must be arn:aws:rds:<region>:<account>:cluster:<name>`,
  )
}

/** The secret as a construct; `undefined` when its ARN is given. */
function secretOf({
  cluster,
  secret,
  secretArn,
}: DatabaseProps): secretsmanager.ISecret | undefined {
  if (secret && secretArn !== undefined) {
    throw new Error('secret and secretArn are both given: keep secret')
  }
  if (secretArn !== undefined) return undefined
  // The interface leaves it out, but every cluster that is made or imported in CDK has it.
  return secret ?? (cluster as { readonly secret?: secretsmanager.ISecret } | undefined)?.secret
}

function checkedSecretArn(arn: string | undefined): string {
  if (arn === undefined) {
    throw new Error(
      'the secret is unknown: give secret or secretArn, or a cluster with credentials: rds.Credentials.fromGeneratedSecret(<user>)',
    )
  }
  if (Token.isUnresolved(arn) || SECRET_ARN.test(arn)) return arn
  throw new Error(
    `secretArn is '${arn}': it must be complete, arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>`,
  )
}

function checkedDatabase(database: string): string {
  const bytes = Buffer.byteLength(database)
  if (Token.isUnresolved(database) || (bytes > 0 && bytes <= 63)) return database
  throw new Error(
    `database is '${database}': it must be the name of a database in the cluster, of 1 to 63 bytes`,
  )
}

function checkCluster(scope: Construct, cluster: rds.IDatabaseCluster): void {
  const engine = cluster.engine?.engineType
  if (engine !== undefined && engine !== 'aurora-postgresql') {
    throw new Error(`cluster has the engine ${engine}: only Aurora PostgreSQL is supported`)
  }
  const resource = cluster.node.tryFindChild('Resource')
  if (!(resource instanceof rds.CfnDBCluster)) return
  scope.node.addValidation({
    validate: () => {
      const enabled: unknown = Stack.of(resource).resolve(
        resource.enableHttpEndpoint as IResolvable | undefined,
      )
      return enabled === true
        ? []
        : [`cluster has no Data API: set enableDataApi: true on ${cluster.node.path}`]
    },
  })
}
