import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onPath } from './directory-problem.ts'
import { canReach, type UserIds } from './unprivileged-user.ts'

/** The existing folder of one local Aurora (`.aurora/`): what is in it, and where PostgreSQL's files are. */
export class AuroraDirectory {
  readonly path: string
  readonly #user: UserIds | undefined

  constructor(path: string, user: UserIds | undefined) {
    this.path = path
    this.#user = user
  }

  get logFile(): string {
    return join(this.path, 'postgres.log')
  }

  get passwordFile(): string {
    return join(this.path, 'password')
  }

  /** The superuser's password, made up with the first data: those that are there know only their own. */
  password(data: string): string {
    const file = this.passwordFile
    if (!existsSync(file) && !existsSync(data)) {
      writeOnce(file, randomBytes(24).toString('base64url'))
    }
    const password = existsSync(file) ? onPath(file, () => readFileSync(file, 'utf8').trim()) : ''
    if (password !== '') return password
    throw new Error(
      `${file} is missing or empty, and ${data} opens only with the password in it: put it back, or remove ${this.path} to start with empty databases`,
    )
  }

  /**
   * Where data and, when needed, binaries live: here, or in a temporary folder that the file
   * `home` points to when a closed parent folder keeps PostgreSQL's user out.
   */
  home(): string {
    if (canReach(this.#user, this.path)) return this.path
    const pointer = join(this.path, 'home')
    const known = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : undefined
    if (known !== undefined && this.#isOwnHome(known)) return known
    const made = this.#makeHome()
    writeOnce(pointer, made)
    return made
  }

  #isOwnHome(path: string): boolean {
    const status = lstatSync(path, { throwIfNoEntry: false })
    // Somebody else may have put a folder in the place of one that was cleaned away.
    return status?.isDirectory() === true && status.uid === process.getuid?.() && this.#reach(path)
  }

  #makeHome(): string {
    const parent = [tmpdir(), '/tmp', '/var/tmp'].find(
      (path) => existsSync(path) && this.#reach(path),
    )
    if (parent === undefined) {
      throw new Error(
        `PostgreSQL cannot run as root, and its user can reach neither ${this.path} nor ` +
          `${tmpdir()}: open one of them (chmod a+x on each parent folder) or set TMPDIR`,
      )
    }
    const home = mkdtempSync(join(parent, 'aurora-migrations-'))
    chmodSync(home, 0o711)
    return home
  }

  #reach(path: string): boolean {
    return canReach(this.#user, path)
  }
}

/** Removes what an interrupted run left half-made under names that start so. */
export async function removeHalfMade(home: string, prefix: string): Promise<void> {
  for (const name of readdirSync(home)) {
    if (name.startsWith(prefix)) await removeAll(join(home, name))
  }
}

/** Tries for a while: the program that was making it may still be writing or cleaning up itself. */
async function removeAll(path: string): Promise<void> {
  for (let attempt = 1; existsSync(path); attempt += 1) {
    try {
      rmSync(path, { recursive: true, force: true })
    } catch (error) {
      if (attempt >= 50) throw error
    }
    if (existsSync(path)) await sleep(100)
  }
}

function writeOnce(file: string, content: string): void {
  const partial = `${file}.new`
  writeFileSync(partial, `${content}\n`, { mode: 0o600 })
  renameSync(partial, file)
}
