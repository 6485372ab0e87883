import { CommandError, MigrationError } from '../errors.ts'
import { stackOf } from '../run/failure-place.ts'
import type { ErrorReport } from '../run/report.ts'
import { asError, messageOf } from '../thrown.ts'

interface Asked {
  /** With the stack. Default: false. */
  readonly verbose?: boolean | undefined
}

/** An error as a report shows it, without a secret. */
export function errorReport(error: unknown, { verbose = false }: Asked = {}): ErrorReport {
  const stack = verbose ? stackOf(error instanceof MigrationError ? error.cause : error) : undefined
  return { ...withoutStack(error), ...(stack !== undefined && { stack }) }
}

function withoutStack(error: unknown): ErrorReport {
  if (error instanceof MigrationError) {
    const { committed: _, partly: __, ...failure } = error.failure
    return { kind: 'MigrationError', message: oneLine(error.message), ...failure }
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
