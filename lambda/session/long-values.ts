import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { CompiledQuery } from 'kysely'
import { CommandError } from '../errors.ts'
import { Json } from '../sql/json-text.ts'
import { qualified } from '../sql/qualified.ts'

/** From this length on a value leaves a text that is too long with it. */
export const LONG_VALUE_CHARACTERS = 1_000

/** A value that travels beside its statement. Bound, it has a type of its own: text, bytes, or JSON by the cast. */
class LongValue {
  /** Of its parameter, without the colon. */
  readonly name: string
  readonly field: SqlParameter['value']
  /** What stands after it. */
  readonly cast: string

  constructor(name: string, field: SqlParameter['value'], cast = '') {
    this.name = name
    this.field = field
    this.cast = cast
  }
}

/** `undefined` for a value that has to stay a literal: an array or a date would lose the type that its place gives it. */
export function longValue(value: unknown, name: string): LongValue | undefined {
  if (typeof value === 'string') return new LongValue(name, { stringValue: value })
  if (value instanceof Uint8Array) return new LongValue(name, { blobValue: value })
  if (value instanceof Json) {
    return new LongValue(name, { stringValue: value.text }, qualified`::#json`)
  }
  return undefined
}

/**
 * The parameters of a compiled query: its long values.
 *
 * @throws CommandError for any others, which another Kysely instance has made.
 */
export function parametersOf({ sql, parameters }: CompiledQuery): SqlParameter[] {
  return parameters.map((value) => {
    if (value instanceof LongValue) return { name: value.name, value: value.field }
    throw new CommandError(
      'ParametersNotAllowed',
      `the statement carries ${parameters.length} parameter(s), so it was built by another Kysely instance: build it with op.getBind() (it begins: ${sql.slice(0, 80)})`,
    )
  })
}
