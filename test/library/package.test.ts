import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { manifest } from '../../infra/own-package.ts'
import { ROOT } from './shop.ts'

const { files, size } = inject('packed')
const paths = files.map((file) => file.path)

describe('the packed package', () => {
  test('holds its JavaScript and types, three texts, and nothing else', () => {
    const texts = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    expect(paths.filter((name) => !name.startsWith('dist/'))).toEqual(texts)
    const code = /^dist\/package\/(lambda|infra)\/([\w-]+\/)*[\w-]+\.(js|d\.ts)$/
    expect(paths.filter((name) => name.startsWith('dist/') && !code.test(name))).toEqual([])
    expect(paths.length).toBeGreaterThan(200)
    expect(size).toBeLessThan(380_000)
  })

  test('has nothing of the demonstration, of the tests or of the build in it', () => {
    const ours = /(demo|(?<!vi)test|bench|build-package|\/app|\/stack)\b/
    expect(paths.filter((name) => ours.test(name))).toEqual([])
  })

  test('has every file that package.json names, and its program can be executed', async () => {
    const { bin, exports: entries } = JSON.parse(
      await readFile(path.join(ROOT, 'package.json'), 'utf8'),
    ) as {
      readonly bin: Readonly<Record<string, string>>
      readonly exports: Readonly<
        Record<string, { readonly types: string; readonly default?: string }>
      >
    }
    // Of `./files` there are only types.
    const named = Object.values(entries).flatMap((entry) =>
      [entry.types, entry.default ?? []].flat(),
    )
    expect(named.length).toBe(11)
    for (const name of named) expect(paths).toContain(name.replace('./', ''))
    for (const name of Object.values(bin)) {
      const program = files.find((file) => `./${file.path}` === name)
      expect((program?.mode ?? 0) & 0o111).toBe(0o111)
    }
  })

  test('is told to be installed with versions that its peers allow', async () => {
    const { peerDependencies, peerDependenciesMeta } = manifest()
    const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8')
    const [, line = ''] = /^npm install --save-dev (.*)$/m.exec(readme) ?? []
    expect(line.replace(/(.)@\S+/g, '$1').split(' ')).toEqual(Object.keys(peerDependenciesMeta))
    for (const [, name = '', version = ''] of line.matchAll(/([\w-]+)@(\S+)/g)) {
      expect(peerDependencies[name]?.slice(1)).toMatch(
        new RegExp(`^${version.replaceAll('.', '\\.')}(\\.|$)`),
      )
    }
  })
})
