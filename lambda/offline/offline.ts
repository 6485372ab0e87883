import type { ColumnMetadata, Field } from '@aws-sdk/client-rds-data'
import type { DataApi, DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import type { Row } from '../data-api/values.ts'
import { asksForColumnTypes } from '../operations/bulk/column-types.ts'
import { asksForKeyOperators } from '../operations/bulk/key-operators.ts'
import { asWritten } from '../session/enclosed-statement.ts'
import { statementFacts } from '../sql/statement.ts'
import { withValues } from '../sql/written-values.ts'
import { CallSites } from './call-sites.ts'
import type { ScriptTable } from './script-table.ts'

export interface OfflineOptions {
  readonly table: ScriptTable
  /** First lines of the script, without the `--`. */
  readonly title: readonly string[]
  /** Names of the revision files, to tell the line of a statement that a script cannot hold. */
  readonly files: readonly string[]
}

/**
 * A Data API without a database: it writes what a run would do as a script for psql.
 *
 * A statement whose rows somebody asks for cannot be answered; the revision then fails, and there is no script.
 */
export class OfflineDataApi implements DataApi, Disposable {
  readonly #options: OfflineOptions
  readonly #sites = new CallSites()
  readonly #parts: string[]
  #begun = false
  #abandoned = false

  constructor(options: OfflineOptions) {
    this.#options = options
    this.#parts = [options.title.map((line) => `-- ${line}`).join('\n')]
  }

  get script(): string {
    return `${this.#parts.join('\n\n')}\n`
  }

  async beginTransaction(): Promise<string> {
    if (!this.#begun) this.#write(`${this.#options.table.createStatement()};`)
    this.#begun = true
    this.#sites.clear()
    this.#write('BEGIN;')
    return 'script'
  }

  async execute(statement: DataApiStatement): Promise<DataApiResult> {
    const { includeResultMetadata } = statement
    const { sql, parameters = [] } = asWritten(statement)
    const own = this.#options.table.ownStatement(sql)
    if (own) {
      this.#write(own.script.join('\n'))
      return answerOf(own.answer)
    }
    // What follows a rollback is the history row of the failure, and there is no history.
    if (this.#abandoned) return {}
    // A script knows no table; what asked goes on without.
    if (asksForColumnTypes(sql) || asksForKeyOperators(sql)) return {}
    if (includeResultMetadata) throw new RowsNeeded(this.#sites.find(this.#options.files))
    this.#write(`${withValues(statementFacts(sql).sql, parameters)};`)
    return {}
  }

  async commitTransaction(): Promise<void> {
    this.#write('COMMIT;')
  }

  async rollbackTransaction(): Promise<void> {
    this.#abandoned = true
  }

  [Symbol.dispose](): void {
    this.#sites[Symbol.dispose]()
  }

  #write(part: string): void {
    if (part !== '') this.#parts.push(part)
  }
}

class RowsNeeded extends Error {
  override readonly name = 'offline mode'

  constructor(place: string | undefined) {
    const where = place === undefined ? 'a statement' : `the statement at ${place}`
    super(
      `${where} has to answer rows, and a script has nobody to ask: let one statement do the work (insert … select, update … from), or run this revision without --sql`,
    )
  }
}

/** A row as the service would send it. */
function answerOf(row: Row): DataApiResult {
  const columnMetadata = Object.keys(row).map(
    (name): ColumnMetadata => ({ name, typeName: 'text' }),
  )
  return { columnMetadata, records: [Object.values(row).map(fieldOf)] }
}

function fieldOf(value: unknown): Field {
  if (typeof value === 'boolean') return { booleanValue: value }
  return typeof value === 'number' ? { longValue: value } : { stringValue: String(value) }
}
