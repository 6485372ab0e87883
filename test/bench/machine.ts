import { execFileSync } from 'node:child_process'
import { cpus, loadavg, totalmem, type } from 'node:os'
import type { BenchAurora } from './bench-aurora.ts'
import { peerVersion } from './peer-packages.ts'

const PEERS = [
  'drizzle-orm',
  'kysely',
  'kysely-data-api',
  'typeorm',
  'typeorm-aurora-data-api-driver',
]

/** What the numbers depend on, one fact a line. */
export async function machineFacts(aurora: BenchAurora): Promise<string[]> {
  const [row] = await aurora.query('postgres', [
    "select current_setting('server_version') as version, current_setting('fsync') as fsync",
  ])
  const peers = await Promise.all(PEERS.map(async (name) => `${name} ${await peerVersion(name)}`))
  const [cpu] = cpus()
  const load = loadavg()[0] ?? Number.NaN
  return [
    `date: ${new Date().toISOString().slice(0, 10)}, commit ${commit()}`,
    `machine: ${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()}, load ${load.toFixed(1)} at the start`,
    `Node ${process.versions.node}, PostgreSQL ${row?.version} with fsync ${row?.fsync}`,
    `peers: ${peers.join(', ')}`,
  ]
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'lambda', 'infra')
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : ' with changes'}`
  } catch {
    return 'unknown'
  }
}
