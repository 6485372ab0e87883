import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const read = (file: string) => readFileSync(path.join(import.meta.dirname, '..', file), 'utf8')

test('SECURITY.md has each runtime dependency with its version and a reason', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object }
  const listed = [
    ...read('SECURITY.md').matchAll(/^\| `(?<name>@?[a-z/-]+)` \| (?<version>[\d.]+) \| \S/gm),
  ]
  expect(Object.fromEntries(listed.map(({ groups }) => [groups?.name, groups?.version]))).toEqual(
    dependencies,
  )
})
