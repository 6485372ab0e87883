import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import { explained, hasTimedOut, StatementError } from '../data-api/errors.ts'
import { asksForRows, decodeRows, type Row } from '../data-api/values.ts'
import { CommandError } from '../errors.ts'
import type { Statement } from '../sql/statement.ts'
import { keepingStatement, keptRows, textOf } from './kept-rows.ts'
import { resultOf } from './result-text.ts'
import { decodeTexts } from './text-values.ts'

type Send = (statement: DataApiStatement) => Promise<DataApiResult>

interface Limits {
  readonly inTransaction: boolean
  readonly maxCharacters: number
}

/**
 * Runs one statement, once, and reads its rows without ever asking for more than the service can answer.
 *
 * A result that fits comes with the call that runs the statement. Of a larger one the transaction keeps the rest, which
 * is read before this resolves.
 */
export async function readRows(send: Send, statement: Statement, limits: Limits): Promise<Row[]> {
  try {
    return await readAll(send, statement, limits)
  } catch (error) {
    throw error instanceof StatementError && hasTimedOut(error) ? tooSlow(statement.sql) : error
  }
}

async function readAll(
  send: Send,
  { facts, parameters }: Statement,
  { inTransaction, maxCharacters }: Limits,
): Promise<Row[]> {
  if (facts.resultForm === 'none') throw noRows(facts.sql)
  if (facts.resultForm === 'alone') return await readAlone(send, facts.sql, parameters)
  const keeping = keepingStatement(facts, parameters)
  if (keeping.sql.length > maxCharacters) return await readAlone(send, facts.sql, parameters)
  const kept = keptRows(await send(keeping))
  if (kept.parts > 1 && !inTransaction) throw tooLarge(facts.sql)
  return decodeTexts(resultOf(await textOf(kept, send)))
}

/** As it is: PostgreSQL lets the statement not stand inside another one, or it is too long for that. */
async function readAlone(
  send: Send,
  sql: string,
  parameters: readonly SqlParameter[],
): Promise<Row[]> {
  const answer = send(asksForRows(sql, parameters)).catch((error: unknown) => {
    const isUnreadable =
      error instanceof StatementError && error.exception === 'UnsupportedResultException'
    throw isUnreadable ? unreadable(error) : error
  })
  return decodeRows(await answer)
}

/** What the service says it cannot return, with what it can. */
function unreadable(error: StatementError): StatementError {
  const isType = error.message.includes('data type')
  return explained(
    error,
    isType
      ? 'the rows of this statement are read as the Data API returns them: cast the column to text, with ::text'
      : 'the rows of this statement are read in one call, of at most 1 MiB, and the transaction is lost: fetch fewer rows at a time, or make the statement shorter',
  )
}

function noRows(sql: string): CommandError {
  return new CommandError(
    'NoRows',
    `op.query needs a statement that returns rows: add 'returning …', or run it with op.execute (it begins: ${sql.slice(0, 80)})`,
  )
}

/** Not an error of the database, which would have the revision run again: its rows could not be had then, either. */
function tooSlow(sql: string): CommandError {
  return new CommandError(
    'RowsTooSlow',
    `a statement that returns rows took longer than the 45 s of the Data API, and its rows are lost then: write them into a table with op.execute, which may take longer, and read that with op.query, or split the statement by ranges of a key (it begins: ${sql.slice(0, 80)})`,
  )
}

/** Outside a transaction nothing is kept from one call to the next. */
function tooLarge(sql: string): CommandError {
  return new CommandError(
    'ResultTooLarge',
    `a statement ran outside a transaction, and its rows are lost, because they take more than one answer of the Data API: read them inside a transaction, or fewer of them (it begins: ${sql.slice(0, 80)})`,
  )
}
