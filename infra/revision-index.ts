import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CommandError } from '../lambda/errors.ts'
import { commandLine } from './own-package.ts'

const INDEX = 'index.ts'
const REVISION_FILE = /^(?!index\.)[\w-]+\.(?:ts|js|mjs)$/

/** Names of the revision files of a folder, in file order. Declarations, tests and the index are none. */
export async function revisionFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((cause: Error) => {
    throw new CommandError(
      'MigrationsFolder',
      `cannot read the migrations folder '${directory}': ${cause.message}; name an existing one with --migrations`,
      { cause },
    )
  })
  return names.filter((name) => REVISION_FILE.test(name)).sort()
}

/** The text of `index.ts`: static imports, because a Lambda bundle has no folder to search. */
export function indexText(files: readonly string[]): string {
  const imports = files.map((file, i) => `import revision${i + 1} from './${file}'`)
  const entries = files.map((file, i) => `  { ...revision${i + 1}, file: '${file}' },`)
  return [
    '// Generated from the files of this folder by `aurora-migrations index`; do not edit.',
    "import type { Revision } from 'aurora-migrations'",
    ...imports,
    '',
    'export const revisions: readonly Revision[] = [',
    ...entries,
    ']',
    '',
  ].join('\n')
}

/** Writes `index.ts` anew; true when it was another before. */
export async function writeIndex(directory: string): Promise<boolean> {
  const text = indexText(await revisionFiles(directory))
  const file = path.join(directory, INDEX)
  if (text === (await readFile(file, 'utf8').catch(() => undefined))) return false
  await writeFile(file, text)
  return true
}

/** Throws a {@link CommandError} when `index.ts` is missing, stale or edited: what it leaves out would never run. */
export async function checkIndex(directory: string): Promise<void> {
  const files = await revisionFiles(directory)
  const file = path.join(directory, INDEX)
  const found = await readFile(file, 'utf8').catch(() => undefined)
  if (found !== undefined && essence(found) === essence(indexText(files))) return
  const missing = files.filter((name) => !found?.includes(`'./${name}'`))
  const what =
    found === undefined
      ? 'is missing'
      : missing.length > 0
        ? `leaves out ${missing.join(', ')}`
        : 'was edited'
  throw new CommandError('StaleIndex', `${file} ${what}: run '${fix(directory)}' to write it anew`)
}

function fix(directory: string): string {
  const isDefault = path.resolve(directory) === path.resolve('migrations')
  return commandLine(isDefault ? 'index' : `index --migrations ${directory}`)
}

/** What an index says, however a formatter lays it out: no comments, one sort of quotes, imports in one order. */
function essence(text: string): string {
  const tokens = text
    .replace(/\/\/.*$/gm, '')
    .replaceAll('"', "'")
    .replace(/[\s;]+/g, ' ')
    .replace(/ ?([{}[\],:=]) ?/g, '$1')
    .replace(/,([}\]])/g, '$1')
  const importLine = /import.*?from ?'[^']*'/g
  const imports = tokens.match(importLine) ?? []
  return [...imports.sort(), tokens.replace(importLine, '').trim()].join('\n')
}
