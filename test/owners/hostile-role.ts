import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import type { DataApi } from '../../lambda/data-api/data-api.ts'
import { connect, newDatabase } from '../local-aurora.ts'

/**
 * A database where another role may create in `public`, as PUBLIC may up to PostgreSQL 14, and counts whenever code of
 * its own runs: `hostile.ran()` in SQL. The count outlives a rollback.
 */
export interface HostileDatabase {
  readonly database: string
  readonly superuser: Client
  readonly role: string
  /** Carries out statements as that role. */
  hostile(...statements: readonly string[]): Promise<void>
  /** Carries out statements as the role of the migrations. */
  migrator(...statements: readonly string[]): Promise<void>
  /** How often code of the hostile role has run. */
  ran(): Promise<number>
}

export async function hostileDatabase(aurora: LocalAurora): Promise<HostileDatabase> {
  const database = await newDatabase(aurora)
  const superuser = await connect(aurora, database)
  const role = `hostile_${randomBytes(6).toString('hex')}`
  const as = async (name: string, statements: readonly string[]) => {
    await superuser.query(`set role ${name}`)
    try {
      for (const statement of statements) await superuser.query(statement)
    } finally {
      await superuser.query('reset role')
    }
  }
  for (const statement of setup(role)) await superuser.query(statement)
  return {
    database,
    superuser,
    role,
    hostile: (...statements) => as(role, statements),
    migrator: (...statements) => as('migrator', statements),
    ran: async () => {
      const { rows } = await superuser.query<{ ran: number }>(
        'select case when is_called then last_value::int else 0 end as ran from hostile.count',
      )
      return rows[0]?.ran ?? -1
    },
  }
}

function setup(role: string): string[] {
  const body = "begin perform pg_catalog.nextval('hostile.count'); return true; end"
  return [
    `create role ${role}`,
    'grant create, usage on schema public to public',
    `create schema hostile authorization ${role}`,
    'grant usage on schema hostile to public',
    'create sequence hostile.count',
    'grant usage on sequence hostile.count to public',
    `alter sequence hostile.count owner to ${role}`,
    // Declared as harmless, so that it may stand in an index and runs as soon as a statement is planned.
    `create function hostile.ran() returns boolean immutable language plpgsql as $$ ${body} $$`,
    `create function hostile.ran(anyelement) returns boolean immutable language plpgsql as $$ ${body} $$`,
    `create function hostile.trap() returns trigger language plpgsql as $$ begin perform hostile.ran(); return coalesce(new, old); end $$`,
    ...['ran()', 'ran(anyelement)', 'trap()'].map(
      (name) => `alter function hostile.${name} owner to ${role}`,
    ),
  ]
}

/** The API, and something that happens just before the first statement that begins in this way. */
export function acting(api: DataApi, start: string, act: () => Promise<void>): DataApi {
  let isDone = false
  return {
    beginTransaction: () => api.beginTransaction(),
    commitTransaction: (id) => api.commitTransaction(id),
    rollbackTransaction: (id) => api.rollbackTransaction(id),
    execute: async (statement, id) => {
      if (!isDone && statement.sql.startsWith(start)) {
        isDone = true
        await act()
      }
      return await api.execute(statement, id)
    },
  }
}
