import { execFile } from 'node:child_process'
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { manifest } from '../../infra/own-package.ts'
import { AuroraProcess } from '../local/aurora-process.ts'

export const ROOT = path.resolve(import.meta.dirname, '../..')

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
}

/** The environment without what npm and vitest tell their own children. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const own =
    /^(npm_(package|lifecycle|config_local_prefix|command|execpath)|NODE_|VITE|INIT_CWD|CLUSTER_ARN|SECRET_ARN|AWS_)/
  const inherited = Object.entries(process.env).filter(([name]) => !own.test(name))
  // npm's own remarks would stand between the lines that the tests compare.
  const quiet = { npm_config_loglevel: 'error', npm_config_update_notifier: 'false' }
  return { ...Object.fromEntries(inherited), ...quiet }
}

const OFFLINE_FIRST = ['--prefer-offline', '--no-audit', '--no-fund']

/** The CDK project of somebody who uses the package: a folder of its own, with a `package.json` and an app. */
export class Shop implements AsyncDisposable {
  readonly folder: string
  readonly #versions: ReadonlyMap<string, string>

  private constructor(folder: string, versions: ReadonlyMap<string, string>) {
    this.folder = folder
    this.#versions = versions
  }

  static async make(tarball: string): Promise<Shop> {
    const folder = await mkdtemp(path.join(tmpdir(), 'aurora-shop-'))
    // PostgreSQL runs as another user when this is run as root.
    await chmod(folder, 0o755)
    await cp(path.join(import.meta.dirname, 'shop'), folder, { recursive: true })
    const { devDependencies, allowScripts } = JSON.parse(
      await readFile(path.join(ROOT, 'package.json'), 'utf8'),
    ) as Manifest
    const { 'aws-cdk': cdk, typescript, '@types/node': types } = devDependencies
    const project = {
      name: 'shop',
      private: true,
      type: 'module',
      devDependencies: { 'aws-cdk': cdk, typescript, '@types/node': types },
      allowScripts,
    }
    await writeFile(path.join(folder, 'package.json'), JSON.stringify(project, undefined, 2))
    const versions = Object.entries(devDependencies).map(
      ([name, version]) => [name, `${name}@${version}`] as const,
    )
    return new Shop(folder, new Map([...versions, ['aurora-migrations', tarball]]))
  }

  /** Runs an `npm install` with the packed package and with the versions that all is tested with. */
  async install(commandLine: string): Promise<Ended> {
    const [npm = '', ...words] = commandLine.split(' ')
    const args = words.map((word) => this.#versions.get(word.replace(/(.)@.*$/, '$1')) ?? word)
    return await this.run(npm, ...args, ...OFFLINE_FIRST)
  }

  /** Installs all anew, with the oldest version of each peer that the package allows. */
  async installOldestPeers(): Promise<Ended> {
    const { peerDependencies } = manifest()
    for (const name of ['node_modules', 'package-lock.json']) {
      await rm(this.path(name), { recursive: true })
    }
    const peers = Object.entries(peerDependencies).map(([name, range]) => {
      return `${name}@${/[\d.]+(-[\w.]+)?/.exec(range)?.[0]}`
    })
    return await this.run('npm', 'install', '--save-exact', ...peers, ...OFFLINE_FIRST)
  }

  /** Runs a program in the folder to its end. */
  run(program: string, ...args: readonly string[]): Promise<Ended> {
    const options = { cwd: this.folder, env: cleanEnvironment(), maxBuffer: 2 ** 26 }
    return new Promise((resolve, reject) => {
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error)
        else resolve({ code: Number(error?.code ?? 0), stdout, stderr })
      })
      child.stdin?.end()
    })
  }

  /** The command line of the package. */
  cli(...args: readonly string[]): Promise<Ended> {
    return this.run('npx', 'aurora-migrations', ...args)
  }

  /** Local Aurora of the folder, started by the package. */
  localAurora(database: string): Promise<AuroraProcess> {
    const options = { cwd: this.folder, env: cleanEnvironment() }
    const program = this.path('node_modules/.bin/aurora-migrations')
    return new AuroraProcess(['--database', database], options, program).ready()
  }

  path(name: string): string {
    return path.join(this.folder, name)
  }

  /** Writes text in the place of other text into the file in `migrations/` whose name ends so. */
  async edit(ending: string, replacements: Readonly<Record<string, string>>): Promise<void> {
    const names = await readdir(this.path('migrations'))
    const file = this.path(`migrations/${names.find((name) => name.endsWith(ending))}`)
    let text = await readFile(file, 'utf8')
    for (const [old, replacement] of Object.entries(replacements)) {
      if (!text.includes(old)) throw new Error(`${file} has no '${old}'`)
      text = text.replace(old, () => replacement)
    }
    await writeFile(file, text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
