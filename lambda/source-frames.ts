import { readFileSync } from 'node:fs'
import { findSourceMap, SourceMap } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** A call in one of the project's own files. */
export interface SourceFrame {
  /** The function, as Node names it; may be empty. */
  readonly name: string
  /** Its path from the folder of the revisions. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The bundle that this module is part of. */
const OWN_BUNDLE = fileURLToPath(import.meta.url)

/**
 * The frames of a stack that are in the project's own files, innermost first; none where no source map is found.
 *
 * @param bundle the file that holds them. Default: the one that this module is part of
 */
export function sourceFrames(stack: string, bundle = OWN_BUNDLE): SourceFrame[] {
  const map = mapOf(bundle)
  if (map.sources.size === 0) return []
  return stack.split('\n').flatMap((line) => {
    const groups = FRAME.exec(line)?.groups
    if (!groups) return []
    const { name = '', file = '', line: row, column } = groups
    const frame = { name, file: pathOf(file, bundle), line: Number(row), column: Number(column) }
    return original(frame, bundle, map) ?? []
  })
}

const FRAME = /^\s+at (?:(?<name>.*?) \()?(?<file>[^()\s].*?):(?<line>\d+):(?<column>\d+)\)?$/

interface BundleMap {
  /** The names of the sources, by their paths. */
  readonly sources: ReadonlyMap<string, string>
  readonly find: SourceMap['findEntry']
}

function original(
  frame: SourceFrame,
  bundle: string,
  { sources, find }: BundleMap,
): SourceFrame | undefined {
  if (frame.file !== bundle) {
    // Node has looked it up already, where source maps are enabled.
    const file = sources.get(frame.file)
    return file === undefined ? undefined : { ...frame, file }
  }
  const entry = find(frame.line - 1, frame.column - 1)
  if (!('originalSource' in entry) || !entry.originalSource) return undefined
  const file = sources.get(pathOf(entry.originalSource, bundle))
  if (file === undefined) return undefined
  return { ...frame, file, line: entry.originalLine + 1, column: entry.originalColumn + 1 }
}

/** Each is read when the first stack is looked at: a run that succeeds does not pay for it. */
const maps = new Map<string, BundleMap>()

function mapOf(bundle: string): BundleMap {
  const map = maps.get(bundle) ?? readMap(bundle)
  maps.set(bundle, map)
  return map
}

function readMap(bundle: string): BundleMap {
  try {
    const found =
      findSourceMap(bundle) ?? new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')))
    const files = found.payload.sources.map((source) => pathOf(source, bundle))
    const folder = path.dirname(bundle)
    const names = files.map((file) => path.relative(folder, file).split(path.sep).join('/'))
    const sources = new Map(files.map((file, i) => [file, names[i] ?? '']))
    return { sources, find: (line, column) => found.findEntry(line, column) }
  } catch {
    // Bundled by somebody else's means.
    return { sources: new Map(), find: () => ({}) }
  }
}

/** A source as a stack or a map has it: an address, a path, or a path from the bundle. */
function pathOf(source: string, bundle: string): string {
  try {
    if (/^node:/.test(source)) return source
    if (path.isAbsolute(source)) return source
    return fileURLToPath(new URL(source, pathToFileURL(bundle)))
  } catch {
    return source
  }
}
