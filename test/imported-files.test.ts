import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { bundle } from '../infra/bundle.ts'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import { revisionChecksums } from '../infra/revision-checksums.ts'
import { revisionFiles } from '../infra/revision-files.ts'
import { connect, newDatabase, testAurora } from './local-aurora.ts'

type Invoke = (event: unknown) => Promise<Record<string, unknown>>
type Files = Readonly<Record<string, string | Uint8Array>>

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

let migrations: string
let out: string
let database: string
beforeEach(async () => {
  migrations = await mkdtemp(path.join(process.cwd(), '.aurora-test-'))
  out = await mkdtemp(path.join(tmpdir(), 'aurora-imported-'))
  database = await newDatabase(aurora)
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const folder of [migrations, out]) await rm(folder, { recursive: true, force: true })
})

const UP = 'a1_x.up.sql'
const DOWN = 'a1_x.down.sql'
const UTF8 = new TextEncoder()
/** What a template literal would replace. */
const HOLE = '$' + '{HOME}'

/** What `revision --sql` writes. */
const REVISION = `/// <reference types="aurora-migrations/files" />
import { defineRevision } from 'aurora-migrations'
import down from './${DOWN}'
import up from './${UP}'

export default defineRevision({
  revision: 'a1', downRevision: null, doc: 'x',
  async upgrade(op) { await op.executeScript(up) },
  async downgrade(op) { await op.executeScript(down) },
})
`

/** A revision that does this with the imports. */
const doing = (
  imports: string,
  upgrade: string,
) => `import { defineRevision, json, sql } from 'aurora-migrations'
${imports}
void [json, sql]
export default defineRevision({
  revision: 'a1', downRevision: null, doc: 'x', downgrade: null,
  async upgrade(op) { ${upgrade} },
})
`

async function write(files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(migrations, name)), { recursive: true })
    await writeFile(path.join(migrations, name), content)
  }
}

/** In a folder of its own: a module is loaded once. */
const built = async () =>
  bundle({ migrations, out: await mkdtemp(path.join(out, 'bundle-')), forCli: true })

/** Bundles the folder with these files in it, and runs a command with it. */
async function run(files: Files, event: unknown = { command: 'upgrade' }) {
  await write(files)
  const { invoke } = (await import((await built()).file)) as { readonly invoke: Invoke }
  return await invoke(event)
}

async function checksum(name = 'a1_x.ts'): Promise<string | undefined> {
  return (await revisionChecksums(migrations, await revisionFiles(migrations))).get(name)
}

describe('a .sql file that a revision imports', () => {
  test('arrives as it is: backslashes, dollars, backticks, both line endings and a byte order mark', async () => {
    const pasted = [
      'create table code (c text, ok boolean default false);',
      String.raw`insert into code values ('12345'), ('ddddd'), ('C:\new\table'), ('` +
        `${HOLE} \`x\`` +
        `');`,
      "insert into code values ('two\r\nlines'), ('größe 🎈 \u2028');",
      String.raw`update code set ok = true where c ~ '^\d{5}$';`,
    ].join('\r\n')
    const files = { 'a1_x.ts': REVISION, [UP]: `\uFEFF${pasted}`, [DOWN]: 'drop table code' }
    expect(await run(files)).toMatchObject({ status: 'succeeded' })
    const client = await connect(aurora, database)
    const { rows } = await client.query('select c, ok from code')
    expect(Object.fromEntries(rows.map(({ c, ok }) => [c, ok]))).toEqual({
      '12345': true,
      ddddd: false,
      'C:\\new\\table': false,
      [`${HOLE} \`x\``]: false,
      'two\r\nlines': false,
      'größe 🎈 \u2028': false,
    })
    expect(await run({}, { command: 'downgrade', target: 'base' })).toMatchObject({
      status: 'succeeded',
      steps: [{ statements: 1 }],
    })
  })

  test('is named, with its line, when a statement of it fails', async () => {
    const sql = 'select 1;\n\r\n-- a comment\nalter table nowhere add x int;'
    expect(await run({ 'a1_x.ts': REVISION, [UP]: sql, [DOWN]: 'select 1' })).toMatchObject({
      status: 'failed',
      error: {
        message: expect.stringContaining(
          'failed: op.executeScript, a1_x.up.sql:4: relation "nowhere" does not exist (SQLSTATE 42P01)',
        ),
      },
    })
  })

  test('that is empty is no downgrade', async () => {
    await run({ 'a1_x.ts': REVISION, [UP]: 'create table t (i int)', [DOWN]: '\n' })
    expect(await run({}, { command: 'downgrade', target: 'base' })).toMatchObject({
      status: 'failed',
      to: ['a1'],
      error: { message: expect.stringContaining('a1_x.down.sql holds no statement') },
    })
  })

  test('may be one statement of op.execute or op.query, and a text where a text is wanted', async () => {
    const imports = "import up from './sql/insert.sql'\nimport count from './sql/count.sql'"
    const upgrade = `await op.execute('create table t (v text)')
      await op.execute(up)
      const [row] = await op.query(count)
      const texts = [row.n, up.file, up.text.length, String(up), \`\${count}\`, JSON.stringify([up])]
      for (const one of texts) await op.execute(sql\`insert into t values (\${one}::text)\`)
      await op.execute(sql\`insert into t select n::text from (\${sql.raw(count.text)}) c\`)`
    const files = {
      'a1_x.ts': doing(imports, upgrade),
      'sql/insert.sql': "\n-- one\ninsert into t values ('one');\n",
      'sql/count.sql': 'select count(*)::int as n from t',
    }
    expect(await run(files)).toMatchObject({ status: 'succeeded' })
    const client = await connect(aurora, database)
    const { rows } = await client.query('select v from t order by ctid')
    expect(rows.map(({ v }) => v)).toEqual([
      'one',
      '1',
      'sql/insert.sql',
      '38',
      files['sql/insert.sql'],
      files['sql/count.sql'],
      JSON.stringify([files['sql/insert.sql']]),
      '7',
    ])
  })

  test('is found in a folder that is a link, and named from that folder', async () => {
    await write({ 'a1_x.ts': REVISION, [UP]: 'select nothing', [DOWN]: 'select 2' })
    const link = path.join(out, 'link')
    await symlink(migrations, link)
    const { file } = await bundle({ migrations: link, out: path.join(out, 'bundle'), forCli: true })
    const { invoke } = (await import(file)) as { readonly invoke: Invoke }
    expect(await invoke({ command: 'upgrade' })).toMatchObject({
      error: { message: expect.stringContaining('op.executeScript, a1_x.up.sql:1: column') },
    })
  })

  test('is in the script of offline mode', async () => {
    const up = `insert into t values ('C:\\new ${HOLE}');`
    await run({
      'a1_x.ts': REVISION,
      [UP]: `create table t (v text);\n${up}`,
      [DOWN]: 'drop table t',
    })
    const { script } = await run({}, { command: 'upgrade', target: 'base:heads', sql: true })
    expect(script).toContain(`\n\ncreate table t (v text);\n\n${up}\n\n`)
  })
})

describe('.json, .csv and .txt files that a revision imports', () => {
  test('are values and texts', async () => {
    const imports = `import rows, { more } from './data/rows.json'
import again from './data/rows.json' with { type: 'json' }
import csv from './data/rows.csv'
import text from './data/words.txt'`
    const upgrade = `await op.execute('create table t (v jsonb)')
      await op.bulkInsert('t', [rows, more, again, csv, text].map((v) => ({ v })))`
    const files = {
      'a1_x.ts': doing(imports, upgrade),
      'data/rows.json': '\uFEFF{ "more": ["\\\\d", 1.50] }',
      'data/rows.csv': `\uFEFFid,name\r\n1,"C:\\new ${HOLE} \`y\`"\r\n`,
      'data/words.txt': '',
    }
    expect(await run(files)).toMatchObject({ status: 'succeeded' })
    const client = await connect(aurora, database)
    const { rows } = await client.query('select v from t order by ctid')
    const more = ['\\d', 1.5]
    expect(rows.map(({ v }) => v)).toEqual([
      { more },
      more,
      { more },
      files['data/rows.csv'].slice(1),
      '',
    ])
  })

  test('of a package are what that package imports', async () => {
    const folder = path.join(migrations, 'node_modules/rows')
    await write({
      'node_modules/rows/package.json':
        '{ "name": "rows", "main": "index.js", "version": "1.2.3" }',
      'node_modules/rows/index.js': "module.exports = require('./package.json').version",
      'a1_x.ts': doing(
        "import version from 'rows'",
        "await op.execute('select ' + version.length)",
      ),
    })
    expect(await readdir(folder)).toHaveLength(2)
    expect(await run({})).toMatchObject({ status: 'succeeded' })
  })
})

describe('the checksum of a revision', () => {
  const imports = `import rows from './data/rows.json'
import csv from './data/rows.csv'
import text from './data/words.txt'
import up from './${UP}'
import down from './${DOWN}'`
  const files = {
    'a1_x.ts': doing(imports, 'await op.executeScript(up); void [rows, csv, text, down]'),
    [UP]: 'select 1;\n',
    [DOWN]: 'select 2;\n',
    'data/rows.json': '[1]',
    'data/rows.csv': 'a,b\n',
    'data/words.txt': 'word',
  }

  test.each([
    ['a comment in SQL', { [UP]: 'select 1; -- one\n' }],
    ['a line ending in SQL', { [DOWN]: 'select 2;\r\n' }],
    ['a byte order mark', { [UP]: '\uFEFFselect 1;\n' }],
    ['two files changed for each other', { [UP]: files[DOWN], [DOWN]: files[UP] }],
    ['white space in JSON', { 'data/rows.json': '[ 1 ]' }],
    ['a line in CSV', { 'data/rows.csv': 'a,b\n1,2\n' }],
    ['a text', { 'data/words.txt': 'words' }],
  ])('changes with %s', async (_, change) => {
    await write(files)
    const before = await checksum()
    expect(before).toMatch(/^sha256\/esbuild-[\d.]+:[0-9a-f]{64}$/)
    await write(change)
    expect(await checksum()).not.toBe(before)
    await write(files)
    expect(await checksum()).toBe(before)
  })

  test('does not change with the names of files, nor with a file of another revision', async () => {
    await write({ 'a1_x.ts': REVISION, [UP]: files[UP], [DOWN]: files[DOWN] })
    const before = await checksum()
    const other = doing("import up from './b1.sql'", 'await op.execute(up)').replace("'a1'", "'b1'")
    await write({ 'b1_y.ts': other, 'b1.sql': 'select 3' })
    expect(await checksum()).toBe(before)
    await rename(path.join(migrations, UP), path.join(migrations, 'a1_renamed.up.sql'))
    await rename(path.join(migrations, DOWN), path.join(migrations, 'a1_renamed.down.sql'))
    await rm(path.join(migrations, 'a1_x.ts'))
    await write({ 'a1_renamed.ts': REVISION.replaceAll('a1_x', 'a1_renamed') })
    expect(await checksum('a1_renamed.ts')).toBe(before)
  })

  test('is compared, so that an edited file is warned of', async () => {
    await run({ 'a1_x.ts': REVISION, [UP]: files[UP], [DOWN]: files[DOWN] })
    expect(await run({ [UP]: '-- a comment\nselect 1;\n' }, { command: 'check' })).toMatchObject({
      edited: ['a1'],
    })
  })
})

describe('a build is refused, in one line,', () => {
  const here = () => path.relative('', migrations)

  test('when a file is missing', async () => {
    await write({ 'a1_x.ts': REVISION, [UP]: 'select 1' })
    await expect(built()).rejects.toThrow(
      new RegExp(
        `^${here()}/a1_x\\.ts:3:18: there is no file \\./a1_x\\.down\\.sql: restore it, or remove the import$`,
      ),
    )
  })

  test('when no revision uses a .sql file of the folder', async () => {
    await write({ 'a1_x.ts': REVISION, [UP]: 'select 1', [DOWN]: 'select 2' })
    await write({ 'notes/queries.sql': 'select 3', '._a1_x.up.sql': '', 'rows.csv': '' })
    await built()
    await write({ 'V2__accounts.sql': 'select 4', 'V3__more.sql': 'select 5' })
    await expect(built()).rejects.toThrow(
      `no revision uses ${migrations}/V2__accounts.sql, ${migrations}/V3__more.sql, so it would never run: import it in a revision and pass it to op.executeScript, or move it out of the folder`,
    )
  })

  test('when a revision imports a .sql file and does not use it', async () => {
    await write({ 'a1_x.ts': REVISION.replace('executeScript(down)', "execute('select 2')") })
    await write({ [UP]: 'select 1', [DOWN]: 'select 2' })
    await expect(built()).rejects.toThrow(`no revision uses ${migrations}/a1_x.down.sql, so`)
  })

  test.each<[string, string, Uint8Array, string]>([
    [
      'is Latin-1',
      UP,
      Buffer.from("select 1;\n\nselect 'gr\xf6\xdfe';\n", 'latin1'),
      'a1_x.up.sql is not UTF-8 on line 3: save it as UTF-8',
    ],
    [
      'is UTF-16',
      UP,
      Buffer.from('\uFEFFselect 1', 'utf16le'),
      'a1_x.up.sql is UTF-16: save it as UTF-8',
    ],
    [
      'has NUL characters',
      UP,
      Buffer.from('\nselect 1', 'utf16le'),
      'a1_x.up.sql line 2 has a NUL character, which SQL cannot hold: remove it, or save the file as UTF-8 if it is UTF-16',
    ],
    [
      'is JSON and Latin-1',
      'rows.json',
      Buffer.from('["\xf6"]', 'latin1'),
      'rows.json is not UTF-8 on line 1: save it as UTF-8',
    ],
    [
      'is cut within a character',
      'rows.csv',
      UTF8.encode('a,b\n1,ö').subarray(0, -1),
      'rows.csv is not UTF-8 on line 2: save it as UTF-8',
    ],
  ])('when a file %s', async (_, name, bytes, message) => {
    const revision = doing(`import value from './${name}'`, 'void value')
    await write({ 'a1_x.ts': revision, [name]: bytes })
    await expect(built()).rejects.toThrow(`${here()}/${message}`)
  })

  test('when JSON is none', async () => {
    await write({ 'a1_x.ts': doing("import value from './rows.json'", 'void value') })
    await write({ 'rows.json': '[1,\n oops]' })
    await expect(built()).rejects.toThrow(/\/rows\.json:2:2: .*"oops"/)
  })
})
