import {
  BasePostgreSqlPlatform,
  type DriverException,
  ExceptionConverter,
  isRaw,
  JsonProperty,
} from '@mikro-orm/sql'
import { StatementError } from '../data-api/errors.ts'
import { jsonText } from '../sql/json-text.ts'
import { json, literal, pgArray } from '../sql/literals.ts'
import { textOf } from '../sql/text-forms.ts'

/** PostgreSQL as MikroORM sees it, with our literals instead of its own: values are written in one place only. */
export class DataApiPlatform extends BasePostgreSqlPlatform {
  readonly #exceptions = new StatementExceptionConverter(this.exceptionConverter)

  override getExceptionConverter(): ExceptionConverter {
    return this.#exceptions
  }

  override quoteValue(value: unknown): string {
    if (isRaw(value)) return this.formatQuery(value.sql, value.params)
    // MikroORM marks what it stores as JSON, because an array could be an SQL array as well.
    return this.escape(isMarkedAsJson(value) ? json(value) : value)
  }

  override escape(value: unknown): string {
    // A bare array is a list here, as in `id in (?)`: what an array or JSON column holds comes as text.
    if (Array.isArray(value)) return value.map((item) => this.quoteValue(item)).join(',')
    return withoutPlaceholder(literal(value))
  }

  override marshallArray(values: readonly unknown[]): string {
    return textOf(pgArray(values))
  }

  override convertJsonToDatabaseValue(value: unknown): unknown {
    return jsonText(value)
  }

  /** MikroORM's extension here is its schema generator, which would look for the database and create it. */
  override lookupExtensions(): void {}
}

const isMarkedAsJson = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && JsonProperty in value

/**
 * MikroORM writes the values of a part into its text and later puts the whole through the same replacement of `?`:
 * a question mark inside a value would then take the place of the next value.
 */
function withoutPlaceholder(constant: string): string {
  if (!constant.includes('?')) return constant
  // A constant without E before it has no backslash in it, so that E does not change what it says.
  const escaped = constant.startsWith(' E') ? constant : ` E${constant.slice(1)}`
  return escaped.replaceAll('?', '\\x3f')
}

/** Makes MikroORM's exceptions (`UniqueConstraintViolationException`, …) of ours, which stay their `cause`. */
class StatementExceptionConverter extends ExceptionConverter {
  readonly #postgres: ExceptionConverter

  constructor(postgres: ExceptionConverter) {
    super()
    this.#postgres = postgres
  }

  override convertException(error: Error): DriverException {
    // What never reached the database keeps its class and message; the declared type knows no such errors.
    if (!(error instanceof StatementError)) return error as DriverException
    // A copy, because MikroORM writes into the error it is given, and the runner reports that one.
    const copy = Object.assign(new Error(error.message), {
      code: error.code,
      stack: error.stack ?? '',
    })
    return Object.assign(this.#postgres.convertException(copy), { cause: error })
  }
}
