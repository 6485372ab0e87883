import { StatementError } from '../data-api/errors.ts'
import { executorIsThere } from '../data-api/executor.ts'
import { literal } from '../data-api/literals.ts'
import type { Session } from '../data-api/session.ts'
import { CommandError } from '../errors.ts'
import { messageOf } from '../thrown.ts'
import type { Direction } from './history.ts'
import type { RunnerContext } from './runner-context.ts'
import { FORMER_CHECK, type VersionTable } from './version-table.ts'

/** What one Read answers: everything that planning needs, and the whole of a run that has nothing to do. */
export interface DatabaseState {
  /** False: the version table or the history table is not there yet. */
  readonly ready: boolean
  /** Whether the history table is as this version makes it. Where it is not, {@link createTables} changes it. */
  readonly upToDate: boolean
  /** Whether the function that carries out several statements in one call can be used. */
  readonly batches: boolean
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

/**
 * The whole state in one statement, so that a run with nothing to do is one call.
 *
 * The parameter `checksums` is a JSON object, a checksum by revision: as text of the statement they would be too long.
 * Only revisions that differ come back. A checksum ends with 64 digits; what is before them says how it was made, and
 * where that differs two checksums say nothing about each other.
 */
export function readStatement(table: VersionTable): string {
  const key = BigInt.asUintN(64, table.lockKey)
  return `select (select coalesce(json_agg(version_num order by version_num), '[]') from ${table.versions})::text as rows,
(select coalesce(max(seq), 0) from ${table.history})::text as last_seq,
(select row_to_json(o) from (select token, seq, revision, direction, outcome, who, error, started_at, from_rows, to_rows, coalesce((to_jsonb(h) ->> 'done')::int, 0) as done, to_jsonb(h) ->> 'digest' as digest, coalesce(outcome = 'running' and lease_until >= clock_timestamp(), false) as leased, ceil(coalesce(extract(epoch from lease_until - clock_timestamp()), 0)) as lease_seconds from ${table.history} h where outcome in ('running', 'interrupted') and seq is not null order by seq desc limit 1) o)::text as open,
(select row_to_json(h) from (select a.pid, coalesce(a.usename::text, '') as role, coalesce(a.xact_start, a.backend_start) as since, floor(coalesce(extract(epoch from clock_timestamp() - a.state_change), 0)) as idle_seconds from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database = (select oid from pg_database where datname = current_database()) and l.classid::int8 =${literal(key >> 32n)} and l.objid::int8 =${literal(key & 0xffffffffn)} limit 1) h)::text as holder,
(select coalesce(json_agg(a.revision order by a.revision), '[]') from (select distinct on (revision) revision, direction, checksum from ${table.history} where outcome = 'done' and seq is not null order by revision, seq desc) a join json_each_text(:checksums::json) b on b.key = a.revision where a.direction = 'upgrade' and b.value <> a.checksum and left(b.value, -64) = left(a.checksum, -64))::text as edited,
${executorIsThere(table.executor)} as batches, not exists (${FORMER_CHECK.names(table.history)}) as up_to_date`
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

/** Reads the state; a database without our tables is a state too (`ready: false`), and nothing is created. */
export async function readState(
  session: Session,
  table: VersionTable,
  checksums: Readonly<Record<string, string>> = {},
): Promise<DatabaseState> {
  const value = { stringValue: JSON.stringify(checksums) }
  try {
    const [row] = await session.read(readStatement(table), [{ name: 'checksums', value }])
    return {
      ready: true,
      upToDate: row?.up_to_date !== false,
      batches: row?.batches === true,
      rows: JSON.parse(String(row?.rows)) as string[],
      lastSeq: Number(row?.last_seq),
      open: JSON.parse(String(row?.open ?? 'null')) as OpenStep | null,
      holder: JSON.parse(String(row?.holder ?? 'null')) as LockHolder | null,
      edited: JSON.parse(String(row?.edited ?? '[]')) as string[],
      strangers: NO_STRANGERS,
    }
  } catch (error) {
    if (!(error instanceof StatementError && error.code === '42P01'))
      throw readProblem(error, table)
    const nothing = { lastSeq: 0, open: null, holder: null, edited: [] }
    const found = await readWithoutHistory(session, table).catch((second: unknown) => {
      throw readProblem(second, table)
    })
    return { ready: false, upToDate: true, batches: false, ...nothing, ...found }
  }
}

/** The rows of a version table that Alembic made, or what there is instead of one. */
async function readWithoutHistory(
  session: Session,
  table: VersionTable,
): Promise<Pick<DatabaseState, 'rows' | 'strangers'>> {
  const [found] = await session.read(
    `select to_regclass(${literal(table.versions)}) is not null as present, (${strangersQuery(table)})::text as strangers`,
  )
  if (found?.present !== true) {
    return { rows: [], strangers: JSON.parse(String(found?.strangers)) as Strangers }
  }
  const rows = await session.read(`select version_num from ${table.versions} order by version_num`)
  return { rows: rows.map((row) => String(row.version_num)), strangers: NO_STRANGERS }
}

function strangersQuery(table: VersionTable): string {
  return `with "strangers" as (select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and left(n.nspname, 3) <> 'pg_' and n.nspname <> 'information_schema' and c.oid is distinct from to_regclass(${literal(table.history)}) and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and (d.deptype = 'e' or (c.relkind = 'S' and d.deptype in ('a', 'i')))))
select json_build_object('count', (select count(*) from "strangers"), 'names', (select coalesce(json_agg(name order by name), '[]') from (select name from "strangers" order by name limit 5) f))`
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

function readFix({ code, exception }: StatementError, table: VersionTable): string {
  if (code === '42501') {
    return `grant the secret's user select, insert, update and delete on ${table.versions} and ${table.history}`
  }
  if (exception === 'HttpEndpointNotEnabledException') {
    return 'turn on the Data API of the cluster (enableDataApi: true in CDK), and check the spelling of its ARN'
  }
  if (exception === 'DatabaseNotFoundException') {
    return 'the cluster has no writer instance yet: run this when it has one'
  }
  return ''
}

/** Creates the version and history tables. False when another run is just doing so: read again. */
export async function createTables(session: Session, table: VersionTable): Promise<boolean> {
  try {
    await session.execute(table.createStatement())
    return true
  } catch (error) {
    if (error instanceof StatementError && error.code === '55P03') return false
    // Repeating it is harmless: `create table if not exists` under the lock.
    if (error instanceof StatementError && error.outcome === 'unknown') return false
    throw new CommandError(
      'CannotCreateTables',
      `cannot create ${table.versions} and ${table.history}: ${messageOf(error)}; create the schema, or grant the secret's user create on it`,
      { cause: error },
    )
  }
}
