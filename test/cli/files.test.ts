import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type RevisionOptions, writeRevision } from '../../infra/cli/file-commands.ts'
import { Output } from '../../infra/cli/output.ts'
import type { Place } from '../../infra/cli/place.ts'
import { createInvoke } from '../../lambda/handlers/index.ts'
import { tableRevision } from '../runner-fixture.ts'
import { cliHere } from './cli-here.ts'
import { cli, ROOT } from './cli-process.ts'

// Each test starts programs, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let folder: string
beforeEach(async () => {
  folder = path.relative(ROOT, await mkdtemp(path.join(ROOT, '.aurora-test-')))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

const read = (file: string) => readFile(path.join(folder, file), 'utf8')

/** A folder with these revisions: id, down revision, and what else is in the file. */
async function revisions(
  ...each: readonly [id: string, down: string, more?: string][]
): Promise<Place> {
  for (const [id, down, more = ''] of each) {
    await writeFile(
      path.join(folder, `${id}.ts`),
      `import { defineRevision } from 'aurora-migrations'
export default defineRevision({ revision: '${id}', downRevision: ${down}, doc: 'doc of ${id}', ${more} upgrade() {}, downgrade() {} })
`,
    )
  }
  const invoke = createInvoke(
    each.map(([id, down]) => ({
      ...tableRevision(id, down === 'null' ? null : down.slice(1, -1)),
      file: `${id}.ts`,
    })),
  )
  return {
    name: 'a place that needs no bundle',
    interruption: { first: '', second: '' },
    life: '',
    send: (event) => invoke(event),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** In a process of its own: what it bundles and loads is not for this one. */
const run = (...args: readonly string[]) => cli([...args, '--migrations', folder])

describe('revision', () => {
  test('writes a file after the head', async () => {
    await revisions(['a1', 'null'], ['b1', "'a1'"])
    const result = await run(
      'revision',
      '-m',
      "It's new: café, größe & 50% – of all the things that we ever had",
      '--rev-id',
      'c1',
    )
    expect(result).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Generating .*c1_\w+\.ts \.\.\. {2}done\n$/),
      stderr: '',
    })
    const [name = ''] = (await readdir(folder)).filter((each) => each.startsWith('c1'))
    expect(name).toBe('c1_it_s_new_cafe_gro_e_50_of_all_the_things.ts')
    expect(await read(name)).toBe(`import { defineRevision } from 'aurora-migrations'

export default defineRevision({
  revision: 'c1',
  downRevision: 'b1',
  doc: 'It\\'s new: café, größe & 50% – of all the things that we ever had',

  async upgrade(op) {
    // await op.addColumn('account', 'closed_at', 'timestamptz')
  },

  async downgrade(op) {
    // await op.dropColumn('account', 'closed_at')
  },
})
`)
    expect(await run('heads')).toMatchObject({ stdout: 'c1 (head)\n' })
  })

  test('begins a folder, makes up an id, and takes up a file that was added by hand', async () => {
    await run('revision', '-m', 'first')
    const [first = ''] = (await readdir(folder)).filter((name) => name.endsWith('_first.ts'))
    expect(first).toMatch(/^[0-9a-f]{12}_first\.ts$/)
    expect(await read(first)).toContain('downRevision: null,')
    const id = first.slice(0, 12)
    await writeFile(
      path.join(folder, 'byhand.ts'),
      `import { defineRevision } from 'aurora-migrations'
export default defineRevision({ revision: 'byhand', downRevision: '${id}', doc: 'd', upgrade() {}, downgrade: null })`,
    )
    await run('revision', '-m', 'third', '--rev-id', 'third')
    expect(await read('third_third.ts')).toContain("downRevision: 'byhand',")
  })

  test('has labels, dependencies and another base when told so', async () => {
    await revisions(['a1b2', 'null', "branchLabels: ['shop'],"], ['c3d4', "'a1b2'"])
    const { code } = await run(
      ...['revision', '-m', 'audit', '--rev-id', 'e5', '--head', 'base', '--branch-label', 'audit'],
      ...['--depends-on', 'shop', '--depends-on', 'c3d'],
    )
    expect(code).toBe(0)
    expect(await read('e5_audit.ts')).toContain(`  revision: 'e5',
  downRevision: null,
  branchLabels: ['audit'],
  dependsOn: ['shop', 'c3d4'],
  doc: 'audit',
`)
  })

  test('with --sql has its SQL in two files, which run as they are when they are written', async () => {
    expect(await run('revision', '-m', 'plain', '--rev-id', 'a1', '--sql')).toEqual({
      code: 0,
      stdout: ['a1_plain.ts', 'a1_plain.down.sql', 'a1_plain.up.sql']
        .map((name) => `Generating ${path.join(folder, name)} ...  done\n`)
        .join(''),
      stderr: '',
    })
    expect(await read('a1_plain.ts')).toBe(`/// <reference types="aurora-migrations/files" />
import { defineRevision } from 'aurora-migrations'
import down from './a1_plain.down.sql'
import up from './a1_plain.up.sql'

export default defineRevision({
  revision: 'a1',
  downRevision: null,
  doc: 'plain',

  async upgrade(op) {
    await op.executeScript(up)
  },

  async downgrade(op) {
    await op.executeScript(down)
  },
})
`)
    for (const name of ['a1_plain.up.sql', 'a1_plain.down.sql'])
      expect(await read(name)).toBe('-- statements, each with a semicolon\n')
    expect(await run('upgrade', 'base:a1', '--sql')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a1_plain.up.sql holds no statement'),
    })
    const pasted = ["insert into code values ('C:\\new', '$", "{x} `y`');"].join('')
    await writeFile(path.join(folder, 'a1_plain.up.sql'), pasted)
    expect((await run('upgrade', 'base:a1', '--sql')).stdout).toContain(`\n\n${pasted}\n\n`)
  })

  test('has its SQL in files also when a second one follows before they are written', async () => {
    await run('revision', '-m', 'one', '--rev-id', 'a1', '--sql')
    expect((await run('revision', '-m', 'two', '--rev-id', 'b1', '--sql')).code).toBe(0)
    expect((await readdir(folder)).sort()).toEqual(
      ['a1_one', 'b1_two'].flatMap((name) => [`${name}.down.sql`, `${name}.ts`, `${name}.up.sql`]),
    )
  })

  test('is what the template of the folder says, with the .sql files that it imports', async () => {
    await revisions(['a1', 'null'])
    const template = 'export default {\n  $' + '{header} // ours\n}\n'
    await writeFile(path.join(folder, 'revision.template'), template)
    await run('revision', '-m', "own '$" + "{file}'", '--rev-id', 'b1')
    expect(await read('b1_own_file.ts')).toBe(`export default {
  revision: 'b1',
  downRevision: 'a1',
  doc: 'own \\'$${'{file}'}\\'', // ours
}
`)
    await rm(path.join(folder, 'b1_own_file.ts'))
    const file = '$' + '{file}'
    const importing = `import views from './${file}.views.sql'\nimport all from './${file}.sql'\nimport other from './other.sql'\n`
    await writeFile(path.join(folder, 'revision.template'), importing + template)
    await run('revision', '-m', 'own', '--rev-id', 'b1')
    expect(await read('b1_own.ts')).toContain("import views from './b1_own.views.sql'\n")
    expect((await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()).toEqual([
      'b1_own.sql',
      'b1_own.views.sql',
    ])
  })

  test.each<[Partial<RevisionOptions>, RegExp]>([
    [
      {},
      /^Multiple head revisions are present for given argument 'head': b1, b2; name one of them/,
    ],
    [
      { heads: ['a1'] },
      /^Revision a1 is not a head revision; please specify --splice to create a new branch from this revision$/,
    ],
    [{ heads: ['nowhere'] }, /^Can't locate revision identified by 'nowhere'/],
    [
      { heads: ['b1'], revId: 'a1' },
      /^Revision a1 is present more than once: a1\.ts and a1_x\.ts; give one of them another id$/,
    ],
    [
      { heads: ['b1'], revId: 'a-b' },
      /^Character\(s\) '-' not allowed in revision identifier 'a-b' in a-b_x\.ts/,
    ],
    [
      { heads: ['b1'], branchLabels: ['a1'] },
      /^Branch name 'a1' in revision \w+ already used as the id of revision a1/,
    ],
    [{ heads: ['b1'], dependsOn: ['none'] }, /^Can't locate revision identified by 'none'/],
  ])('with %j is refused, and nothing is written', async (options, message) => {
    const place = await revisions(['a1', 'null'], ['b1', "'a1'"], ['b2', "'a1'"])
    const before = await readdir(folder)
    const defaults = { message: 'x', heads: ['head'], branchLabels: [], dependsOn: [] }
    const written = writeRevision(
      { place, output: new Output(), migrations: folder },
      { ...defaults, ...options },
    )
    await expect(written).rejects.toThrow(message)
    expect(await readdir(folder)).toEqual(before)
  })

  test('follows a revision that is no head with --splice', async () => {
    await revisions(['a1', 'null'], ['b1', "'a1'"])
    expect(
      (await run('revision', '-m', 'x', '--head', 'a1', '--splice', '--rev-id', 'c1')).code,
    ).toBe(0)
    expect(await read('c1_x.ts')).toContain("downRevision: 'a1',")
  })
})

describe('merge', () => {
  test('joins the heads, and says so', async () => {
    await revisions(['a1', 'null'], ['b1', "'a1'"], ['b2', "'a1'"])
    expect((await run('merge', 'heads', '--rev-id', 'm1')).code).toBe(0)
    expect(
      await read('m1_merge_b1_and_b2.ts'),
    ).toBe(`import { defineRevision } from 'aurora-migrations'

export default defineRevision({
  revision: 'm1',
  downRevision: ['b1', 'b2'],
  doc: 'merge b1 and b2',

  async upgrade() {},

  async downgrade() {},
})
`)
    expect(await run('heads')).toMatchObject({ stdout: 'm1 (head)\n' })
    expect(await run('merge')).toMatchObject({
      code: 2,
      stderr:
        "error: merge needs at least two revisions, and 'heads' is m1: name them, or 'heads' when there are several\n",
    })
  })
})

describe('edit', () => {
  test('opens the file in the editor that is set', async () => {
    await revisions(['a1', 'null'])
    vi.stubEnv('VISUAL', '')
    vi.stubEnv('EDITOR', 'sed -i s/doc/edited/')
    expect(await run('edit', 'head')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await read('a1.ts')).toContain("edited: 'doc of a1'")
  })

  test('needs an editor, and one that ends well', async () => {
    await revisions(['a1', 'null'])
    vi.stubEnv('VISUAL', '')
    vi.stubEnv('EDITOR', '')
    expect(await run('edit', 'head')).toMatchObject({
      code: 2,
      stderr: 'error: no editor is set: set the environment variable EDITOR\n',
    })
    vi.stubEnv('EDITOR', 'false')
    expect(await run('edit', 'head')).toMatchObject({
      code: 2,
      stderr: "error: the editor 'false' ended with 1\n",
    })
  })
})

describe('init', () => {
  test('makes a folder that revision can go on with', async () => {
    const made = path.join(folder, 'db/migrations')
    const result = await cliHere(['init', made, '--template', 'sql'])
    expect(result).toEqual({
      code: 0,
      stdout: `Creating directory ${made} ...  done\nNext: npm run migrate -- revision -m 'first tables' --migrations ${made}\n`,
      stderr: '',
    })
    expect((await readdir(made)).sort()).toEqual(['revision.template'])
    await cli(['revision', '-m', 'first', '--rev-id', 'a1', '--migrations', made])
    expect((await readdir(made)).sort()).toEqual([
      'a1_first.down.sql',
      'a1_first.ts',
      'a1_first.up.sql',
      'revision.template',
    ])
    const written = await readFile(path.join(made, 'a1_first.ts'), 'utf8')
    expect(written).toContain("import up from './a1_first.up.sql'\n")
    await cli(['revision', '-m', 'second', '--rev-id', 'b1', '--sql', '--migrations', made])
    expect(await readFile(path.join(made, 'b1_second.ts'), 'utf8')).toBe(
      written
        .replaceAll('a1_first', 'b1_second')
        .replace("revision: 'a1'", "revision: 'b1'")
        .replace('downRevision: null', "downRevision: 'a1'")
        .replace("doc: 'first'", "doc: 'second'"),
    )
  })

  test('leaves a folder alone that has something in it', async () => {
    await mkdir(path.join(folder, 'full'))
    await writeFile(path.join(folder, 'full/file'), '')
    const full = path.join(folder, 'full')
    expect(await cliHere(['init', full])).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: Directory ${full} already exists and is not empty: name another folder\n`,
    })
  })

  test('knows the templates that list-templates lists', async () => {
    expect(await cliHere(['list-templates'])).toEqual({
      code: 0,
      stdout: `Available templates:

generic - TypeScript: op, raw SQL, bulk rows
sql - SQL in files of its own, one up and one down
models - models and a session, for moving data

Templates are used via the 'init' command, e.g.:

  aurora-migrations init --template generic migrations
`,
      stderr: '',
    })
  })
})
