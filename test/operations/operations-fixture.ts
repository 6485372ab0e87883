import type { Client } from 'pg'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import type { Call, LocalAurora } from '../../infra/local/local-aurora.ts'
import { RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import { Operations } from '../../lambda/operations/operations.ts'
import { Session } from '../../lambda/session/session.ts'
import { Statement } from '../../lambda/sql/statement.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { writtenStatement } from '../written-statement.ts'

/** `op` in a database of its own, outside any transaction unless `session.begin()` is called. */
export interface OpenOperations {
  readonly op: Operations
  readonly session: Session
  /** Another connection, as a superuser. */
  readonly pg: Client
  /** The statements, as they were written, that local Aurora got since the last look, or the setup. */
  sent(): string[]
  /** The same with all that was in the calls. */
  calls(): readonly Call[]
  /** The first column of each row. */
  look(sql: string): Promise<unknown[]>
}

/** Starts local Aurora for a test file; the function it answers opens a new database with these tables. */
export function operations(): (...setup: string[]) => Promise<OpenOperations> {
  let aurora: LocalAurora
  beforeAll(async () => {
    aurora = await testAurora()
  })
  afterAll(() => aurora.stop())
  return (...setup) => open(aurora, setup)
}

async function open(aurora: LocalAurora, setup: readonly string[]): Promise<OpenOperations> {
  const database = await newDatabase(aurora)
  const pg = await connect(aurora, database)
  Object.assign(process.env, aurora.environment(database))
  const { clusterArn, secretArn } = aurora
  const api = new RdsDataApi({ clusterArn, secretArn, database })
  const session = new Session(api)
  for (const sql of setup) await session.execute(new Statement(sql))
  onTestFinished(async () => {
    await session.rollback().catch(() => undefined)
    api.close()
  })
  let seen = setup.length
  const calls = () => {
    const all = aurora.calls.forDatabase(database)
    const news = all.slice(seen)
    seen = all.length
    return news
  }
  return {
    op: new Operations(session, { autocommitBlock: (body) => body() }),
    session,
    pg,
    calls,
    sent: () => calls().map(({ sql, operation }) => (sql ? writtenStatement(sql) : operation)),
    look: async (sql) => {
      const { rows } = await pg.query<unknown[]>({ text: sql, rowMode: 'array' })
      return rows.map(([first]) => first)
    },
  }
}
