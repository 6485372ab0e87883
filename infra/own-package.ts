import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package runs from its TypeScript sources in its own repository, and from JavaScript where it is installed. */
export const FROM_SOURCE: boolean = import.meta.url.endsWith('.ts')

/** The folder of `package.json`. */
export const PACKAGE: string = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  FROM_SOURCE ? '..' : '../../..',
)

export interface Manifest {
  readonly version: string
  readonly engines: { readonly node: string }
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
}

export function manifest(): Manifest {
  return JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8')) as Manifest
}

/** A command of ours as the reader has to type it. */
export function commandLine(words: string): string {
  return `${FROM_SOURCE ? 'npm run migrate --' : 'npx aurora-migrations'} ${words}`
}

/** What to type when the packages of local Aurora are missing; a project has them only when it asks for them. */
export function installOfLocalPackages(): string {
  if (FROM_SOURCE) return 'npm ci'
  const { peerDependencies, peerDependenciesMeta } = manifest()
  const packages = Object.entries(peerDependencies)
    .filter(([name]) => peerDependenciesMeta[name]?.optional)
    .map(([name, range]) => `${name}@${range}`)
  return `npm install --save-dev ${packages.join(' ')}`
}
