import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startLocalAurora } from '../../infra/local/local-aurora.ts'
import { measureBulkInsert } from './bulk-insert.ts'

const COUNT = 100_000
const directory = mkdtempSync(path.join(tmpdir(), 'aurora-bench-'))
const aurora = await startLocalAurora({ directory })
try {
  Object.assign(process.env, aurora.environment('postgres'))
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
} finally {
  await aurora.stop()
  rmSync(directory, { recursive: true, force: true })
}
