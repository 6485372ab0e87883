import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BundledMigrations } from '../../infra/constructs/bundled-migrations.ts'
import { migrationsFolder, revisionText } from '../bundled-revisions.ts'

let migrations: string
let out: string
beforeAll(async () => {
  migrations = await migrationsFolder([{ id: 'a' }, { id: 'b', down: 'a' }])
  out = await mkdtemp(path.join(tmpdir(), 'aurora-hash-'))
})
afterAll(async () => {
  await rm(migrations, { recursive: true, force: true })
  await rm(out, { recursive: true, force: true })
})

const hash = () => new BundledMigrations(migrations, out).hash
const write = (file: string, text: string) => writeFile(path.join(migrations, file), text)

test('the hash changes with the revisions and with nothing else', async () => {
  const first = hash()
  expect(first).toMatch(/^[0-9a-f]{32}$/)
  await write(
    'b.ts',
    `// a comment\n${revisionText({ id: 'b', down: 'a' }).replaceAll('\n', '\n\n')}`,
  )
  expect(hash()).toBe(first)

  await write('words.ts.txt', 'not a revision')
  await write('b.ts', revisionText({ id: 'b', down: 'a', sql: 'select 1' }))
  const edited = hash()
  expect(edited).not.toBe(first)

  await write('c.ts', revisionText({ id: 'c', down: 'b' }))
  const added = hash()
  expect(added).not.toBe(edited)
})

test('the hash changes with a project file that a revision imports', async () => {
  const folder = await mkdtemp(path.join(process.cwd(), '.aurora-test-shared-'))
  try {
    const shared = path.join(folder, 'names.ts')
    const importing = `import { names } from ${JSON.stringify(shared)}
import { defineRevision } from 'aurora-migrations'
export default defineRevision({ revision: 'b', downRevision: 'a', doc: names[0] ?? '', upgrade() {}, downgrade: null })`
    await write('b.ts', importing)
    await writeFile(shared, "export const names = ['one']")
    const first = hash()
    await writeFile(shared, "export const names = ['two']")
    expect(hash()).not.toBe(first)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
