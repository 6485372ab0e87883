import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { CommandError } from '../lambda/errors.ts'

// What a revision may import besides code: texts that stand in files of their own, as they are.

/** The names of files that are imported as text, or as JSON. */
export const IMPORTED_FILE = /\.(?:sql|csv|txt|json)$/

/** A file is read as UTF-8; a byte order mark at its beginning is no part of the text. */
export async function textOfFile(file: string): Promise<string> {
  const bytes = await readFile(file)
  const shown = path.relative('', file)
  if (!isUtf8(bytes)) throw notUtf8(shown, bytes)
  const text = new TextDecoder().decode(bytes)
  const nul = path.extname(file) === '.sql' ? text.indexOf('\0') : -1
  if (nul >= 0) {
    throw new CommandError(
      'NulCharacter',
      `${shown} line ${text.slice(0, nul).split('\n').length} has a NUL character, which SQL cannot hold: remove it, or save the file as UTF-8 if it is UTF-16`,
    )
  }
  return text
}

function notUtf8(file: string, bytes: Buffer): CommandError {
  const mark = bytes.subarray(0, 2).toString('hex')
  const what =
    mark === 'fffe' || mark === 'feff' ? 'is UTF-16' : `is not UTF-8 on line ${badLine(bytes)}`
  return new CommandError('NotUtf8', `${file} ${what}: save it as UTF-8`)
}

/** The first line that is not UTF-8. No character but a line feed has its byte. */
function badLine(bytes: Buffer): number {
  const LINE_FEED = 0x0a
  let line = 1
  for (let at = 0; at < bytes.length; line += 1) {
    const end = bytes.indexOf(LINE_FEED, at)
    const next = end < 0 ? bytes.length : end + 1
    if (!isUtf8(bytes.subarray(at, next))) return line
    at = next
  }
  return line
}

/**
 * The module that a file is imported as: its text by default, a `.sql` file as a `SqlFile`, which knows its name.
 *
 * @param folder what the name of a `.sql` file counts from
 */
export function moduleOfFile(file: string, text: string, folder: string): string {
  if (path.extname(file) !== '.sql') return `export default ${JSON.stringify(text)}`
  const name = path.relative(folder, file).split(path.sep).join('/')
  return `import { SqlFile } from 'aurora-migrations'
export default /* @__PURE__ */ new SqlFile(${JSON.stringify(name)}, ${JSON.stringify(text)})`
}
