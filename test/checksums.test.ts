import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { bundle } from '../infra/bundle.ts'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import { revisionChecksums } from '../infra/revision-checksums.ts'
import { revisionFiles } from '../infra/revision-files.ts'
import { check, upgrade } from '../lambda/commands.ts'
import { createInvoke } from '../lambda/handlers/index.ts'
import { connect, newDatabase, testAurora } from './local-aurora.ts'
import { callNames, tableRevision, testContext } from './runner-fixture.ts'

type Answer = Record<string, unknown> & { readonly warnings: readonly string[] }
type Invoke = (event: unknown) => Promise<Answer>

let aurora: LocalAurora
let database: string
let migrations: string
let out: string

beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

beforeEach(async () => {
  database = await newDatabase(aurora)
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
  migrations = await mkdtemp(path.join(process.cwd(), '.aurora-test-'))
  out = await mkdtemp(path.join(tmpdir(), 'aurora-checksums-'))
  await write('names.ts', "export default 'ORIGINAL'.toLowerCase()\nexport const other = 1\n")
  await write('a1_first.ts', revisionFile('a1', 'null'))
  await write('b1_second.ts', revisionFile('b1', "'a1'"))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const folder of [migrations, out]) await rm(folder, { recursive: true, force: true })
})

function revisionFile(id: string, down: string): string {
  return `import { defineRevision } from 'aurora-migrations'
import name from './shared/names.ts'

export default defineRevision({
  revision: '${id}', downRevision: ${down}, doc: 'create ${id}',
  async upgrade(op) { await op.execute(\`create table t_${id} (\${name} int)\`) },
  async downgrade(op) { await op.execute('drop table t_${id}') },
})
`
}

async function write(file: string, text: string): Promise<void> {
  // Beside the revision files, but no revision file itself.
  const target =
    file === 'names.ts' ? path.join(migrations, 'shared', file) : path.join(migrations, file)
  await mkdir(path.dirname(target), { recursive: true })
  await writeFile(target, text)
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  await write(file, change(await readFile(path.join(migrations, file), 'utf8')))
}

/** The handler with the folder as it is now, as the bundle would make it. */
async function built(): Promise<Invoke> {
  const checksums = await revisionChecksums(migrations, await revisionFiles(migrations))
  const revisions = [...checksums].map(async ([file, checksum]) => {
    const text = await readFile(path.join(migrations, file), 'utf8')
    const [, id = '', , down = null] =
      /revision: '(\w+)', downRevision: (null|'(\w+)')/.exec(text) ?? []
    return { ...tableRevision(id, down), file, checksum }
  })
  return createInvoke(await Promise.all(revisions)) as unknown as Invoke
}

const warning = (ids: string) =>
  `the file of ${ids} was edited after it was applied, and what is applied is not run again: restore the file, and put the change into a new revision`

describe('the checksum of an applied revision', () => {
  test('is in the bundle and in the history, and a run with nothing to do still is one call', async () => {
    const { file } = await bundle({ migrations, out, forCli: true })
    const { invoke } = (await import(file)) as { readonly invoke: Invoke }
    await invoke({ command: 'upgrade' })
    const checksums = await revisionChecksums(migrations, await revisionFiles(migrations))
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      'select revision, checksum, bundle_hash from alembic_version_history order by seq',
    )
    expect(rows).toMatchObject([
      { revision: 'a1', checksum: checksums.get('a1_first.ts') },
      { revision: 'b1', checksum: checksums.get('b1_second.ts') },
    ])
    expect(rows[0].checksum).toMatch(/^sha256\/esbuild-\d+\.\d+\.\d+:[0-9a-f]{64}$/)
    expect(rows[0].bundle_hash).toMatch(/^[0-9a-f]{64}$/)
    aurora.calls.clear()
    expect(await invoke({ command: 'upgrade', strict: true })).toMatchObject({
      status: 'succeeded',
      warnings: [],
    })
    expect(callNames(aurora.calls.forDatabase(database))).toEqual(['Read'])
  })

  test('that is another one now is warned of by check and upgrade, and refused with strict', async () => {
    await (await built())({ command: 'upgrade' })
    await edit('a1_first.ts', (text) => text.replace('int)', 'bigint)'))
    await write('c1_third.ts', revisionFile('c1', "'b1'"))
    const invoke = await built()
    expect(await invoke({ command: 'check' })).toMatchObject({
      status: 'succeeded',
      edited: ['a1'],
      warnings: [warning('a1')],
      problems: [],
      pending: ['c1'],
    })
    expect(await invoke({ command: 'check', strict: true })).toMatchObject({
      status: 'failed',
      problems: [warning('a1')],
      warnings: [],
    })
    expect(await invoke({ command: 'upgrade', strict: true })).toMatchObject({
      status: 'failed',
      steps: [],
      error: { kind: 'EditedRevisions', message: warning('a1'), nothingRun: true },
    })
    expect(await invoke({ command: 'upgrade' })).toMatchObject({
      status: 'succeeded',
      to: ['c1'],
      warnings: [warning('a1')],
    })
  })

  test('that was taken back, changed and stamped says nothing of the file that was stamped', async () => {
    const invoke = await built()
    await invoke({ command: 'upgrade' })
    await invoke({ command: 'downgrade', target: '-1' })
    await edit('b1_second.ts', (text) => text.replace('int)', 'bigint)'))
    const changed = await built()
    expect(await changed({ command: 'check' })).toMatchObject({ edited: [], pending: ['b1'] })
    await changed({ command: 'stamp', target: 'heads' })
    expect(await changed({ command: 'check' })).toMatchObject({
      status: 'succeeded',
      rows: ['b1'],
      edited: [],
    })
  })

  test('changes with a project file that the revision imports', async () => {
    await (await built())({ command: 'upgrade' })
    await write('names.ts', "export default 'changed'\n")
    expect(await (await built())({ command: 'upgrade' })).toMatchObject({
      warnings: [warning('a1, b1')],
    })
  })

  test('does not change with comments, white space, types and the name of the file', async () => {
    await (await built())({ command: 'upgrade' })
    await edit('a1_first.ts', (text) =>
      text
        .replace('import name', '// a comment\n/*! a licence */\nimport   name')
        .replace(
          'async upgrade(op) {',
          'async upgrade(op: import("aurora-migrations").Operations): Promise<void> {\n\n',
        )
        .replaceAll("'create a1'", '"create a1"'),
    )
    await rename(path.join(migrations, 'a1_first.ts'), path.join(migrations, 'a1_renamed.ts'))
    expect(await (await built())({ command: 'upgrade', strict: true })).toMatchObject({
      status: 'succeeded',
      warnings: [],
    })
  })

  test('is not compared with one that was made in another way, or with none', async () => {
    const invoke = await built()
    await invoke({ command: 'upgrade' })
    const client = await connect(aurora, database)
    await client.query(
      "update alembic_version_history set checksum = case revision when 'a1' then 'sha256/esbuild-0.0.1:' || repeat('0', 64) end",
    )
    expect(await invoke({ command: 'upgrade', strict: true })).toMatchObject({
      status: 'succeeded',
      warnings: [],
    })
  })

  test('is that of the last time it was applied, and counts as long as it is applied', async () => {
    await (await built())({ command: 'upgrade' })
    await edit('b1_second.ts', (text) => text.replace('int)', 'bigint)'))
    const invoke = await built()
    await invoke({ command: 'downgrade', target: 'a1' })
    expect(await invoke({ command: 'check' })).toMatchObject({ edited: [], warnings: [] })
    await invoke({ command: 'upgrade' })
    expect(await invoke({ command: 'check' })).toMatchObject({ edited: [], warnings: [] })
    await edit('b1_second.ts', (text) => text.replace('bigint)', 'smallint)'))
    const again = await built()
    expect(await again({ command: 'check' })).toMatchObject({ edited: ['b1'] })
    await again({ command: 'stamp', target: 'a1' })
    expect(await again({ command: 'check' })).toMatchObject({ edited: [] })
  })

  test('is in nobody’s way when its file was removed', async () => {
    await (await built())({ command: 'upgrade' })
    await rm(path.join(migrations, 'a1_first.ts'))
    await write('b1_second.ts', revisionFile('b1', 'null'))
    await write('c1_third.ts', revisionFile('c1', "'b1'"))
    const invoke = await built()
    expect(await invoke({ command: 'upgrade' })).toMatchObject({
      status: 'succeeded',
      to: ['c1'],
      warnings: [warning('b1')],
    })
  })
})

test('ten thousand checksums go up with one call, and only those that differ come back', async () => {
  const revisions = [tableRevision('a', null), tableRevision('b', 'a')].map((each) => ({
    ...each,
    checksum: `sha256/esbuild-1:${'0'.repeat(64)}`,
  }))
  await upgrade(testContext(aurora, database, revisions))
  const others = Array.from({ length: 10_000 }, (_, i) => [
    `r${i}`,
    `sha256/esbuild-1:${'2'.repeat(64)}`,
  ])
  const checksums = {
    ...Object.fromEntries(others),
    a: `sha256/esbuild-1:${'1'.repeat(64)}`,
    b: revisions[1]?.checksum ?? '',
  }
  aurora.calls.clear()
  const report = await check({ ...testContext(aurora, database, revisions), checksums })
  expect(report.edited).toEqual(['a'])
  expect(callNames(aurora.calls.forDatabase(database))).toEqual(['Read'])
})
