import type { FileLine, StatementError } from '../data-api/errors.ts'
import { originOf } from '../operations/call-origin.ts'
import { type SourceFrame, sourceFrames } from '../source-frames.ts'
import { causesOf } from '../thrown.ts'

/**
 * The line of the project's files that an error comes from: of the SQL file, of the call that made the statement, or
 * the innermost line of the revision file that was at work. `undefined` where no source map tells it.
 *
 * @param file the revision's
 */
export function placeOf(
  error: unknown,
  statement: StatementError | undefined,
  file: string | undefined,
): FileLine | undefined {
  if (statement?.place) return statement.place
  const frames = [...causesOf(statement), ...causesOf(error)]
    .map(framesOf)
    .find((found) => found.length > 0)
  const frame = frames?.find((one) => one.file === file) ?? frames?.[0]
  return frame && { file: frame.file, line: frame.line }
}

/**
 * The stack of an error and its causes, with the project's own calls alone, which are counted from the folder of the
 * revisions: no path tells where the project is. `undefined` where there is none.
 */
export function stackOf(error: unknown): string | undefined {
  const causes = causesOf(error)
  const stacks = causes.map(framesOf)
  if (stacks.every((frames) => frames.length === 0)) return undefined
  const parts = causes.map((cause, i) => {
    const head = `${i > 0 ? 'caused by ' : ''}${nameOf(cause)}: ${cause.message}`
    return [head, ...(stacks[i] ?? []).map(frameLine)].join('\n')
  })
  return parts.join('\n')
}

/** Where it was made, or else the call that ended with it. */
function framesOf(error: Error): SourceFrame[] {
  const frames = sourceFrames(stackText(error))
  return frames.length > 0 ? frames : sourceFrames(originOf(error))
}

function frameLine({ name, file, line, column }: SourceFrame): string {
  const place = `${file}:${line}:${column}`
  return `    at ${name === '' ? place : `${name} (${place})`}`
}

function stackText(error: Error): string {
  try {
    return typeof error.stack === 'string' ? error.stack : ''
  } catch {
    return ''
  }
}

function nameOf(error: Error): string {
  try {
    return typeof error.name === 'string' && error.name !== '' ? error.name : 'Error'
  } catch {
    return 'Error'
  }
}
