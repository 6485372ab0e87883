import { StatementError } from '../data-api/errors.ts'
import type { Row } from '../data-api/values.ts'
import { CommandError } from '../errors.ts'
import type { RunnerContext } from '../run/runner-context.ts'
import type { Session } from '../session/session.ts'
import { messageOf } from '../thrown.ts'
import type { Direction } from './history.ts'
import { readStatement, stateText } from './read-statement.ts'
import { UNTRUSTED, type VersionTable } from './version-table.ts'

/** What one Read answers: everything that planning needs, and the whole of a run that has nothing to do. */
export interface DatabaseState {
  /** False: the version table or the history table is not there yet. */
  readonly ready: boolean
  /** Whether the history table is as this version makes it. Where it is not, {@link createTables} changes it. */
  readonly upToDate: boolean
  /** Whether the function that carries out several statements in one call can be used. */
  readonly batches: boolean
  /** That function, or another one in its place. */
  readonly executor: FoundExecutor | null
  /** Another function that a call of that one may mean as well, with its owner. */
  readonly overload: string | null
  /** The version table's rows, sorted. */
  readonly rows: readonly string[]
  /** `seq` of the newest history row that has one; the next step takes the number after it. */
  readonly lastSeq: number
  /** A step whose autocommit blocks have begun, and that is not finished. */
  readonly open: OpenStep | null
  /** Who holds the lock just now. */
  readonly holder: LockHolder | null
  /** Revisions whose file is another one than when they were applied, as far as checksums were given and can be compared. */
  readonly edited: readonly string[]
  /** What a database without a version table holds that we did not make. */
  readonly strangers: Strangers
  /** What a role may do to our tables that it should not, a line each. */
  readonly warnings: readonly string[]
}

/** The function that carries out batches, as it was found. */
export interface FoundExecutor {
  readonly owner: string
  readonly trusted: boolean
  /** Its text is ours to the letter, and it runs with the rights of its caller. */
  readonly ours: boolean
  /** This user may call it. */
  readonly callable: boolean
}

/** Tables, views and sequences outside the system's schemas and extensions. */
export interface Strangers {
  readonly count: number
  /** The first few of them. */
  readonly names: readonly string[]
}

const NO_STRANGERS: Strangers = { count: 0, names: [] }

export interface OpenStep {
  readonly token: string
  readonly seq: number
  readonly revision: string
  readonly direction: Direction
  readonly outcome: 'running' | 'interrupted'
  /** True while its run is at work or died less than a lease ago. */
  readonly leased: boolean
  readonly lease_seconds: number
  readonly who: string
  readonly started_at: string
  /** Why it was interrupted, where its run could write that. */
  readonly error: string | null
  readonly from_rows: readonly string[]
  readonly to_rows: readonly string[]
  /**
   * How many statements a former version of this package has committed before an autocommit block, to be skipped by the
   * next run; 0: none. This version never leaves any.
   */
  readonly done: number
  /** Of these statements as JSON: hash and text. */
  readonly digest: string | null
}

export interface LockHolder {
  readonly pid: number
  readonly role: string
  readonly since: string
  /** Seconds since its last statement; the service ends a transaction after 180 idle ones. */
  readonly idle_seconds: number
}

/** What a report says of a step that is not finished. */
export function openWarning({
  direction,
  revision,
  who,
  started_at,
  leased,
  done,
  error,
}: OpenStep): string {
  const what = `the ${direction} of ${revision} by ${who}, begun ${started_at},`
  if (leased) return `${what} is at work`
  const committed = done > 0 ? `, after ${done} statement(s) were committed` : ''
  return `${what} was interrupted${committed}: '${direction} ${revision}' runs it again, and what its autocommit blocks have committed stays${error ? ` (${error})` : ''}`
}

/** The first Read of a command, beside which the secret is checked; what is wrong with the secret is told first. */
export async function readFirstState(
  context: RunnerContext,
  session: Session,
): Promise<DatabaseState> {
  const state = readState(session, context.table, context.checksums)
  state.catch(() => 'told after the secret was checked')
  try {
    await context.secretChecked
  } catch (error) {
    // Or the read would be tried again and again behind the answer.
    session.close('the secret cannot be used')
    throw error
  }
  return await state
}

/**
 * Reads the state; a database without our tables is a state too (`ready: false`), and nothing is created.
 *
 * @throws CommandError when a table of ours is not one that may be used, and when the state cannot be read.
 */
export async function readState(
  session: Session,
  table: VersionTable,
  checksums: Readonly<Record<string, string>> = {},
): Promise<DatabaseState> {
  const value = { stringValue: JSON.stringify(checksums) }
  const parameters = [{ name: 'checksums', value }]
  const [row = {}] = await session
    .read(readStatement(table), parameters)
    .catch((error: unknown) => Promise.reject(readProblem(error, table)))
  if (row.problem) throw new CommandError('UntrustedTable', String(row.problem))
  const state = stateOf(row)
  refuseWrongRows(table, state.rows)
  return state
}

/** A table without Alembic's primary key may hold rows that no revision has written. */
function refuseWrongRows({ versions }: VersionTable, rows: readonly (string | null)[]): void {
  const wrong = rows.find((row, i) => row === null || row.trim() !== row || rows.indexOf(row) < i)
  if (wrong === undefined) return
  const what =
    wrong === null
      ? 'a row that is null'
      : wrong.trim() === wrong
        ? `the row '${wrong}' twice`
        : `the row '${wrong}', which has spaces around its id`
  throw new CommandError(
    'WrongVersionRows',
    `${versions} holds ${what}: each row must be the id of a revision, once; correct it by hand (update or delete), and give the table its key: alter table ${versions} add primary key (version_num)`,
  )
}

function stateOf(row: Row): DatabaseState {
  const state = row.state ? (JSON.parse(stateText(row.state)) as KeptState) : undefined
  const executor = parsed<FoundExecutor>(row.executor)
  const overload = row.overload ? String(row.overload) : null
  return {
    ready: row.ready === true,
    upToDate: row.up_to_date !== false,
    batches: isUsable(executor) && overload === null,
    executor,
    overload,
    rows: state?.rows ?? [],
    lastSeq: state?.last_seq ?? 0,
    open: state?.open ?? null,
    holder: parsed<LockHolder>(row.holder),
    edited: state?.edited ?? [],
    strangers: parsed<Strangers>(row.strangers) ?? NO_STRANGERS,
    warnings: parsed<string[]>(row.trigger_makers) ?? [],
  }
}

/** What the tables hold, as {@link readStatement} returns it; the rows alone where there is no history. */
interface KeptState {
  readonly rows: readonly string[]
  readonly last_seq?: number
  readonly open?: OpenStep | null
  readonly edited?: readonly string[]
}

function parsed<T>(text: unknown): T | null {
  return text ? (JSON.parse(String(text)) as T) : null
}

function isUsable(executor: FoundExecutor | null): boolean {
  return executor?.trusted === true && executor.ours && executor.callable
}

/**
 * Refuses to make the version table in a database that holds something already: it may be one that was migrated
 * without it, and every revision would be run again.
 */
export function refusePopulated(
  table: VersionTable,
  { intoPopulated = false }: { readonly intoPopulated?: boolean },
  { strangers: { count, names } }: DatabaseState,
): void {
  if (intoPopulated || count === 0) return
  const found = `${names.join(', ')}${count > names.length ? ` and ${count - names.length} more` : ''}`
  throw new CommandError(
    'PopulatedDatabase',
    `the database has no version table ${table.versions} and is not empty (${found}): if revisions made that, stamp the one it stands at ('stamp heads'); if not, upgrade with --from-scratch ("fromScratch": true)`,
  )
}

function readProblem(error: unknown, table: VersionTable): unknown {
  if (!(error instanceof StatementError)) return error
  const fix = readFix(error, table)
  return new CommandError(
    'CannotReadState',
    `cannot read ${table.versions}: ${error.message}${fix && `: ${fix}`}`,
    { cause: error },
  )
}

function readFix({ code, exception, message }: StatementError, table: VersionTable): string {
  if (code === '42703') {
    return `${table.versions} and ${table.history} must be as Alembic and aurora-migrations make them: a table of another tool is in their place, so rename it or set VERSION_TABLE`
  }
  if (exception === 'AccessDeniedException' || exception === 'ForbiddenException') {
    return 'allow rds-data:ExecuteStatement, BeginTransaction, CommitTransaction and RollbackTransaction on the ARN of the cluster, and secretsmanager:GetSecretValue on the ARN of the secret'
  }
  if (code === '42501') {
    return `grant the secret's user select, insert, update and delete on ${table.versions} and ${table.history}`
  }
  if (
    exception === 'HttpEndpointNotEnabledException' ||
    /HttpEndpoint is(?: not|n't) enabled/.test(message)
  ) {
    return 'turn on the Data API of the cluster (enableDataApi: true in CDK), and check the spelling of its ARN'
  }
  if (exception === 'DatabaseNotFoundException') {
    return 'the cluster has no writer instance yet: run this when it has one'
  }
  return ''
}

/** Another run holds the lock; a table was made that must not be used, and the Read says why. */
const MADE_BESIDE = new Set(['55P03', UNTRUSTED])

/** Creates the version and history tables. False when another run is just doing so, or somebody has made one: read again. */
export async function createTables(session: Session, table: VersionTable): Promise<boolean> {
  try {
    await session.own(table.createStatement())
    return true
  } catch (error) {
    const isElsewhere = error instanceof StatementError && MADE_BESIDE.has(error.code ?? '')
    if (isElsewhere) return false
    // Repeating it is harmless: `create table if not exists` under the lock.
    if (error instanceof StatementError && error.outcome === 'unknown') return false
    throw new CommandError(
      'CannotCreateTables',
      `cannot create ${table.versions} and ${table.history}: ${messageOf(error)}; create the schema, or grant the secret's user create on it`,
      { cause: error },
    )
  }
}
