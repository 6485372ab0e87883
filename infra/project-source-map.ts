import path from 'node:path'
import { isInstalled } from './imported-files-plugin.ts'
import { FROM_SOURCE, PACKAGE } from './own-package.ts'

/** The parts of a source map (version 3) that are read and written here. */
export interface SourceMapFile {
  readonly version: 3
  readonly sources: readonly string[]
  readonly names: readonly string[]
  readonly mappings: string
}

/**
 * A source map of the project's own files alone: without those of installed packages and of this one, it has a few
 * kilobytes. Code of all others is marked as being of no file.
 *
 * @param map as esbuild writes it
 * @param base the folder that the sources of `map` count from
 * @param folder that of the revisions, which the sources of the result count from; so no name shows where the project is
 */
export function projectSourceMap(map: SourceMapFile, base: string, folder: string): SourceMapFile {
  const numbers = new Map<number, number>()
  const sources: string[] = []
  for (const [i, source] of map.sources.entries()) {
    const file = path.resolve(base, source)
    if (!isOfProject(source, file)) continue
    numbers.set(i, sources.length)
    sources.push(path.relative(folder, file).split(path.sep).join('/'))
  }
  return { version: 3, sources, names: [], mappings: remapped(map.mappings, numbers) }
}

/** The folders of this package's own code. */
const OWN = FROM_SOURCE ? ['lambda', 'infra'].map((name) => path.join(PACKAGE, name)) : [PACKAGE]

function isOfProject(source: string, file: string): boolean {
  // A module that the build makes has a namespace.
  if (/^module:/.test(source) || isInstalled(file)) return false
  return !OWN.some((folder) => file.startsWith(folder + path.sep))
}

/** The mappings with other numbers for their sources; what has none is marked once, up to the next that has. */
function remapped(mappings: string, numbers: ReadonlyMap<number, number>): string {
  const read = { source: 0, line: 0, column: 0 }
  const written = { source: 0, line: 0, column: 0 }
  const lines = mappings.split(';').map((text) => {
    let [generated, last] = [0, 0]
    let isMarked = true
    const kept: string[] = []
    for (const segment of text === '' ? [] : text.split(',')) {
      const [at = 0, source = 0, line = 0, column = 0] = decoded(segment)
      generated += at
      read.source += source
      read.line += line
      read.column += column
      const number = numbers.get(read.source)
      if (number === undefined && isMarked) continue
      isMarked = number === undefined
      const place = number === undefined ? [] : differences(written, { ...read, source: number })
      kept.push([generated - last, ...place].map(encoded).join(''))
      last = generated
    }
    return kept.join(',')
  })
  return lines.join(';')
}

type Place = Record<'source' | 'line' | 'column', number>

/** What to add to `from` to come to `to`, which `from` becomes. */
function differences(from: Place, to: Readonly<Place>): number[] {
  const added = [to.source - from.source, to.line - from.line, to.column - from.column]
  Object.assign(from, to)
  return added
}

// Base64 VLQ: 5 bits a digit, the lowest first; the sixth says that more follow, the lowest of all is the sign.
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function decoded(segment: string): number[] {
  const numbers: number[] = []
  let [value, shift] = [0, 0]
  for (const character of segment) {
    const digit = DIGITS.indexOf(character)
    value += (digit & 31) << shift
    shift += 5
    if (digit & 32) continue
    numbers.push(value & 1 ? -(value >> 1) : value >> 1)
    value = 0
    shift = 0
  }
  return numbers
}

function encoded(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1
  let text = ''
  do {
    const digit = rest & 31
    rest >>>= 5
    text += DIGITS[rest > 0 ? digit | 32 : digit]
  } while (rest > 0)
  return text
}
