import { type FileLine, StatementError } from '../data-api/errors.ts'
import { CommandError } from '../errors.ts'

/** The same error, with the place in front of its message that only the operation knows: a line, rows, a column. */
export function locatedError(error: unknown, place: string, line?: FileLine): unknown {
  if (error instanceof StatementError) {
    const message = `${place}: ${error.message}`
    const { exception, outcome, code, position, hint } = error
    return new StatementError(
      error.sql,
      { exception, outcome, message, code, position, hint, place: line ?? error.place },
      error,
    )
  }
  if (!(error instanceof CommandError)) return error
  return new CommandError(error.kind, `${place}: ${error.message}`, { cause: error })
}
