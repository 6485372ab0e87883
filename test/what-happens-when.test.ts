import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '..')

/** All sources of the Lambda in one text, with the holes of templates as `…` stands for them in the README. */
const SOURCES = readdirSync(path.join(ROOT, 'lambda'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(path.join(ROOT, 'lambda', file), 'utf8'))
  .join('\n')

const SECTION = /^## What happens when$(?<section>[\s\S]*?)(?=^## )/m

test('every message in the README section "What happens when" is one of the code', () => {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  const section = SECTION.exec(readme)?.groups?.section ?? ''
  const messages = [...section.matchAll(/`(?<message>[^`]+)`/g)].map(
    ({ groups }) => groups?.message ?? '',
  )
  const pieces = messages.flatMap((message) => message.split('…')).map((piece) => piece.trim())
  const told = pieces.filter((piece) => piece.includes(' ') && !piece.startsWith('npm '))
  expect(told.length).toBeGreaterThan(15)
  expect(told.filter((piece) => !SOURCES.includes(piece))).toEqual([])
})
