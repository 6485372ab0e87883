import type { DataApiResult, DataApiStatement } from './data-api.ts'
import { databaseError, hasTimedOut, StatementError } from './errors.ts'
import { literal } from './literals.ts'
import { asksForRows } from './row-reader.ts'
import { type StatementFacts, statementFacts } from './statements.ts'
import { decodeRows } from './values.ts'

type Send = (statement: DataApiStatement) => Promise<DataApiResult>

/** What a `do` block can execute; the others are quick (`savepoint`) or belong to the top level (`declare`). */
const EXECUTABLE = new Set(
  'alter analyze call cluster comment create delete do drop grant insert merge refresh reindex revoke truncate update with'.split(
    ' ',
  ),
)

/** Whether a statement can be carried out by another one, which then knows how it ended. */
export function isExecutable({ verb, resultForm, autocommitOnly }: StatementFacts): boolean {
  return EXECUTABLE.has(verb) && resultForm === 'none' && !autocommitOnly
}

/** Whether a statement's real end can be told although its call timed out. */
export function canBeFollowed(sql: string, parameters: number, maxCharacters: number): boolean {
  const { verb, autocommitOnly } = statementFacts(sql)
  const fits = followedText(sql, 0).length <= maxCharacters
  return parameters === 0 && EXECUTABLE.has(verb) && !autocommitOnly && fits
}

/**
 * Runs a statement of a transaction to its real end, however long that takes.
 *
 * After 45 s the service answers a time-out and lets the statement go on; the transaction then is busy until it ends.
 * What PostgreSQL said is told to nobody: all that would be left of an error is an aborted transaction (25P02). So the
 * statement runs in a `do` block that keeps its outcome in a setting of the transaction, which is read when that is
 * free again. `number` tells the outcome from an earlier statement's.
 */
export async function sendFollowed(
  send: Send,
  sql: string,
  number: number,
): Promise<DataApiResult> {
  const lost = await send({ sql: followedText(sql, number), continueAfterTimeout: true }).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof StatementError && (hasTimedOut(error) || error.outcome === 'unknown'))
        return error
      throw error
    },
  )
  const [row] = decodeRows(
    await send(asksForRows(`select current_setting('${SETTING}', true) as outcome`)),
  )
  const outcome = JSON.parse(String(row?.outcome || 'null')) as Outcome | null
  if (outcome?.number !== number) throw lost ?? new Error(`statement ${number} has left no outcome`)
  if (outcome.code === undefined) return { numberOfRecordsUpdated: outcome.rows ?? 0 }
  throw databaseError(sql, { ...outcome, code: outcome.code, message: outcome.message ?? '' })
}

const SETTING = 'aurora_migrations.outcome'

interface Outcome {
  readonly number: number
  readonly rows?: number
  readonly code?: string
  readonly message?: string
  readonly detail?: string
  readonly hint?: string
}

function followedText(sql: string, number: number): string {
  const keep = (...fields: string[]) =>
    `perform set_config('${SETTING}', json_build_object('number', ${number}, ${fields.join(', ')})::text, true);`
  const body = `declare changed bigint; code text; message text; detail text; hint text; begin
execute${literal(statementFacts(sql).sql)};
get diagnostics changed = row_count;
${keep("'rows'", 'changed')}
exception when others or query_canceled then
get stacked diagnostics code = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
${keep("'code'", 'code', "'message'", 'message', "'detail'", 'detail', "'hint'", 'hint')}
end`
  return `do${literal(body)}`
}
