import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** How to ask PostgreSQL to stop, from friendly to final, and how long to wait after each. */
const signals: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', 5_000],
  ['SIGQUIT', 2_000],
  ['SIGKILL', 5_000],
]

/** Clears the way for a start: stops a server left from a killed parent, drops a misleading pid file. */
export async function stopOrphan(dataDirectory: string): Promise<void> {
  const pidFile = join(dataDirectory, 'postmaster.pid')
  const pid = readPid(pidFile)
  if (pid === undefined) return
  if (!runsOn(pid, dataDirectory)) {
    // The id may be another process's by now, or a dead one nobody has reaped: PostgreSQL would
    // take either for a running server.
    rmSync(pidFile, { force: true })
    return
  }
  for (const [signal, ms] of signals) {
    if (await stopped(pid, dataDirectory, signal, ms)) return
  }
  throw new Error(
    `A PostgreSQL server (process ${pid}) uses ${dataDirectory} and does not stop: end it, then start again`,
  )
}

async function stopped(
  pid: number,
  dataDirectory: string,
  signal: NodeJS.Signals,
  ms: number,
): Promise<boolean> {
  const deadline = Date.now() + ms
  try {
    process.kill(pid, signal)
  } catch {
    return !runsOn(pid, dataDirectory)
  }
  while (runsOn(pid, dataDirectory)) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10)
    return pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** Whether a live process is a server on this directory: its command line says so. */
function runsOn(pid: number, dataDirectory: string): boolean {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataDirectory)
    }
    const line = execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
    return `${line.trim()} `.includes(` -D ${dataDirectory} `)
  } catch {
    return false
  }
}
