import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** What tests read; the rest of a checkout is not copied. */
const COPIED = [
  'README.md',
  'cdk.json',
  'infra',
  'lambda',
  'migrations',
  'package.json',
  'test',
  'tsconfig.json',
  'vitest.config.ts',
  'vitest.faults.config.ts',
]

/** A copy of the checkout in which files may be changed, until the process ends. It shares the installed packages. */
export class ScratchCheckout {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'aurora-mutants-'))

  constructor() {
    process.once('exit', () => rmSync(this.directory, { recursive: true, force: true }))
    // PostgreSQL may run as another user.
    chmodSync(this.directory, 0o755)
    for (const name of COPIED) {
      cpSync(path.join(ROOT, name), path.join(this.directory, name), { recursive: true })
    }
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(this.directory, 'node_modules'))
  }

  read(file: string): string {
    return readFileSync(path.join(this.directory, file), 'utf8')
  }

  write(file: string, text: string): void {
    writeFileSync(path.join(this.directory, file), text)
  }
}
