import type { DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import { databaseError, StatementError } from '../data-api/errors.ts'
import { asksForRows, decodeRows, type Row } from '../data-api/values.ts'

type Send = (statement: DataApiStatement) => Promise<DataApiResult>

/** A statement that waits for others, to travel with them in one call. */
export interface BatchedStatement {
  /** Whether one row is asked for, as by bookkeeping; otherwise the number of changed rows is. */
  readonly answers: boolean
  /** Whether it changes rows that are to be counted. */
  readonly counts: boolean
  /** What is sent when it travels alone; also the text that messages show. */
  statement(): DataApiStatement
  /** What is sent with others: text alone. In one that `answers`, `$1` is the rows counted since the last that did. */
  text(): string
  /** Takes its result; may throw, and then nothing after it counts as done. */
  done(result: Row | number): void
  /** Takes the error that it or an earlier one met, and answers the error that stands for it. */
  failed(error: Error): Error
}

/** A statement was not carried out, because one that was sent before it failed. */
export class NotSent extends Error {
  override readonly name = 'NotSent'

  constructor(failure: Error) {
    super(`not carried out, because an earlier statement failed: ${failure.message}`, {
      cause: failure,
    })
  }
}

/**
 * Sends statements in one call and hands each its result. Throws the error of the first one that failed.
 *
 * `call` is that of `batchCall`; one statement alone is sent without it.
 */
export async function sendBatch(
  send: Send,
  call: string,
  batch: readonly BatchedStatement[],
): Promise<void> {
  const left = [...batch]
  try {
    const { results, error } = await outcomeOf(send, call, batch)
    for (const result of results) {
      left[0]?.done(result)
      left.shift()
    }
    if (error) throw databaseError(left[0]?.statement() ?? { sql: '' }, error)
    if (left.length > 0) throw new Error(`${left.length} statements of a batch were not answered`)
  } catch (error) {
    const [failing, ...others] = left
    const failure = failing?.failed(error as Error) ?? (error as Error)
    for (const other of others) other.failed(new NotSent(failure))
    throw failure
  }
}

/** What the executor answers: a result for each statement up to the one that failed or found that nothing is to be done. */
interface BatchOutcome {
  readonly results: readonly (Row | number)[]
  readonly error?: {
    readonly code: string
    readonly message: string
    readonly hint?: string
    readonly context?: string
  } | null
}

async function outcomeOf(
  send: Send,
  call: string,
  batch: readonly BatchedStatement[],
): Promise<BatchOutcome> {
  const [first] = batch
  if (first && batch.length === 1) return { results: [await sendAlone(send, first)] }
  const items = batch.map((statement) => {
    const { answers, counts } = statement
    return { sql: statement.text(), ...(answers && { answers }), ...(counts && { counts }) }
  })
  const value = { stringValue: JSON.stringify(items) }
  try {
    const result = await send(asksForRows(call, [{ name: 'statements', value }]))
    return JSON.parse(String(decodeRows(result)[0]?.outcome)) as BatchOutcome
  } catch (error) {
    throw error instanceof StatementError ? withStatements(error, batch) : error
  }
}

async function sendAlone(send: Send, statement: BatchedStatement): Promise<Row | number> {
  const alone = statement.statement()
  if (!statement.answers) return (await send(alone)).numberOfRecordsUpdated ?? 0
  return decodeRows(await send(asksForRows(alone.sql)))[0] ?? {}
}

/** A call that failed as a whole: nobody knows at which statement, so all of the revision's are shown. */
function withStatements(error: StatementError, batch: readonly BatchedStatement[]): StatementError {
  const shown = batch.filter(({ answers }) => !answers).map((one) => one.statement().sql)
  if (shown.length === 0) return error
  const { message, exception, outcome, code, hint } = error
  return new StatementError(
    shown.join(';\n'),
    { message, exception, outcome, code, hint },
    error.cause,
  )
}
