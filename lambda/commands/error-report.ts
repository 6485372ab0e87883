import { CommandError, MigrationError } from '../errors.ts'
import type { ErrorReport } from '../runner/report.ts'
import { asError, messageOf } from '../thrown.ts'

/** An error as a report shows it; never with a stack or a secret. */
export function errorReport(error: unknown): ErrorReport {
  if (error instanceof MigrationError) {
    const { revision, direction, statement, sqlState } = error.failure
    return {
      kind: 'MigrationError',
      message: oneLine(error.message),
      revision,
      direction,
      ...(statement !== undefined && { statement }),
      ...(sqlState !== undefined && { sqlState }),
    }
  }
  if (error instanceof CommandError) {
    return { kind: error.kind, message: oneLine(error.message), nothingRun: true }
  }
  const { name } = asError(error)
  return { kind: typeof name === 'string' ? name : 'Error', message: oneLine(messageOf(error)) }
}

/** PostgreSQL and what a request held may have line breaks; a log line and a CloudFormation event must not. */
function oneLine(message: string): string {
  return message.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' ')
}
