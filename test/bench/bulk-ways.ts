import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  RDSDataClient,
  type SqlParameter,
} from '@aws-sdk/client-rds-data'
import { Client } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { type BulkRow, bulkRows } from './bulk-rows.ts'
import { sentByBulkInsert } from './bulk-sent.ts'

// Made before anything is timed, as the rows of a revision are when its module is loaded.
const rows = bulkRows(Number(process.env.BENCH_ROWS))

const INSERT =
  'insert into bulk values (:id, :name, :price::numeric, :created_at::timestamptz, :details::jsonb)'

/** One call a row. */
export function perRow(): Promise<void> {
  return inTransaction(async (execute) => {
    for (const row of rows) await execute(INSERT, parametersOf(row))
  })
}

/** Sets of 1,000, or of what fits the 4 MiB of a request. */
export function batchExecute(setsPerCall: number): Promise<void> {
  return inTransaction(async (_, batch) => {
    for (let i = 0; i < rows.length; i += setsPerCall) {
      await batch(INSERT, rows.slice(i, i + setsPerCall).map(parametersOf))
    }
  })
}

/** As many rows as parameters of one statement of 65,536 characters have room for. */
export function valuesOfParameters(): Promise<void> {
  const perCall = 1700
  return inTransaction(async (execute) => {
    for (let i = 0; i < rows.length; i += perCall) {
      const some = rows.slice(i, i + perCall)
      const tuples = some.map((_, n) => `(:a${n},:b${n},:c${n},:d${n},:e${n})`)
      const parameters = some.flatMap((row, n) =>
        parametersOf(row).map(({ value }, column) => ({ name: `${'abcde'[column]}${n}`, value })),
      )
      const values = `values ${tuples.join(',')}`
      const typed = 'a, b, c::numeric, d::timestamptz, e::jsonb'
      const sql = `insert into bulk select ${typed} from (${values}) as v(a, b, c, d, e)`
      await execute(sql, parameters as SqlParameter[])
    }
  })
}

/** As many rows as literals in one statement of 65,536 characters. */
export function valuesOfLiterals(): Promise<void> {
  return inTransaction(async (execute) => {
    const start = 'insert into bulk values '
    let sql = start
    for (const row of rows) {
      const tuple = literalsOf(row)
      if (sql.length + tuple.length >= 65_536) {
        await execute(sql.slice(0, -1))
        sql = start
      }
      sql += `${tuple},`
    }
    await execute(sql.slice(0, -1))
  })
}

/** What no Data API has: a stream on a connection of its own. */
export async function copy(): Promise<void> {
  await direct(async (client) => {
    const line = (row: BulkRow) =>
      `${row.id}\t${row.name}\t${row.price}\t${row.created_at}\t${JSON.stringify(row.details)}\n`
    const text = rows.map(line).join('')
    await pipeline(Readable.from([text]), client.query(copyFrom('copy bulk from stdin')))
  })
}

/** `op.bulkInsert` with a Data API that answers at once: what is left is its own work. */
export async function encodeOnly(): Promise<void> {
  await sentByBulkInsert(rows)
}

const sent = process.env.BENCH_SENT === undefined ? [] : await sentByBulkInsert(rows)

/** The statements of `op.bulkInsert`, sent by pg over a connection: what is left is PostgreSQL's own work. */
export async function sentDirectly(): Promise<void> {
  await direct(async (client) => {
    for (const { sql, values } of sent) await client.query(sql, [...values])
  })
}

/** One of the forms that rows can take in parameters, through the Data API, a MiB a call. */
export function form(name: string): Promise<void> {
  const { sql, element, texts } = FORMS[name] as Form
  return inTransaction(async (execute) => {
    let elements: string[] = []
    let first = 0
    let bytes = 0
    const flush = async (end: number) => {
      const values = texts ? columnTexts(rows.slice(first, end)) : [`[${elements.join(',')}]`]
      await execute(
        sql,
        values.map((stringValue, i) => ({ name: `p${i}`, value: { stringValue } })),
      )
      elements = []
      first = end
      bytes = 0
    }
    for (const [i, row] of rows.entries()) {
      const text = element(row)
      const size = Buffer.byteLength(JSON.stringify(text))
      if (bytes + size > 1_048_576) await flush(i)
      elements.push(text)
      bytes += size
    }
    await flush(rows.length)
  })
}

const asObject = (row: BulkRow) => JSON.stringify(row)
const asArray = (row: BulkRow) => JSON.stringify(Object.values(row))
const ARRAY_COLUMNS =
  '(e->>0)::integer, e->>1, (e->>2)::numeric, (e->>3)::timestamptz, (e->4)::jsonb'
const COLUMNS = 'id integer, name text, price numeric, created_at timestamptz, details jsonb'
const CASTS = 'id::integer, name, price::numeric, created_at::timestamptz, details::jsonb'
const NAMES = ['id', 'name', 'price', 'created_at', 'details'] as const

const valueText = (value: unknown) =>
  typeof value === 'object' ? JSON.stringify(value) : String(value)

function columnTexts(some: readonly BulkRow[]): string[] {
  return NAMES.map((name) => some.map((row) => valueText(row[name])).join('\x7f'))
}

interface Form {
  readonly sql: string
  readonly element: (row: BulkRow) => string
  /** A parameter a column. Default: one JSON array of the elements. */
  readonly texts?: true
}

/** Evidence for the choice of `op.bulkInsert`; the last three need the types of the columns. */
const FORMS: Record<string, Form> = {
  json_populate_recordset: {
    sql: 'insert into bulk select * from json_populate_recordset(null::bulk, :p0::json)',
    element: asObject,
  },
  jsonb_populate_recordset: {
    sql: 'insert into bulk select * from jsonb_populate_recordset(null::bulk, :p0::jsonb)',
    element: asObject,
  },
  json_to_recordset: {
    sql: `insert into bulk select * from json_to_recordset(:p0::json) as r(${COLUMNS})`,
    element: asObject,
  },
  'json array of arrays': {
    sql: `insert into bulk select ${ARRAY_COLUMNS} from json_array_elements(:p0::json) e`,
    element: asArray,
  },
  'jsonb array of arrays': {
    sql: `insert into bulk select ${ARRAY_COLUMNS} from jsonb_array_elements(:p0::jsonb) e`,
    element: asArray,
  },
  'a text a column': {
    sql: `insert into bulk select ${CASTS} from unnest(${NAMES.map((_, i) => `string_to_array(:p${i}, chr(127))`)}) as r(${NAMES})`,
    element: (row) => Object.values(row).map(valueText).join('\x7f'),
    texts: true,
  },
}

type Execute = (sql: string, parameters?: SqlParameter[]) => Promise<unknown>
type Batch = (sql: string, parameterSets: SqlParameter[][]) => Promise<unknown>

async function inTransaction(work: (execute: Execute, batch: Batch) => Promise<void>) {
  const { CLUSTER_ARN: resourceArn, SECRET_ARN: secretArn, DATABASE: database } = process.env
  const client = new RDSDataClient({ maxAttempts: 1 })
  const target = { resourceArn, secretArn, database }
  const { transactionId } = await client.send(new BeginTransactionCommand(target))
  await work(
    (sql, parameters) =>
      client.send(new ExecuteStatementCommand({ ...target, transactionId, sql, parameters })),
    (sql, parameterSets) =>
      client.send(
        new BatchExecuteStatementCommand({ ...target, transactionId, sql, parameterSets }),
      ),
  )
  await client.send(new CommitTransactionCommand({ resourceArn, secretArn, transactionId }))
  client.destroy()
}

async function direct(work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: process.env.POSTGRES_URL })
  await client.connect()
  await client.query('begin')
  await work(client)
  await client.query('commit')
  await client.end()
}

function parametersOf(row: BulkRow): SqlParameter[] {
  return [
    { name: 'id', value: { longValue: row.id } },
    { name: 'name', value: { stringValue: row.name } },
    { name: 'price', value: { stringValue: row.price } },
    { name: 'created_at', value: { stringValue: row.created_at } },
    { name: 'details', value: { stringValue: JSON.stringify(row.details) } },
  ]
}

/** No value of these rows holds a quote, and colons are written so that none looks like a parameter. */
function literalsOf({ id, name, price, created_at, details }: BulkRow): string {
  const text = (value: string) => `E'${value.replaceAll(':', '\\x3a')}'`
  return `(${id},'${name}',${price},${text(created_at)},${text(JSON.stringify(details))})`
}
