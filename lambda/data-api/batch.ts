import type { DataApiResult, DataApiStatement } from './data-api.ts'
import { databaseError, StatementError } from './errors.ts'
import { asksForRows } from './row-reader.ts'
import { decodeRows, type Row } from './values.ts'

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
 * `call` is that of {@link batchCall}; one statement alone is sent without it.
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
    if (error) throw databaseError(left[0]?.statement().sql ?? '', error)
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

/** The statement that carries out a batch, with a `mark` by which its process can be found in `pg_stat_activity`. */
export function batchCall(executor: string, mark: string): string {
  return `${batchCallStart(executor)}:statements::json)::text as outcome /* ${mark} */`
}

/** How each statement of {@link batchCall} begins. */
export function batchCallStart(executor: string): string {
  return `select ${executor}(`
}

/**
 * Makes the SQL function that carries out a batch: its argument is a list of statements, its answer a result for each.
 *
 * A function and not a `do` block, because that answers nothing: neither the rows changed nor whether the fence held.
 * It stops at the first error, whose effects and all before it the block's own subtransaction takes back, and after an
 * answer whose `opened` is 0. It runs with the rights of whoever calls it.
 */
export function executorStatement(executor: string): string {
  return `create or replace function ${executor}(statements json) returns json language plpgsql as $executor$
#variable_conflict use_column
declare
  statement json;
  answer record;
  changed bigint;
  counted bigint := 0;
  results json[] := '{}';
  code text;
  message text;
  hint text;
begin
  begin
    foreach statement in array (select coalesce(array_agg(value order by ordinality), '{}') from json_array_elements(statements) with ordinality) loop
      if (statement->>'answers')::boolean then
        execute statement->>'sql' into answer using counted;
        results := results || to_json(answer);
        counted := 0;
        exit when to_json(answer)->>'opened' = '0';
      else
        execute statement->>'sql';
        get diagnostics changed = row_count;
        if (statement->>'counts')::boolean is null then
          changed := 0;
        end if;
        counted := counted + changed;
        results := results || to_json(changed);
      end if;
    end loop;
  exception when others or query_canceled or assert_failure then
    get stacked diagnostics code = returned_sqlstate, message = message_text, hint = pg_exception_hint;
  end;
  return json_build_object('results', results, 'error', case when code is not null then json_build_object('code', code, 'message', message, 'hint', hint) end);
end $executor$`
}
