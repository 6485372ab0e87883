import type { BuildFailure, Message } from 'esbuild'
import { CommandError } from '../lambda/errors.ts'

/** Throws what esbuild refused as a {@link CommandError} of one line, which names file and line; any other error as it is. */
export function refuseBuild(error: unknown): never {
  if (!isBuildFailure(error)) throw error
  throw new CommandError('Bundle', error.errors.map(lineOf).join('; '), { cause: error })
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}

const NO_DEFAULT = /^No matching export in "(.*)" for import "default"$/

function lineOf({ text, location }: Message): string {
  const line = text.replace(/\s*\n\s*/g, ' ')
  // The module that lists the revisions imports each of them by its default.
  const [, file] = (location?.file.startsWith('module:') && NO_DEFAULT.exec(line)) || []
  if (file) {
    return `${file} exports no revision: write export default defineRevision({ … }), or move a file that is none into a folder of its own`
  }
  return location ? `${location.file}:${location.line}:${location.column + 1}: ${line}` : line
}
