import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { literal } from './literals.ts'
import { withoutParameters } from './named-parameters.ts'

/** A statement with its parameters, which carry bulk data and long values, in their places as literals. */
export function withValues(sql: string, parameters: readonly SqlParameter[]): string {
  return withoutParameters(sql, parameters, ({ value }) =>
    literal(value?.blobValue ?? value?.stringValue).trimStart(),
  )
}
