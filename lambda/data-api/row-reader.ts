import type { SqlParameter } from '@aws-sdk/client-rds-data'
import { CommandError } from '../errors.ts'
import type { DataApiResult, DataApiStatement } from './data-api.ts'
import { hasTimedOut, StatementError, toStatementError } from './errors.ts'
import { statementFacts } from './statements.ts'
import { decodeRows, RESULT_OPTIONS, type Row } from './values.ts'

type Send = (statement: DataApiStatement) => Promise<DataApiResult>

/**
 * How much of the service's 1 MiB a result may take. A larger answer does not only fail: it ends the transaction.
 * The rest is room for what the service's own count and ours may differ by.
 */
const MAX_RESULT_BYTES = 900_000

interface Limits {
  readonly inTransaction: boolean
  readonly maxCharacters: number
}

/**
 * Reads the rows of one statement without ever asking for more than the service can answer.
 *
 * The statement is sent with its own size beside it: in one call it either answers its rows or says how large they are.
 * A large `select` is then read through a cursor; a large `returning` has to fail, because running it again would write again.
 */
export async function readRows(
  send: Send,
  text: string,
  parameters: readonly SqlParameter[],
  limits: Limits,
): Promise<Row[]> {
  try {
    return await readAll(send, text, parameters, limits)
  } catch (error) {
    throw error instanceof StatementError && hasTimedOut(error) ? tooSlow(text) : error
  }
}

async function readAll(
  send: Send,
  text: string,
  parameters: readonly SqlParameter[],
  { inTransaction, maxCharacters }: Limits,
): Promise<Row[]> {
  const { sql, resultForm: form } = statementFacts(text)
  const ask = async (asked: string) => decodeRows(await send(asksForRows(asked, parameters)))
  if (form === 'none') throw noRows(sql)
  if (form === 'unmeasured' || measured(sql).length > maxCharacters) return await ask(sql)
  const rows = await ask(measured(sql)).catch((error: unknown) => {
    throw error instanceof StatementError ? asWritten(error, sql, parameters) : error
  })
  const size = sizeOf(rows[0])
  if (size.count === 0) return []
  if (size.bytes <= MAX_RESULT_BYTES) return rows.map(withoutSize)
  if (form === 'returning' || !inTransaction) throw tooLarge(sql, size)
  return await readThroughCursor(send, sql, size)
}

/** A statement whose rows are to be decoded. */
export function asksForRows(
  sql: string,
  parameters: readonly SqlParameter[] = [],
): DataApiStatement {
  return {
    sql,
    ...(parameters.length > 0 && { parameters }),
    includeResultMetadata: true,
    resultSetOptions: RESULT_OPTIONS,
  }
}

interface ResultSize {
  readonly count: number
  readonly bytes: number
  readonly widest: number
}

const PREFIX = 'with "aurora_rows" as materialized (\n'

/** The service counts 2 bytes a row, 4 a column and the text of each value; the three columns added here count as well. */
function measured(sql: string): string {
  const columns =
    '(select count(*) from (select "aurora_rows" as r from "aurora_rows" limit 1) f, json_object_keys(to_json(f.r)))'
  const width = `octet_length("aurora_rows"::text) + 40 + 4 * ${columns}`
  return `${PREFIX}${sql}
), "aurora_size" as (select count(*)::text as "aurora_count", coalesce(sum(${width}), 0)::text as "aurora_bytes", coalesce(max(${width}), 0)::text as "aurora_widest" from "aurora_rows")
select "aurora_size".*, "aurora_rows".* from "aurora_size" left join "aurora_rows" on "aurora_size"."aurora_bytes"::int8 <= ${MAX_RESULT_BYTES}`
}

function sizeOf(row: Row | undefined): ResultSize {
  return {
    count: Number(row?.aurora_count ?? 0),
    bytes: Number(row?.aurora_bytes ?? 0),
    widest: Number(row?.aurora_widest ?? 0),
  }
}

function withoutSize(row: Row): Row {
  const { aurora_count: _count, aurora_bytes: _bytes, aurora_widest: _widest, ...rest } = row
  return rest
}

async function readThroughCursor(send: Send, sql: string, size: ResultSize): Promise<Row[]> {
  // The widest row decides: rows come in an order nobody promised, so any page may hold the largest ones.
  const page = Math.floor(MAX_RESULT_BYTES / size.widest)
  if (page === 0) throw tooWide(sql, size)
  await send({ sql: `declare "aurora_cursor" no scroll cursor for\n${sql}` })
  const rows: Row[] = []
  for (;;) {
    const next = decodeRows(await send(asksForRows(`fetch forward ${page} from "aurora_cursor"`)))
    rows.push(...next)
    if (next.length < page) break
  }
  await send({ sql: 'close "aurora_cursor"' })
  return rows
}

/** The error as the statement would have got it alone: its own text, and positions in that. */
function asWritten(
  error: StatementError,
  sql: string,
  parameters: readonly SqlParameter[],
): StatementError {
  return toStatementError(error.cause, sql, { prefix: PREFIX.length, parameters })
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

function tooLarge(sql: string, { count, bytes }: ResultSize): CommandError {
  return new CommandError(
    'ResultTooLarge',
    `a statement answers ${count} rows of about ${bytes} bytes and the Data API at most 1 MiB: return fewer columns, or change the rows in parts (it begins: ${sql.slice(0, 80)})`,
  )
}

function tooWide(sql: string, { widest }: ResultSize): CommandError {
  return new CommandError(
    'ResultTooLarge',
    `a row of a result takes about ${widest} bytes and the Data API answers at most 1 MiB: select part of the value, as in substr(…) (the statement begins: ${sql.slice(0, 80)})`,
  )
}
