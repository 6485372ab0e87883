import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '..')

interface Example {
  readonly file: string
  readonly code: string
}

/** The `@example` of every docstring: one line after the tag, or a fenced block. */
async function examples(folder: string): Promise<Example[]> {
  const names = await readdir(path.join(ROOT, folder), { recursive: true })
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => path.join(folder, name))
  const found = await Promise.all(
    files.map(async (file) => {
      const source = await readFile(path.join(ROOT, file), 'utf8')
      const comments = source.match(/\/\*\*.*?\*\//gs) ?? []
      return comments.flatMap((comment) => exampleOf(comment).map((code) => ({ file, code })))
    }),
  )
  return found.flat()
}

function exampleOf(comment: string): string[] {
  const text = comment.replace(/^\s*\/?\*+ ?/gm, '').replace(/\*\/$/, '')
  const after = /@example(?<rest>.*)/s.exec(text)?.groups?.rest
  if (after === undefined) return []
  const fenced = /^\s*```ts\n(?<code>.*?)```/s.exec(after)?.groups?.code
  return [fenced ?? (after.trim().split('\n')[0] as string)]
}

/** An example without imports stands in a revision. */
function asModule(code: string): string {
  if (/^import /m.test(code)) return code
  return `import { defineRevision, json, pgArray, sql } from 'aurora-migrations'
import { identifier, literal } from '../lambda/sql/literals.ts'
export const names = [defineRevision, json, pgArray, sql, identifier, literal]
export default defineRevision({
  revision: 'a', downRevision: null, doc: 'an example', downgrade: null,
  async upgrade(op) {
    ${code}
    op.getBind()
  },
})
`
}

test('every example in a docstring compiles', async () => {
  const all = [...(await examples('lambda')), ...(await examples('infra'))]
  expect(all.length).toBeGreaterThan(25)
  const folder = await mkdtemp(path.join(ROOT, '.aurora-test-'))
  try {
    for (const [i, { file, code }] of all.entries()) {
      const module = asModule(code).replaceAll("'./migrations/", "'../migrations/")
      await writeFile(path.join(folder, `example${i}.ts`), `// ${file}\n${module}`)
    }
    const config = {
      extends: '../tsconfig.json',
      compilerOptions: { rootDir: '..', noUnusedLocals: false },
      include: ['*.ts'],
    }
    await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = path.join(ROOT, 'node_modules/.bin/tsc')
    const run = promisify(execFile)
    const { stdout } = await run(tsc, ['-p', folder], { cwd: ROOT }).catch((error) => error)
    expect(
      stdout.split('\n').filter((line: string) => line.startsWith(path.basename(folder))),
    ).toEqual([])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
