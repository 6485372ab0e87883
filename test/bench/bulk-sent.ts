import type { DataApi, DataApiResult, DataApiStatement } from '../../lambda/data-api/data-api.ts'
import { Operations } from '../../lambda/operations/operations.ts'
import { Session } from '../../lambda/session/session.ts'
import { BULK_TYPES, type BulkRow } from './bulk-rows.ts'

/** A statement as pg takes it. */
export interface DirectStatement {
  readonly sql: string
  readonly values: readonly unknown[]
}

/** What `op.bulkInsert` sends for the rows. */
export async function sentByBulkInsert(rows: readonly BulkRow[]): Promise<DirectStatement[]> {
  const sent: DirectStatement[] = []
  const api: DataApi = {
    beginTransaction: async () => 'none',
    execute: async (statement) => {
      // It asks for the types of the columns.
      if (statement.includeResultMetadata) return answerOf(BULK_TYPES)
      sent.push(directStatement(statement))
      return { numberOfRecordsUpdated: 0 }
    },
    commitTransaction: async () => {},
    rollbackTransaction: async () => {},
  }
  const session = new Session(api)
  await session.begin()
  const op = new Operations(session, { autocommitBlock: () => Promise.reject(new Error('none')) })
  await op.bulkInsert('bulk', rows)
  await session.commit()
  return sent
}

function answerOf(rows: readonly Readonly<Record<string, string | boolean>>[]): DataApiResult {
  const field = (value: string | boolean) =>
    typeof value === 'boolean' ? { booleanValue: value } : { stringValue: value }
  return {
    columnMetadata: Object.keys(rows[0] ?? {}).map((name) => ({ name, typeName: 'text' })),
    records: rows.map((row) => Object.values(row).map(field)),
  }
}

function directStatement({ sql, parameters = [] }: DataApiStatement): DirectStatement {
  const text = parameters.reduce(
    (done, { name }, i) => done.replaceAll(`:${name}`, `$${i + 1}`),
    sql,
  )
  return { sql: text, values: parameters.map(({ value }) => value?.stringValue) }
}
