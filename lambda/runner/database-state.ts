import { StatementError } from '../data-api/errors.ts'
import { literal } from '../data-api/literals.ts'
import type { Session } from '../data-api/session.ts'
import { CommandError } from '../errors.ts'
import type { Direction } from './history.ts'
import type { RunnerContext } from './runner-context.ts'
import type { VersionTable } from './version-table.ts'

/** What one Read answers: everything that planning needs, and the whole of a run that has nothing to do. */
export interface DatabaseState {
  /** False: the version table or the history table is not there yet. */
  readonly ready: boolean
  /** The version table's rows, sorted. */
  readonly rows: readonly string[]
  /** `seq` of the newest history row that has one; the next step takes the number after it. */
  readonly lastSeq: number
  /** A step that has committed part of its work and not finished. */
  readonly open: OpenStep | null
  /** Who holds the lock just now. */
  readonly holder: LockHolder | null
}

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
  readonly from_rows: readonly string[]
  readonly to_rows: readonly string[]
  readonly done: number
  readonly digest: string | null
}

export interface LockHolder {
  readonly pid: number
  readonly role: string
  readonly since: string
  /** Seconds since its last statement; the service ends a transaction after 180 idle ones. */
  readonly idle_seconds: number
}

/** The whole state in one statement, so that a run with nothing to do is one call. */
export function readStatement(table: VersionTable): string {
  const key = BigInt.asUintN(64, table.lockKey)
  return `select (select coalesce(json_agg(version_num order by version_num), '[]') from ${table.versions})::text as rows,
(select coalesce(max(seq), 0) from ${table.history})::text as last_seq,
(select row_to_json(o) from (select token, seq, revision, direction, outcome, who, started_at, from_rows, to_rows, coalesce(done, 0) as done, digest, coalesce(outcome = 'running' and lease_until >= clock_timestamp(), false) as leased, ceil(coalesce(extract(epoch from lease_until - clock_timestamp()), 0)) as lease_seconds from ${table.history} where outcome in ('running', 'interrupted') and seq is not null order by seq desc limit 1) o)::text as open,
(select row_to_json(h) from (select a.pid, coalesce(a.usename::text, '') as role, coalesce(a.xact_start, a.backend_start) as since, floor(coalesce(extract(epoch from clock_timestamp() - a.state_change), 0)) as idle_seconds from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database = (select oid from pg_database where datname = current_database()) and l.classid::int8 =${literal(key >> 32n)} and l.objid::int8 =${literal(key & 0xffffffffn)} limit 1) h)::text as holder`
}

/** The first Read of a command, beside which the secret is checked; what is wrong with the secret is told first. */
export async function readFirstState(
  context: RunnerContext,
  session: Session,
): Promise<DatabaseState> {
  const state = readState(session, context.table)
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
export async function readState(session: Session, table: VersionTable): Promise<DatabaseState> {
  try {
    const [row] = await session.read(readStatement(table))
    return {
      ready: true,
      rows: JSON.parse(String(row?.rows)) as string[],
      lastSeq: Number(row?.last_seq),
      open: JSON.parse(String(row?.open ?? 'null')) as OpenStep | null,
      holder: JSON.parse(String(row?.holder ?? 'null')) as LockHolder | null,
    }
  } catch (error) {
    if (!(error instanceof StatementError && error.code === '42P01'))
      throw readProblem(error, table)
    return {
      ready: false,
      rows: await readAdoptedRows(session, table),
      lastSeq: 0,
      open: null,
      holder: null,
    }
  }
}

/** The rows of a version table that Alembic made and that has no history beside it yet. */
async function readAdoptedRows(session: Session, table: VersionTable): Promise<string[]> {
  const present = await session.read(
    `select to_regclass(${literal(table.versions)}) is not null as present`,
  )
  if (present[0]?.present !== true) return []
  const rows = await session.read(`select version_num from ${table.versions} order by version_num`)
  return rows.map((row) => String(row.version_num))
}

function readProblem(error: unknown, table: VersionTable): unknown {
  if (!(error instanceof StatementError)) return error
  const fix =
    error.code === '42501'
      ? `: grant the secret's user select, insert, update and delete on ${table.versions} and ${table.history}`
      : ''
  return new CommandError(
    'CannotReadState',
    `cannot read ${table.versions}: ${error.message}${fix}`,
    {
      cause: error,
    },
  )
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
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(
      'CannotCreateTables',
      `cannot create ${table.versions} and ${table.history}: ${reason}; create the schema, or grant the secret's user create on it`,
      { cause: error },
    )
  }
}
