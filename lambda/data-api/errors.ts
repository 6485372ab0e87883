import { type CaughtError, caughtPosition } from '../sql/error-position.ts'
import { asError } from '../thrown.ts'
import type { DataApiStatement, WrittenStatement } from './data-api.ts'

/** A line of a file of the project; its path is from the folder of the revisions. */
export interface FileLine {
  readonly file: string
  readonly line: number
}

/** What is known of a call that failed: it did not run, it was refused by the database, or nobody can tell. */
export type CallOutcome = 'not-run' | 'refused' | 'unknown'

/**
 * One Data API call that failed, with what PostgreSQL said about it.
 *
 * Inside a transaction it fails the revision even when it is caught, unless a `rollback to savepoint`
 * sent through the session succeeds after it.
 */
export class StatementError extends Error {
  override readonly name = 'StatementError'
  /** SQLSTATE, under the name node-postgres gives it; `undefined` when the service and not PostgreSQL refused. */
  readonly code: string | undefined
  /** Name of the AWS exception, such as `DatabaseErrorException` or `TimeoutError`. */
  readonly exception: string
  readonly outcome: CallOutcome
  /** The statement as it was written. */
  readonly sql: string
  /** Where PostgreSQL saw the error: characters into `sql`, from 1. */
  readonly position: number | undefined
  readonly hint: string | undefined
  /** The line of the SQL file that it is from. */
  readonly place: FileLine | undefined

  constructor(sql: string, report: ErrorReport, cause: unknown) {
    super(report.message, { cause })
    this.code = report.code
    this.exception = report.exception
    this.outcome = report.outcome
    this.sql = sql
    this.position = report.position
    this.hint = report.hint
    this.place = report.place
  }
}

interface ErrorReport {
  readonly exception: string
  readonly outcome: CallOutcome
  readonly message: string
  readonly code?: string | undefined
  readonly position?: number | undefined
  readonly hint?: string | undefined
  readonly place?: FileLine | undefined
}

/** Exceptions after which the statement certainly did not run, and the same call may be sent again. */
const NOT_RUN = new Set([
  'DatabaseResumingException',
  'DatabaseNotFoundException',
  'InvalidResourceStateException',
  'ThrottlingException',
  'TooManyRequestsException',
  'SecretsErrorException',
])

/** Exceptions of a request the service or the database looked at and refused. */
const REFUSED = new Set([
  'DatabaseErrorException',
  'BadRequestException',
  'ValidationException',
  'UnsupportedResultException',
  'TransactionNotFoundException',
  'NotFoundException',
  'HttpEndpointNotEnabledException',
  'InvalidSecretException',
  'AccessDeniedException',
  'ForbiddenException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'ExpiredTokenException',
  // Nothing was sent, and without credentials nothing will be.
  'CredentialsProviderError',
  // A script has no rows, however often it is asked.
  'offline mode',
])

/** SQLSTATEs with which PostgreSQL refuses a connection: password being rotated, not up yet, no connection free. */
const NOT_CONNECTED = new Set(['28P01', '57P03', '53300'])
/** SQLSTATEs with which it ends one: restart, failover, a broken line. */
const CONNECTION_LOST = /^(?:57P0[125]|08)/

/** What the service answers while an earlier call on the same transaction is still at work. */
const BUSY = 'Transaction is still running a query'

/** The fix for errors that come from a literal whose type PostgreSQL could not know. */
const TYPE_FIX =
  "a value takes its type from where it stands: name the type after it, as in '…'::uuid or cast('…' as date)"
/** How the parameters begin that carry the rows of a bulk operation. */
const ROWS = 'rows'
const TYPE_ERRORS = new Set(['42804', '42725', '42883', '22P02', '42P18'])

type Sent = { readonly [P in 'parameters' | 'written']?: DataApiStatement[P] | undefined }

/** Reads an SDK error into a {@link StatementError}. */
export function toStatementError(
  error: unknown,
  sql: string,
  { parameters = [], written }: Sent = {},
): StatementError {
  if (error instanceof StatementError) return error
  const { name: exception, message: text } = asError(error)
  const sent = parseDatabaseMessage(text)
  const parsed = written ? asWritten(sent, written) : sent
  const outcome = outcomeOf(exception, text, parsed.code)
  const report = {
    exception,
    ...parsed,
    outcome,
    message: describe(exception, parsed, mayLackType(parsed.code, sql, parameters)),
  }
  return new StatementError(sql, report, error)
}

/** What PostgreSQL says of a statement inside one of ours, as it says it of the statement alone. */
function asWritten(message: DatabaseMessage, written: WrittenStatement): DatabaseMessage {
  const { position } = message
  if (WITHIN_RULES.test(message.message)) return { ...message, hint: WITHOUT_RETURNING }
  const within = position === undefined ? undefined : written.position(position)
  // The parenthesis that closes ours comes where the statement ends.
  if (position === undefined || within !== undefined || message.message !== AT_OUR_END) {
    return { ...message, position: within }
  }
  return { ...message, message: END_OF_INPUT, position: [...written.sql].length + 1 }
}

const WITHIN_RULES = /rules are not supported for data-modifying statements in WITH/
const WITHOUT_RETURNING =
  "the statement runs inside another one, which a rule of its table does not allow: leave 'returning' out"
const AT_OUR_END = 'syntax error at or near ")"'
const END_OF_INPUT = 'syntax error at end of input'

function outcomeOf(exception: string, text: string, code: string | undefined): CallOutcome {
  if (NOT_RUN.has(exception) || text === BUSY) return 'not-run'
  // `raise exception` in a function may carry any SQLSTATE, but never as a FATAL error.
  if (code !== undefined && !text.startsWith('ERROR: ')) {
    if (NOT_CONNECTED.has(code)) return 'not-run'
    if (CONNECTION_LOST.test(code)) return 'unknown'
  }
  return REFUSED.has(exception) ? 'refused' : 'unknown'
}

/** True while an earlier call on the same transaction is still at work. */
export function isBusy(error: StatementError): boolean {
  return error.cause instanceof Error && error.cause.message === BUSY
}

/** True when the database is down, restarts, or its writer is being replaced. */
export function isUnavailable({ exception, code, outcome }: StatementError): boolean {
  if (outcome === 'refused') return false
  return exception === 'DatabaseUnavailableException' || CONNECTION_LOST.test(code ?? '')
}

/** True when the service gave up waiting for the statement: what became of it is not told. */
export function hasTimedOut(error: StatementError): boolean {
  return error.exception === 'StatementTimeoutException'
}

/** The error of a call that returned nothing until the deadline of its run. */
export function unanswered(sql: string): StatementError {
  const message = 'no answer came before the time was up'
  return new StatementError(
    sql,
    { exception: 'Unanswered', outcome: 'unknown', message },
    undefined,
  )
}

/** The same error with something to add to its message. */
export function explained(error: StatementError, explanation: string): StatementError {
  return new StatementError(
    error.sql,
    { ...error, message: `${error.message}; ${explanation}` },
    error.cause,
  )
}

/** The error of a statement that PostgreSQL refused inside another one, as it would have been told for itself. */
export function databaseError(
  { sql, parameters = [] }: DataApiStatement,
  {
    code,
    message,
    detail,
    hint,
    context,
  }: CaughtError & {
    readonly detail?: string | null | undefined
    readonly hint?: string | null | undefined
  },
): StatementError {
  const exception = 'DatabaseErrorException'
  const position = caughtPosition(sql, { code, message, context })
  const more = [detail, hint].filter((part) => part).join('; ')
  const parsed = { message, code, hint: more || undefined, position }
  const report = { exception, outcome: 'refused', ...parsed } as const
  return new StatementError(
    sql,
    { ...report, message: describe(exception, parsed, mayLackType(code, sql, parameters)) },
    undefined,
  )
}

interface DatabaseMessage {
  readonly message: string
  readonly code: string | undefined
  readonly hint: string | undefined
  readonly position: number | undefined
}

/** Takes `ERROR: …; Hint: …; Position: n; SQLState: xxxxx` apart; the service sends no Detail. */
function parseDatabaseMessage(text: string): DatabaseMessage {
  const match =
    /^(?:ERROR: |FATAL: )?(?<message>.*?)(?:; Hint: (?<hint>.*?))?(?:; Position: (?<position>\d+))?; SQLState: (?<code>[0-9A-Z]{5})\s*$/s.exec(
      text,
    )
  if (!match?.groups)
    return { message: text, code: undefined, hint: undefined, position: undefined }
  const { message = text, hint, position, code } = match.groups
  return { message, code, hint, position: position === undefined ? undefined : Number(position) }
}

/** The rows of a bulk operation have their types from the columns: no value of theirs stands in the text. */
function mayLackType(
  code: string | undefined,
  sql: string,
  parameters: readonly { readonly name?: string | undefined }[],
): boolean {
  if (code === undefined || !TYPE_ERRORS.has(code)) return false
  return /['\d]/.test(sql) && !parameters.some(({ name }) => name?.startsWith(ROWS))
}

function describe(
  exception: string,
  { message, code, hint }: DatabaseMessage,
  lacksType: boolean,
): string {
  const parts = [
    code === undefined
      ? `${message || 'no message'} (${exception})`
      : `${message} (SQLSTATE ${code})`,
  ]
  if (hint) parts.push(hint)
  if (lacksType) parts.push(TYPE_FIX)
  const fix = FIXES.find(([fixed, pattern]) => fixed === code && pattern.test(message))?.[2]
  if (fix) parts.push(fix)
  return parts.join('; ')
}

/** What to write instead, where PostgreSQL's own message leaves that open: by SQLSTATE and message. */
const FIXES: readonly (readonly [code: string, message: RegExp, fix: string])[] = [
  [
    '55P04',
    /new value .* of enum type/,
    'add the value in a revision of its own, or first of all in op.autocommitBlock with alter type … add value if not exists',
  ],
  [
    '25001',
    /cannot (?:run|be executed)/,
    'run it first of all in op.autocommitBlock, which is outside the transaction',
  ],
  [
    '55006',
    /pending trigger events/,
    'run set constraints all immediate before it, or put it into a revision of its own',
  ],
  [
    '25006',
    /read-only transaction/,
    'the database takes no writes: it may be the secondary cluster of a global database, or default_transaction_read_only may be set for the role or the database',
  ],
  [
    '3D000',
    /does not exist/,
    'create the database, or correct its name (DATABASE, database, --database)',
  ],
]
