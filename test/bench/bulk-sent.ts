import type { DataApi, DataApiStatement } from '../../lambda/data-api/data-api.ts'
import { Session } from '../../lambda/data-api/session.ts'
import { Operations } from '../../lambda/operations/operations.ts'
import type { BulkRow } from './bulk-rows.ts'

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

function directStatement({ sql, parameters = [] }: DataApiStatement): DirectStatement {
  const text = parameters.reduce(
    (done, { name }, i) => done.replaceAll(`:${name}`, `$${i + 1}`),
    sql,
  )
  return { sql: text, values: parameters.map(({ value }) => value?.stringValue) }
}
