import { fileURLToPath } from 'node:url'
import { App } from 'aws-cdk-lib'
import { MigrationsStack } from './stack.ts'

const USAGE =
  'name the database with -c clusterArn=… -c secretArn=… -c database=…, or make one with -c demo=true'

function main(): void {
  const app = new App()
  const context = (name: string) => app.node.tryGetContext(name) as string | undefined
  const migrations =
    context('migrations') ?? fileURLToPath(new URL('../migrations', import.meta.url))
  const clusterArn = context('clusterArn')
  const secretArn = context('secretArn')
  const database = context('database')
  if (clusterArn && secretArn && database) {
    const existing = { clusterArn, secretArn, database }
    new MigrationsStack(app, 'AuroraMigrations', { existing, migrations })
  } else if (context('demo') === 'true') {
    new MigrationsStack(app, 'AuroraMigrationsDemo', { migrations })
  } else {
    throw new Error(USAGE)
  }
}

try {
  main()
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
