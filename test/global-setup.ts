import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startLocalAurora } from '../infra/local/local-aurora.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The PostgreSQL that all test files share. */
    aurora: { readonly postgresUrl: string }
  }
}

/** One PostgreSQL for the whole run; each test file opens its own HTTP front on it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // One run after another on the same server: see `test/mutants`.
  const { TEST_POSTGRES_URL: given } = process.env
  if (given !== undefined) {
    project.provide('aurora', { postgresUrl: given })
    return async () => {}
  }
  const directory = mkdtempSync(join(tmpdir(), 'aurora-test-'))
  // Open to PostgreSQL's own user: below a closed folder the data would outlive this one.
  chmodSync(directory, 0o755)
  const aurora = await startLocalAurora({ directory, durability: false })
  project.provide('aurora', { postgresUrl: aurora.postgresUrl })
  return async () => {
    await aurora.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}
