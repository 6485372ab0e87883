import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { bundle } from '../infra/bundle.ts'
import { newDatabase, testAurora } from './local-aurora.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
const run = promisify(execFile)
const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8')

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    (match) => match[1] ?? '',
  )
}

const revisionBlocks = () => blocks('ts').filter((source) => source.includes('defineRevision('))
/** The SQL that stands in files, which its first line names. */
const sqlFiles = () =>
  blocks('sql').map(
    (source) => [/^-- migrations\/(\S+)\n/.exec(source)?.[1] ?? '', source] as const,
  )
const cdkBlocks = () => blocks('ts').filter((source) => source.includes('aurora-migrations/infra'))

describe('the README', () => {
  test('has TypeScript that compiles', async () => {
    const folder = await mkdtemp(path.join(ROOT, '.aurora-test-'))
    try {
      const sources = blocks('ts')
      expect(sources.length).toBeGreaterThanOrEqual(3)
      for (const [i, source] of sources.entries())
        await writeFile(path.join(folder, `block${i + 1}.ts`), source)
      const config = {
        extends: '../tsconfig.json',
        compilerOptions: { rootDir: '..' },
        include: ['*.ts'],
      }
      await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
      const tsc = path.join(ROOT, 'node_modules/.bin/tsc')
      const { stdout } = await run(tsc, ['-p', folder], { cwd: ROOT }).catch((error) => error)
      expect(stdout).toBe('')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('has revisions that run after the examples', async () => {
    await using aurora = await testAurora()
    const database = await newDatabase(aurora)
    for (const [name, value] of Object.entries(aurora.environment(database)))
      vi.stubEnv(name, value)
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
    const migrations = await mkdtemp(path.join(ROOT, '.aurora-test-'))
    const out = await mkdtemp(path.join(tmpdir(), 'aurora-readme-'))
    try {
      await cp(path.join(ROOT, 'migrations'), migrations, { recursive: true })
      for (const [i, source] of revisionBlocks().entries())
        await writeFile(path.join(migrations, `readme${i}.ts`), source)
      for (const [name, source] of sqlFiles()) await writeFile(path.join(migrations, name), source)
      const { file } = await bundle({ migrations, out })
      const { invoke } = await import(file)
      const { error, to } = await invoke({ command: 'upgrade' })
      expect([error, to]).toEqual([undefined, ['c0ffee000003']])
    } finally {
      vi.unstubAllEnvs()
      await rm(migrations, { recursive: true, force: true })
      await rm(out, { recursive: true, force: true })
    }
  })

  test('has CDK code that synthesises without an account', async () => {
    const folder = await mkdtemp(path.join(ROOT, '.aurora-test-'))
    try {
      const apps = cdkBlocks()
      expect(apps.length).toBeGreaterThanOrEqual(3)
      for (const [i, source] of apps.entries()) {
        const app = path.join(folder, `app${i}.ts`)
        const assembly = path.join(folder, `cdk${i}.out`)
        await writeFile(app, source)
        const env = { ...process.env, CDK_OUTDIR: assembly }
        await run(process.execPath, ['--conditions=aurora-migrations-source', app], {
          cwd: ROOT,
          env,
        })
        const files = await readdir(assembly)
        expect(files.filter((file) => file.endsWith('.template.json')).length).toBeGreaterThan(0)
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }, 120_000)

  test('shows what npm start prints, twice', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'aurora-readme-'))
    const demo = async () => {
      const args = [
        '--conditions=aurora-migrations-source',
        'infra/demo.ts',
        '--directory',
        directory,
      ]
      const { stdout } = await run(process.execPath, args, { cwd: ROOT })
      return stdout
    }
    try {
      const [transcript = ''] = blocks('text')
      expect(masked(await demo())).toBe(masked(transcript))
      expect(await demo()).toContain('nothing to do: at 1ce7873ac4ced2')
      expect(readme).toContain('`nothing to do: at 1ce7873ac4ced2`')
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  test('names only scripts that there are', async () => {
    const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'))
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map((match) => match[1] as string)
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })
})

/** Without what differs from run to run: times, sizes, ports. */
function masked(text: string): string {
  return text
    .replace(/ +\d+ ms/g, ' N ms')
    .replace(/\d+ KiB/g, 'N KiB')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:N')
    .replace(/data in \S+/g, 'data in …')
    .trim()
}
