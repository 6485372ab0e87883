import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { build, type Plugin } from 'esbuild'
import { BUNDLE_OPTIONS, COMMON_JS } from './bundles.ts'

const PEERS = path.join(import.meta.dirname, 'peers')

/** Installs the peers where they are not, or are of another lock file. */
export async function installPeers(): Promise<void> {
  const lock = await readFile(path.join(PEERS, 'package-lock.json'), 'utf8')
  const stamp = path.join(PEERS, 'node_modules/.installed-lock.json')
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === lock) return
  console.log('installing the peers in test/bench/peers')
  execFileSync('npm', ['ci', '--prefix', PEERS, '--no-audit', '--no-fund'], { stdio: 'inherit' })
  await writeFile(stamp, lock)
}

/** The exact version of a peer that is installed. */
export async function peerVersion(name: string): Promise<string> {
  const text = await readFile(path.join(PEERS, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Bundles a file of `peers/`; answers the bundle's file. */
export async function peerBundle(work: string, name: string): Promise<string> {
  const outfile = path.join(work, `${name}.mjs`)
  await build({
    ...BUNDLE_OPTIONS,
    entryPoints: [path.join(PEERS, `${name}.mjs`)],
    outfile,
    banner: COMMON_JS,
    plugins: [missingAreExternal],
  })
  return outfile
}

/** Leaves out what a package can use and is not installed, such as TypeORM's other drivers. */
const missingAreExternal: Plugin = {
  name: 'missing are external',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path: name, pluginData, ...rest }) => {
      if (pluginData === 'asked') return undefined
      const { importer, kind, namespace, resolveDir } = rest
      const options = { importer, kind, namespace, resolveDir, pluginData: 'asked' }
      const found = await resolve(name, options)
      return found.errors.length > 0 ? { path: name, external: true } : found
    })
  },
}
