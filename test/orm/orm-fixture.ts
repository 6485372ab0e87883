import type { Client } from 'pg'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import type { Call, LocalAurora } from '../../infra/local/local-aurora.ts'
import { RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import { Operations } from '../../lambda/operations/operations.ts'
import { Session } from '../../lambda/session/session.ts'
import { Statement } from '../../lambda/sql/statement.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'

/** A revision's session in a database of its own, and what it sent. */
export interface OpenRevision {
  readonly session: Session
  readonly op: Operations
  /** Another connection, as a superuser: sees what is committed. */
  readonly pg: Client
  readonly aurora: LocalAurora
  readonly database: string
  /** The text of every statement sent since the transaction began, as the revision wrote it. */
  readonly statements: string[]
  /** The Data API calls made since the transaction began. */
  calls(): readonly Call['operation'][]
}

/** Starts local Aurora for a test file; the function it answers opens a revision on a new database with these tables. */
export function revisions(): (...setup: string[]) => Promise<OpenRevision> {
  let aurora: LocalAurora
  beforeAll(async () => {
    aurora = await testAurora()
  })
  afterAll(() => aurora.stop())
  return (...setup) => openRevision(aurora, setup)
}

async function openRevision(aurora: LocalAurora, setup: readonly string[]): Promise<OpenRevision> {
  const database = await newDatabase(aurora)
  const pg = await connect(aurora, database)
  Object.assign(process.env, aurora.environment(database))
  const api = new RdsDataApi({
    clusterArn: aurora.clusterArn,
    secretArn: aurora.secretArn,
    database,
  })
  onTestFinished(() => api.close())
  const statements: string[] = []
  const session = new Session(api, {
    observe: ({ sql }) => void statements.push(sql),
  })
  for (const sql of setup) await session.execute(new Statement(sql))
  await session.begin()
  onTestFinished(async () => void (await session.rollback().catch(() => undefined)))
  const op = new Operations(session, { autocommitBlock: (body) => body() })
  statements.length = 0
  const before = aurora.calls.forDatabase(database).length
  const calls = () =>
    aurora.calls
      .forDatabase(database)
      .slice(before)
      .map(({ operation }) => operation)
  return { session, op, pg, aurora, database, statements, calls }
}

/** What a statement may take so that the session can keep its rows. */
export const ROOM = 65_536 - 4_096

/** 0, 1, … count - 1. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
