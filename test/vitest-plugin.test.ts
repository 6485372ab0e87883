import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, expectTypeOf, test } from 'vitest'
import type { Plugin } from 'vitest/config'
import { auroraMigrations } from '../infra/vitest.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
const HOLE = '$' + '{HOME}'
const SQL = `-- one\r\ninsert into t values ('C:\\new ${HOLE} \`y\`');\n`

const FILES = {
  'vitest.config.ts': `import { auroraMigrations } from 'aurora-migrations/vitest'
import { defineConfig } from 'vitest/config'
const conditions = ['aurora-migrations-source']
export default defineConfig({ plugins: [auroraMigrations()], resolve: { conditions }, ssr: { resolve: { conditions } } })
`,
  'migrations/a1_x.ts': `/// <reference types="aurora-migrations/files" />
import { defineRevision } from 'aurora-migrations'
import up from './a1_x.up.sql'
import csv from './data/rows.csv'
import rows from './data/rows.json' with { type: 'json' }
import words from './data/words.txt'
export const files = { csv, rows, words, up }
export default defineRevision({
  revision: 'a1', downRevision: null, doc: 'x', downgrade: null,
  async upgrade(op) { await op.executeScript(up) },
})
`,
  'migrations/a1_x.up.sql': `\uFEFF${SQL}`,
  'migrations/data/rows.csv': 'a,b\r\n',
  'migrations/data/rows.json': '[1.5]',
  'migrations/data/words.txt': 'words',
  'a1.test.ts': `import { SqlFile } from 'aurora-migrations'
import { expect, test } from 'vitest'
import a1, { files } from './migrations/a1_x.ts'

test('the revision and its files are loaded', async () => {
  expect(files).toEqual({ csv: 'a,b\\r\\n', rows: [1.5], words: 'words', up: expect.any(SqlFile) })
  const scripts: unknown[] = []
  await a1.upgrade({ executeScript: async (script: unknown) => void scripts.push(script) } as never)
  expect(scripts).toEqual([new SqlFile('migrations/a1_x.up.sql', ${JSON.stringify(SQL)})])
})
`,
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(ROOT, '.aurora-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function vitest(changes: Readonly<Record<string, string>> = {}): Promise<string> {
  for (const [name, text] of Object.entries({ ...FILES, ...changes })) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    await writeFile(path.join(folder, name), text)
  }
  const program = path.join(ROOT, 'node_modules/vitest/vitest.mjs')
  const source = '--conditions=aurora-migrations-source'
  // Imported where it stands: elsewhere the package could not be found by its own name.
  const args = [source, program, 'run', '--root', folder, '--configLoader', 'native']
  const environment = Object.entries(process.env).filter(([name]) => !/^VITEST|^NODE_/.test(name))
  const options = { cwd: folder, env: { ...Object.fromEntries(environment), NO_COLOR: '1' } }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options).catch(
    (error: { readonly stdout: string; readonly stderr: string }) => error,
  )
  return stdout + stderr
}

test('Vitest loads the files that a revision imports as the bundle does', async () => {
  expectTypeOf(auroraMigrations()).toExtend<Plugin>()
  expect(await vitest()).toMatch(/Tests {2}1 passed \(1\)/)
})

test('Vitest names a file that is no UTF-8, as the bundle does', async () => {
  expect(await vitest({ 'migrations/a1_x.up.sql': 'select 1\0' })).toContain(
    'migrations/a1_x.up.sql line 1 has a NUL character, which SQL cannot hold',
  )
})
