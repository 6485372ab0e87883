import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from './directory-problem.ts'

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
  onPath(directory, () => mkdirSync(directory, { recursive: true }))
  const lockFile = join(directory, 'lock')
  const claim = JSON.stringify(holder)
  for (;;) {
    if (onPath(directory, () => isWritten(lockFile, claim))) return () => release(lockFile, holder)
    refuseOthers(lockFile)
    const found = read(lockFile)
    const other = parse(found)
    if (other !== undefined && (await answers(other))) throw inUse(lockFile, other)
    removeStale(lockFile, found, holder)
  }
}

/** False: there is a lock already. */
function isWritten(lockFile: string, claim: string): boolean {
  try {
    writeFileSync(lockFile, claim, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function release(lockFile: string, holder: LockHolder): void {
  if (parse(read(lockFile))?.identity === holder.identity) rmSync(lockFile, { force: true })
}

/** The lock of another user cannot be read, so nobody knows whether it is in use. */
function refuseOthers(lockFile: string): void {
  const owner = statSync(lockFile, { throwIfNoEntry: false })?.uid
  const user = process.getuid?.()
  if (owner === undefined || user === undefined || owner === user || user === 0) return
  throw new Error(
    `${lockFile} belongs to another user (uid ${owner}), whose local Aurora may run on this directory: ` +
      'choose another --directory, or have that one stopped and the lock removed',
  )
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
    onPath(lockFile, () => renameSync(lockFile, aside))
    if (read(aside) !== found) renameSync(aside, lockFile)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

/** `undefined`: it is not there. */
function read(lockFile: string): string | undefined {
  try {
    return onPath(lockFile, () => readFileSync(lockFile, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
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
