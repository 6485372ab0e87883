import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { drizzle } from 'drizzle-orm/aws-data-api/pg'
import { migrate } from 'drizzle-orm/aws-data-api/pg/migrator'

/** Applies the migrations of a folder, as drizzle-kit writes them. */
export async function run(migrationsFolder) {
  const { CLUSTER_ARN, SECRET_ARN, DATABASE } = process.env
  const db = drizzle(new RDSDataClient({}), {
    database: DATABASE,
    resourceArn: CLUSTER_ARN,
    secretArn: SECRET_ARN,
  })
  await migrate(db, { migrationsFolder })
}
