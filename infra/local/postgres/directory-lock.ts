import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Who uses a directory: a process, and where it answers. */
export interface LockHolder {
  readonly pid: number
  readonly endpoint: string
  readonly identity: string
}

/**
 * Claims a directory for one process, and answers how to give it back. A second one gets an error naming the first; a holder that
 * was killed is recognised by its silence, not by its process id, which may be another's by now.
 */
export async function claimDirectory(directory: string, holder: LockHolder): Promise<() => void> {
  mkdirSync(directory, { recursive: true })
  const lockFile = join(directory, 'lock')
  const claim = JSON.stringify(holder)
  for (;;) {
    try {
      writeFileSync(lockFile, claim, { flag: 'wx', mode: 0o600 })
      return () => release(lockFile, holder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const found = read(lockFile)
    const other = parse(found)
    if (other !== undefined && (await answers(other))) throw inUse(lockFile, other)
    removeStale(lockFile, found, holder)
  }
}

function release(lockFile: string, holder: LockHolder): void {
  if (parse(read(lockFile))?.identity === holder.identity) rmSync(lockFile, { force: true })
}

function inUse(lockFile: string, { pid, endpoint }: LockHolder): Error {
  return new Error(
    `Local Aurora already runs on this directory (process ${pid}, ${endpoint}, ${lockFile}): ` +
      'use that one, stop it, or choose another --directory',
  )
}

async function answers({ pid, endpoint, identity }: LockHolder): Promise<boolean> {
  if (!isAlive(pid)) return false
  try {
    const response = await fetch(`${endpoint}/_local/identity`, {
      signal: AbortSignal.timeout(5_000),
    })
    const body = (await response.json()) as { identity?: unknown }
    return body.identity === identity
  } catch (error) {
    // Silence on an open port: a holder that is only busy keeps its directory.
    return (error as Error).name === 'TimeoutError'
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes the lock that was read, and puts back a newer one that another process just made. */
function removeStale(lockFile: string, found: string | undefined, { identity }: LockHolder): void {
  const aside = `${lockFile}.${identity}`
  try {
    if (read(lockFile) !== found) return
    renameSync(lockFile, aside)
    if (read(aside) !== found) renameSync(aside, lockFile)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function parse(text: string | undefined): LockHolder | undefined {
  try {
    const holder = JSON.parse(text ?? '')
    return typeof holder.pid === 'number' ? holder : undefined
  } catch {
    return undefined
  }
}
