import { spawnSync } from 'node:child_process'
import { chownSync } from 'node:fs'

/** `nobody` on Linux: PostgreSQL refuses to run as root. */
const nobody = 65_534

export interface UserIds {
  readonly uid: number
  readonly gid: number
}

/** The user PostgreSQL runs as when that is not the current one; undefined: the current one. */
export function postgresUser(): UserIds | undefined {
  return process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : undefined
}

/** Whether that user can get to a directory: any closed parent folder prevents it. */
export function canReach(user: UserIds | undefined, directory: string): boolean {
  if (user === undefined) return true
  // The kernel knows all the rules, modes, groups and access lists alike.
  const visit = spawnSync('/bin/sh', ['-c', 'cd "$0"', directory], { ...user, cwd: '/' })
  return visit.status === 0
}

export function giveTo(user: UserIds | undefined, path: string): void {
  if (user !== undefined) chownSync(path, user.uid, user.gid)
}
