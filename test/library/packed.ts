import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { cleanEnvironment, ROOT } from './shop.ts'

export interface Packed {
  /** The tarball. */
  readonly file: string
  readonly size: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly packed: Packed
  }
}

/** Packs the package once, as `npm publish` would. */
export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), 'aurora-packed-'))
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    env: cleanEnvironment(),
    encoding: 'utf8',
  })
  // What prepack prints stands before the answer.
  const [packed] = Object.values(JSON.parse(printed.slice(printed.search(/^[[{]$/m)))) as [
    Omit<Packed, 'file'> & { readonly filename: string },
  ]
  const { size, files, filename } = packed
  project.provide('packed', { file: path.join(folder, filename), size, files })
  return () => rmSync(folder, { recursive: true, force: true })
}
