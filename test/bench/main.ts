import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startLocalAurora } from '../../infra/local/local-aurora.ts'
import { AuroraProcess } from '../local/aurora-process.ts'
import { measureBulkInsert } from './bulk-insert.ts'

const COUNT = 100_000
const directory = mkdtempSync(path.join(tmpdir(), 'aurora-bench-'))
const aurora = await startLocalAurora({ directory })
try {
  // As the service is: in a process of its own.
  const front = await new AuroraProcess(['--postgres-url', aurora.postgresUrl]).ready()
  Object.assign(process.env, aurora.environment('postgres'))
  for (const name of ['AWS_ENDPOINT_URL_RDS_DATA', 'AWS_ENDPOINT_URL_SECRETS_MANAGER']) {
    process.env[name] = front.exported(name)
  }
  const results = await measureBulkInsert(aurora, { count: COUNT, repeat: 5 })
  const speed = (method: string) =>
    results.find((each) => each.method.startsWith(method))?.rowsPerSecond ?? 0
  const ours = speed('op.bulkInsert')
  console.log(`${COUNT} rows of 5 columns in one transaction, no latency, medians of 5`)
  console.table(results)
  console.log(
    `op.bulkInsert is ${((100 * ours) / speed('COPY')).toFixed(0)} % of COPY (goal: 20 %)`,
  )
  console.log(
    `op.bulkInsert is ${(ours / speed('Batch')).toFixed(1)} × BatchExecuteStatement (goal: 4)`,
  )
  await front.end('SIGTERM')
} finally {
  await aurora.stop()
  rmSync(directory, { recursive: true, force: true })
}
