import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

let secret: Promise<unknown> | undefined

/** The least that any run has to do: one statement and, the first time and beside it, the secret. */
export async function clients(): Promise<void> {
  const { CLUSTER_ARN: resourceArn, SECRET_ARN: secretArn, DATABASE: database } = process.env
  secret ??= new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: secretArn }))
  const target = { resourceArn, secretArn, database }
  const statement = new ExecuteStatementCommand({ ...target, sql: 'select 1' })
  await Promise.all([secret, new RDSDataClient().send(statement)])
}
