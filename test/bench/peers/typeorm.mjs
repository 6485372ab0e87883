import { DataSource } from 'typeorm'
import * as driver from 'typeorm-aurora-data-api-driver'
import { revisionStatements } from '../statements.ts'

/** Applies the first `count` migrations; `transaction` is TypeORM's: one for `all` or one for `each`. */
export async function run(count, transaction) {
  const { CLUSTER_ARN, SECRET_ARN, DATABASE, AWS_REGION, AWS_ENDPOINT_URL_RDS_DATA } = process.env
  const source = new DataSource({
    type: 'aurora-postgres',
    driver,
    database: DATABASE,
    secretArn: SECRET_ARN,
    resourceArn: CLUSTER_ARN,
    region: AWS_REGION,
    // Its own, older SDK does not read the variable.
    serviceConfigOptions: { endpoint: AWS_ENDPOINT_URL_RDS_DATA },
    migrations: migrations(count),
    migrationsTransactionMode: transaction,
  })
  await source.initialize()
  await source.runMigrations()
  await source.destroy()
}

function migrations(count) {
  return Array.from({ length: count }, (_, i) => {
    const name = `Bench${1_700_000_000_000 + i}`
    return {
      [name]: class {
        name = name
        async up(runner) {
          for (const text of revisionStatements(i + 1)) await runner.query(text)
        }
        async down() {}
      },
    }[name]
  })
}
