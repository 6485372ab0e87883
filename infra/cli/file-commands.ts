import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CommandError } from '../../lambda/errors.ts'
import { revisionsNamed } from '../../lambda/revisions/names.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { placesNamed } from '../../lambda/revisions/targets.ts'
import { commandLine } from '../own-package.ts'
import type { Output } from './output.ts'
import type { Place } from './place.ts'
import { type Graph, readGraph } from './revision-graph.ts'
import {
  type NewRevision,
  revisionFileTexts,
  TEMPLATE_FILE,
  TEMPLATES,
  templateNamed,
} from './revision-template.ts'

/** What the commands that write files work with. */
export interface Folder {
  readonly place: Place
  readonly output: Output
  readonly migrations: string
}

export interface RevisionOptions {
  readonly message: string
  /** Names of what the new revision follows. */
  readonly heads: readonly string[]
  readonly splice?: boolean
  readonly branchLabels: readonly string[]
  readonly dependsOn: readonly string[]
  readonly revId?: string
  readonly sql?: boolean
}

/** Writes a revision file, and its `.sql` files. Nothing is written when the graph would not be sound with it. */
export async function writeRevision(folder: Folder, options: RevisionOptions): Promise<void> {
  const { place, output, migrations } = folder
  const graph = await readGraph(place)
  const revision = newRevision(graph, options)
  const name = fileName(revision)
  new RevisionMap([...graph.nodes, { ...revision, file: `${name}.ts` }])
  for (const [file, text] of await revisionFileTexts(migrations, name, revision, options)) {
    const target = path.join(migrations, file)
    await writeFile(target, text, { flag: 'wx' })
    output.print(`Generating ${target} ...  done`)
  }
}

function newRevision({ map }: Graph, options: RevisionOptions): NewRevision {
  const { message, splice, branchLabels, revId } = options
  const downRevision = map.inFileOrder(
    new Set(options.heads.flatMap((name) => revisionsNamed(map, name))),
  )
  const below = downRevision.find((id) => !map.heads.includes(id))
  if (below !== undefined && !splice) {
    throw new CommandError(
      'NotHead',
      `Revision ${below} is not a head revision; please specify --splice to create a new branch from this revision`,
    )
  }
  const dependsOn = options.dependsOn.flatMap((name) =>
    map.labelOwners.has(name) ? [name] : revisionsNamed(map, name),
  )
  const revision = revId ?? randomBytes(6).toString('hex')
  return { revision, downRevision, branchLabels, dependsOn, doc: message }
}

const LONGEST_SLUG = 40

/** `<revision>_<slug>`, in letters that every file system takes. */
function fileName({ revision, doc }: NewRevision): string {
  const words =
    doc
      .normalize('NFKD')
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? []
  let slug = words.join('_')
  if (slug.length > LONGEST_SLUG) slug = slug.slice(0, LONGEST_SLUG + 1).replace(/_[^_]*$/, '')
  const parts = [revision.replace(/[^\w-]/g, '_'), slug.slice(0, LONGEST_SLUG)]
  return parts.filter(Boolean).join('_')
}

export interface MergeOptions extends Pick<RevisionOptions, 'splice' | 'branchLabels' | 'revId'> {
  readonly message?: string
}

/** Writes a merge point of the named revisions. */
export async function writeMerge(
  folder: Folder,
  names: readonly string[],
  options: MergeOptions,
): Promise<void> {
  const { map } = await readGraph(folder.place)
  const ids = map.inFileOrder(new Set(names.flatMap((name) => revisionsNamed(map, name))))
  if (ids.length < 2) {
    throw new CommandError(
      'NothingToMerge',
      `merge needs at least two revisions, and '${names.join(' ')}' is ${ids.join() || 'none'}: name them, or 'heads' when there are several`,
    )
  }
  const message = options.message ?? `merge ${ids.join(' and ')}`
  await writeRevision(folder, { ...options, message, heads: ids, dependsOn: [] })
}

/** Opens the files of the named revisions in an editor, one after another. */
export async function editRevision({ place, migrations }: Folder, target: string): Promise<void> {
  const editor = process.env.VISUAL || process.env.EDITOR
  if (!editor) {
    throw new CommandError('NoEditor', 'no editor is set: set the environment variable EDITOR')
  }
  const { map, rows, file } = await readGraph(place, { database: target === 'current' })
  const ids = target === 'current' ? rows : placesNamed(map, target)
  const files = ids.flatMap((id) => (id === undefined ? [] : (file(id) ?? [])))
  if (files.length === 0) {
    throw new CommandError('NoFile', `No revision files indicated by symbol '${target}'`)
  }
  for (const name of files) await runEditor(editor, path.join(migrations, name))
}

function runEditor(editor: string, file: string): Promise<void> {
  // Through the shell, because an editor may be set with arguments.
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, editor, file], { stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(editorFailed(editor, code))))
  })
}

function editorFailed(editor: string, code: number | null): CommandError {
  return new CommandError('Editor', `the editor '${editor}' ended with ${code ?? 'a signal'}`)
}

/** Makes a new folder for revision files. */
export async function init(output: Output, directory: string, template: string): Promise<void> {
  const { text } = templateNamed(template)
  const found = await readdir(directory).catch(() => [])
  if (found.length > 0) {
    throw new CommandError(
      'DirectoryExists',
      `Directory ${directory} already exists and is not empty: name another folder`,
    )
  }
  await mkdir(directory, { recursive: true })
  await writeFile(path.join(directory, TEMPLATE_FILE), text)
  output.print(`Creating directory ${directory} ...  done`)
  output.print(`Next: ${commandLine(`revision -m 'first tables' --migrations ${directory}`)}`)
}

export function listTemplates(output: Output): void {
  output.print('Available templates:\n')
  for (const [name, { synopsis }] of Object.entries(TEMPLATES))
    output.print(`${name} - ${synopsis}`)
  output.print("\nTemplates are used via the 'init' command, e.g.:")
  output.print('\n  aurora-migrations init --template generic migrations')
}
