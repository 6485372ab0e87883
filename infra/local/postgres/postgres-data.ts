import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { removeHalfMade } from './aurora-directory.ts'
import { onPath } from './directory-problem.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { giveTo, type UserIds } from './unprivileged-user.ts'

const halfMade = 'data.new-'

export interface DataOptions {
  readonly home: string
  /** The data directory, in `home`. */
  readonly data: string
  readonly binaries: PostgresBinaries
  readonly user: UserIds | undefined
  readonly password: string
  readonly durability: boolean
}

/** Makes the data directory by initdb at the first start. Throws an error for one that this PostgreSQL cannot use. */
export async function makeData(options: DataOptions): Promise<void> {
  const { home, data, binaries } = options
  await removeHalfMade(home, halfMade)
  if (!existsSync(data)) await initialise(options)
  const made = versionOf(data)
  if (made === binaries.major) return
  throw new Error(
    `${data} was made by PostgreSQL ${made} and the installed one is ${binaries.major}: ` +
      'remove the directory to start empty, or install the old version again',
  )
}

function versionOf(data: string): string {
  const file = join(data, 'PG_VERSION')
  return onPath(data, () => {
    // A file in its place, for which the next line would say that nothing is there.
    readdirSync(data)
    if (existsSync(file)) return readFileSync(file, 'utf8').trim()
    throw new Error(
      `${data} has no PG_VERSION, so it is no data directory of PostgreSQL, or not all of one: put back what is missing, or remove it to start empty`,
    )
  })
}

/** Made aside and renamed when complete, so that an interrupted initdb is never started. */
async function initialise(options: DataOptions): Promise<void> {
  const { home, data, user, password } = options
  const aside = mkdtempSync(join(home, halfMade))
  const passwordFile = join(aside, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  giveTo(user, passwordFile)
  giveTo(user, aside)
  await initdb(join(aside, 'data'), passwordFile, options)
  renameSync(join(aside, 'data'), data)
  rmSync(aside, { recursive: true })
}

async function initdb(
  target: string,
  passwordFile: string,
  { binaries, user, durability }: DataOptions,
): Promise<void> {
  const options = [
    `--pgdata=${target}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    // Aurora sorts like a language, not like bytes.
    '--locale-provider=icu',
    '--icu-locale=en-US',
    '--no-instructions',
    ...(durability ? ['--data-checksums'] : ['--no-sync']),
  ]
  const child = spawn(binaries.initdb, options, { ...user, cwd: '/', env: postgresEnvironment() })
  const output: string[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => output.push(String(chunk)))
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject)
  child.on('close', resolve)
  const code = await promise
  if (code === 0) return
  const lines = output.join('').trim().split('\n').slice(-10).join(' | ')
  throw new Error(`initdb ended with code ${code} for ${target}: ${lines}`)
}

/** Nothing of the caller's PG* variables, and messages in English. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }
}
