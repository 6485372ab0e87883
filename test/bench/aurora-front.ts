import { startLocalAurora } from '../../infra/local/local-aurora.ts'

/**
 * A local Aurora with a latency, in a process of its own as the service is; the benchmark starts it and talks to it
 * over the process channel. Arguments: URL of the PostgreSQL, milliseconds added to each answer.
 */
const [postgresUrl = '', latency = '0'] = process.argv.slice(2)
const latencyMs = Number(latency)
const aurora = await startLocalAurora({ postgresUrl, latencyMs })
// The option is for the Data API alone; Secrets Manager is as far away.
if (latencyMs > 0) {
  const times = Number.POSITIVE_INFINITY
  aurora.faults.add({ operation: 'GetSecretValue', kind: { delay: latencyMs }, times })
}

process.on('message', () => {
  const calls = aurora.calls.all.map(({ operation, startedAt, errorName }) => ({
    operation,
    startedAt,
    failed: errorName !== undefined,
  }))
  aurora.calls.clear()
  process.send?.({ calls })
})
// Also when the benchmark was killed.
process.once('disconnect', () => void aurora.stop().then(() => process.exit()))
process.send?.({ environment: aurora.environment('postgres') })
