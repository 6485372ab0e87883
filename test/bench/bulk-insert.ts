import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BatchExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { Client } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { RdsDataApi } from '../../lambda/data-api/rds-data-api.ts'
import { Session } from '../../lambda/data-api/session.ts'
import { Operations } from '../../lambda/operations/operations.ts'

/** How fast one way of inserting was. */
export interface BulkResult {
  readonly method: string
  readonly rows: number
  readonly calls: number
  readonly rowsPerSecond: number
}

export interface BulkRow {
  readonly id: number
  readonly name: string
  readonly price: string
  readonly created_at: string
  readonly details: { readonly tags: readonly string[]; readonly size: number }
}

const TABLE =
  'create table bulk (id integer, name text, price numeric(10, 2), created_at timestamptz, details jsonb)'

/** Five columns of five types. */
export function bulkRows(count: number): BulkRow[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i,
    name: `product number ${i}`,
    price: `${i % 1000}.${String(i % 100).padStart(2, '0')}`,
    created_at: new Date(1_600_000_000_000 + i * 1000).toISOString(),
    details: { tags: ['new', `group ${i % 7}`], size: i % 12 },
  }))
}

type Insert = (database: string, rows: readonly BulkRow[]) => Promise<number>

/** Inserts the rows in each way, in one transaction each, into an empty table of a database of its own; medians of `repeat`. */
export async function measureBulkInsert(
  aurora: LocalAurora,
  { count, repeat }: { readonly count: number; readonly repeat: number },
): Promise<BulkResult[]> {
  const rows = bulkRows(count)
  const ways: [string, Insert][] = [
    ['op.bulkInsert', (database, all) => withBulkInsert(aurora, database, all)],
    ['BatchExecuteStatement', (database, all) => withBatchExecute(aurora, database, all)],
    ['COPY over a connection', (database, all) => withCopy(aurora, database, all)],
  ]
  const results: BulkResult[] = []
  for (const [method, insert] of ways) {
    const runs: { seconds: number; calls: number }[] = []
    for (let i = 0; i < repeat; i += 1) runs.push(await timed(aurora, insert, rows))
    runs.sort((a, b) => a.seconds - b.seconds)
    const median = runs[Math.floor(runs.length / 2)] as (typeof runs)[number]
    results.push({
      method,
      rows: count,
      calls: median.calls,
      rowsPerSecond: Math.round(count / median.seconds),
    })
  }
  return results
}

let databases = 0

async function timed(aurora: LocalAurora, insert: Insert, rows: readonly BulkRow[]) {
  databases += 1
  const database = `bulk_${process.pid}_${databases}`
  await aurora.createDatabase(database)
  const client = await directClient(aurora, database)
  await client.query(TABLE)
  await client.query('alter table bulk owner to migrator')
  const started = performance.now()
  const calls = await insert(database, rows)
  const seconds = (performance.now() - started) / 1000
  const { rows: counted } = await client.query(
    'select count(*)::int as n, sum(price)::text as sum from bulk',
  )
  await client.end()
  if (counted[0]?.n !== rows.length)
    throw new Error(`${counted[0]?.n} of ${rows.length} rows arrived`)
  return { seconds, calls }
}

async function withBulkInsert(aurora: LocalAurora, database: string, rows: readonly BulkRow[]) {
  const { clusterArn, secretArn } = aurora
  let calls = 0
  const api = new RdsDataApi({ clusterArn, secretArn, database })
  const session = new Session(api, { observe: () => (calls += 1) })
  await session.begin()
  const op = new Operations(session, { autocommitBlock: () => Promise.reject(new Error('none')) })
  await op.bulkInsert('bulk', rows)
  await session.commit()
  api.close()
  return calls
}

/** What AWS offers for many rows; sets of 1,000, the number its documentation speaks of. */
async function withBatchExecute(aurora: LocalAurora, database: string, rows: readonly BulkRow[]) {
  const { clusterArn: resourceArn, secretArn } = aurora
  const client = new RDSDataClient({ maxAttempts: 1 })
  const { BeginTransactionCommand, CommitTransactionCommand } = await import(
    '@aws-sdk/client-rds-data'
  )
  const { transactionId } = await client.send(
    new BeginTransactionCommand({ resourceArn, secretArn, database }),
  )
  const sql =
    'insert into bulk values (:id, :name, :price::numeric, :created_at::timestamptz, :details::jsonb)'
  let calls = 2
  for (let i = 0; i < rows.length; i += 1000) {
    const parameterSets = rows.slice(i, i + 1000).map((row) => [
      { name: 'id', value: { longValue: row.id } },
      { name: 'name', value: { stringValue: row.name } },
      { name: 'price', value: { stringValue: row.price } },
      { name: 'created_at', value: { stringValue: row.created_at } },
      { name: 'details', value: { stringValue: JSON.stringify(row.details) } },
    ])
    const target = { resourceArn, secretArn, database, transactionId }
    await client.send(new BatchExecuteStatementCommand({ ...target, sql, parameterSets }))
    calls += 1
  }
  await client.send(new CommitTransactionCommand({ resourceArn, secretArn, transactionId }))
  client.destroy()
  return calls
}

async function withCopy(aurora: LocalAurora, database: string, rows: readonly BulkRow[]) {
  const client = await directClient(aurora, database)
  await client.query('begin')
  const line = (row: BulkRow) =>
    `${row.id}\t${row.name}\t${row.price}\t${row.created_at}\t${JSON.stringify(row.details)}\n`
  const text = rows.map(line).join('')
  await pipeline(Readable.from([text]), client.query(copyFrom('copy bulk from stdin')))
  await client.query('commit')
  await client.end()
  return 0
}

async function directClient(aurora: LocalAurora, database: string): Promise<Client> {
  const url = new URL(aurora.postgresUrl)
  url.pathname = `/${database}`
  const client = new Client({ connectionString: url.href })
  await client.connect()
  return client
}
