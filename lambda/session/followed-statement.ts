import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import { databaseError, explained, hasTimedOut, StatementError } from '../data-api/errors.ts'
import { asksForRows, decodeRows } from '../data-api/values.ts'
import { literal } from '../sql/literals.ts'
import { withoutParameters } from '../sql/named-parameters.ts'
import { qualified } from '../sql/qualified.ts'
import type { StatementFacts } from '../sql/statement.ts'
import { asWritten } from './enclosed-statement.ts'

type Send = (statement: DataApiStatement) => Promise<DataApiResult>

/** What a `do` block can execute; the others are quick (`savepoint`) or belong to the top level (`declare`). */
const EXECUTABLE = new Set(
  'alter analyze call cluster comment create delete do drop grant insert merge refresh reindex revoke truncate update with'.split(
    ' ',
  ),
)

/** Whether a statement can be carried out by another one, which then knows how it ended. */
export function isExecutable(facts: StatementFacts): boolean {
  return canBeExecuted(facts) && facts.verb !== 'select' && facts.resultForm === 'none'
}

interface FollowOptions {
  /** Of the statement as its author wrote it. */
  readonly facts: StatementFacts
  /** Tells the outcome from an earlier statement's. */
  readonly number: number
  readonly maxCharacters: number
}

/**
 * Runs a statement of a transaction to its real end, however long that takes.
 *
 * After 45 s the service answers a time-out and lets the statement go on; the transaction then is busy until it ends.
 * What PostgreSQL said is told to nobody: all that would be left of an error is an aborted transaction (25P02). So the
 * statement runs in a `do` block that keeps its outcome in a setting of the transaction, which is read when that is
 * free again. A `do` block takes no parameters, so these wait for it in settings, too.
 */
export async function sendFollowed(
  send: Send,
  statement: DataApiStatement,
  { facts, number, maxCharacters }: FollowOptions,
): Promise<DataApiResult> {
  const given = asWritten(statement)
  const { parameters = [] } = given
  const text = canBeExecuted(facts) ? followedText(given, facts, number) : undefined
  if (text === undefined || text.length > maxCharacters) {
    return await send(statement).catch((error: unknown) => {
      throw error instanceof StatementError && hasTimedOut(error)
        ? notFollowed(error, facts)
        : error
    })
  }
  if (parameters.length > 0) await send({ sql: keepStatement(parameters), parameters })
  return await outcomeOf(send, given, text, number)
}

function canBeExecuted({ verb, autocommitOnly, topLevel }: StatementFacts): boolean {
  return (EXECUTABLE.has(verb) || verb === 'select') && !autocommitOnly && !topLevel
}

async function outcomeOf(
  send: Send,
  statement: DataApiStatement,
  text: string,
  number: number,
): Promise<DataApiResult> {
  const lost = await send({ sql: text, continueAfterTimeout: true }).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof StatementError && (hasTimedOut(error) || error.outcome === 'unknown'))
        return error
      throw error
    },
  )
  const [row] = decodeRows(
    await send(asksForRows(qualified`select #current_setting('${SETTING}', true) as outcome`)),
  )
  const outcome = JSON.parse(String(row?.outcome || 'null')) as Outcome | null
  if (outcome?.number !== number) throw lost ?? new Error(`statement ${number} has left no outcome`)
  if (outcome.code === undefined) return { numberOfRecordsUpdated: outcome.rows ?? 0 }
  throw databaseError(statement, { ...outcome, code: outcome.code, message: outcome.message ?? '' })
}

const SETTING = 'aurora_migrations.outcome'
const PARAMETER = 'aurora_migrations.parameter_'

interface Outcome {
  readonly number: number
  readonly rows?: number
  readonly code?: string
  readonly message?: string
  readonly detail?: string
  readonly hint?: string
  readonly context?: string
}

function followedText(
  { parameters = [] }: DataApiStatement,
  facts: StatementFacts,
  number: number,
): string {
  const keep = (...fields: string[]) =>
    qualified`perform #set_config('${SETTING}', #json_build_object('number', ${number}, ${fields.join(', ')})::#text, true);`
  const numbered = withoutParameters(facts.sql, parameters, (_, i) => `$${i + 1}`)
  const using = parameters.length > 0 ? ` using ${parameters.map(keptValue).join(', ')}` : ''
  const body = qualified`declare changed #int8; code #text; message #text; detail #text; hint #text; context #text; begin
execute${literal(numbered)}${using};
get diagnostics changed = row_count;
${keep("'rows'", facts.verb === 'select' ? '0' : 'changed')}
exception when others or query_canceled then
get stacked diagnostics code = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint, context = pg_exception_context;
${keep("'code'", 'code', "'message'", 'message', "'detail'", 'detail', "'hint'", 'hint', "'context'", 'context')}
end`
  return `do${literal(body)}`
}

const BYTES = 'hex'

/** Keeps the parameters of a statement until the end of the transaction. */
function keepStatement(parameters: readonly SqlParameter[]): string {
  const kept = parameters.map(({ name, value }) => {
    const text = value?.blobValue ? qualified`#encode(:${name}, '${BYTES}')` : `:${name}`
    return qualified`#length(#set_config('${PARAMETER}${name}', ${text}, true))`
  })
  return `select ${kept.join(', ')}`
}

/** A parameter as the service binds it: text or bytes. */
function keptValue({ name, value }: SqlParameter): string {
  const kept = qualified`#current_setting('${PARAMETER}${name}')`
  return value?.blobValue ? qualified`#decode(${kept}, '${BYTES}')` : kept
}

function notFollowed(error: StatementError, { verb, topLevel }: StatementFacts): StatementError {
  const makesTable = topLevel && (verb === 'select' || verb === 'with')
  return explained(
    error,
    makesTable
      ? "it took longer than the 45 s of the Data API, and a select with 'into' cannot be followed beyond them: write it as 'create table … as select …'"
      : 'it took longer than the 45 s of the Data API, and only a statement by itself, of fewer characters, can be followed beyond them: split it, by ranges of a key for example',
  )
}
