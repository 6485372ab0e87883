import { literal, pgArray } from '../sql/literals.ts'
import { qualified } from '../sql/qualified.ts'
import { SET_READING } from '../sql/reading-settings.ts'
import type { VersionTable } from './version-table.ts'

export type Direction = 'upgrade' | 'downgrade' | 'stamp'
/**
 * `running`: its step is at work outside a transaction. `interrupted`: it was, and is not finished; the next run of the
 * revision takes the row over. `abandoned`: something else was run instead.
 */
export type Outcome = 'running' | 'done' | 'interrupted' | 'abandoned' | 'failed' | 'stamped'

/** Who runs, and from where; written to each history row. */
export interface RunIdentity {
  /** One id for all steps of a run: CloudFormation's RequestId, CodePipeline's job id, or a random one. */
  readonly runId: string
  /** The way of use: `invoke`, `cli`, `custom-resource`, `codepipeline`. */
  readonly source: string
  /** Who asked; where nobody knows, the function's name or the operating system's user. */
  readonly who: string
  /** Hash of the bundled revisions. */
  readonly bundleHash?: string
}

/** A history row as it is when its step begins. */
export interface HistoryEntry {
  readonly token: string
  readonly seq: number
  readonly run: RunIdentity
  readonly revision: string
  readonly direction: Direction
  readonly doc: string
  readonly checksum?: string
  readonly from: readonly string[]
  readonly to: readonly string[]
  readonly timeouts?: Timeouts | undefined
}

/** What the statements of a step may take, in milliseconds; 0: any time. */
export interface Timeouts {
  /** Waiting for a lock. */
  readonly lockMs: number
  readonly statementMs: number
}

const COLUMNS =
  'token, seq, run_id, revision, direction, doc, source, who, bundle_hash, checksum, from_rows, to_rows, outcome, started_at'

/** How long a step may be silent outside a transaction before another run takes it over. */
export const LEASE_SECONDS = 120

/** Set with each fence: only a step with autocommit blocks commits it. */
const LEASE_UNTIL = qualified`#clock_timestamp() #+ interval '${LEASE_SECONDS} seconds'`

/** An error may be longer than the 65,536 characters of a statement. */
const MOST_TEXT = 8_000

/** A text that PostgreSQL can hold: a NUL, half of a surrogate pair and what is too long would cost the whole row. */
function storable(text: string): string {
  const held = text.replaceAll('\0', '\\0').toWellFormed()
  return held.length > MOST_TEXT ? `${held.slice(0, MOST_TEXT).toWellFormed()}…` : held
}

/** An error as its history row holds it: in one line. */
export function recordedError(message: string): string {
  return storable(message.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' '))
}

function textLiteral(text: string): string {
  return literal(storable(text))
}

function values(entry: HistoryEntry, seq: number | null, outcome: Outcome): string {
  return valuesAt(entry, { token: literal(entry.token), seq: literal(seq) }, outcome)
}

/** What names a row, as SQL: in a script only the database knows it. */
export interface RowKey {
  readonly token: string
  readonly seq: string
}

function valuesAt(entry: HistoryEntry, { token, seq }: RowKey, outcome: Outcome): string {
  const { run, revision, direction, doc, checksum = null, from, to } = entry
  const texts = [run.runId, revision, direction, doc, run.source, run.who]
  return [
    token,
    seq,
    ...texts.map(textLiteral),
    literal(run.bundleHash ?? null),
    literal(checksum),
    qualified`${literal(pgArray(from))}::#text[]`,
    qualified`${literal(pgArray(to))}::#text[]`,
    literal(outcome),
    qualified`#clock_timestamp()`,
  ].join(',')
}

/** Opens the row of a step in a script, where the first statement of its transaction cannot be {@link fenceStatement}. */
export function openRowStatement(table: VersionTable, entry: HistoryEntry, key: RowKey): string {
  return qualified`insert into ${table.history} (${COLUMNS}) values (${valuesAt(entry, key, 'running')})`
}

function settings(timeouts: Timeouts | undefined): string {
  // A database or role may have other values.
  if (timeouts === undefined) return SET_READING
  const { lockMs, statementMs } = timeouts
  return qualified`${SET_READING}, #set_config('lock_timeout', '${lockMs}', true) as lock_timeout, #set_config('statement_timeout', '${statementMs}', true) as statement_timeout, #pg_backend_pid() as pid`
}

/**
 * First statement of a step's transaction: lock, fence and audit in one call.
 *
 * The lock is politeness (it is tried, never waited for). The fence is the unique `seq`: it is checked against current
 * rows and not against the snapshot, so it holds at every isolation level, also when two runs read the same state.
 * Answers `locked` and `inserted`; only 1 inserted row lets the step go on.
 */
export function fenceStatement(table: VersionTable, entry: HistoryEntry): string {
  return qualified`with "gate" as materialized (select #pg_try_advisory_xact_lock(${literal(table.lockKey)}) as locked),
"opened" as (insert into ${table.history} (${COLUMNS}, lease_until) select${values(entry, entry.seq, 'running')}, ${LEASE_UNTIL} from "gate" where locked on conflict do nothing returning 1)
select "gate".locked, (select #count(*) from "opened")::#int4 as opened, ${settings(entry.timeouts)} from "gate"`
}

/**
 * The fence of a step whose row is there already, because it was committed before an autocommit block: takes the lock and
 * makes sure that the row still is that of `oldToken`, the entry's own or that of an interrupted run. The row then is that
 * of the entry, in all that an interrupted run may have had otherwise. Returns what {@link fenceStatement} returns.
 */
export function fenceAgainStatement(
  table: VersionTable,
  entry: HistoryEntry,
  oldToken: string,
): string {
  const { token, run, doc, checksum = null, from, to } = entry
  const mine = oldToken === token
  const free = mine ? qualified`outcome #= 'running'` : IS_FREE
  const changes = [
    `token =${literal(token)}`,
    `run_id =${textLiteral(run.runId)}`,
    `who =${textLiteral(run.who)}`,
    `source =${textLiteral(run.source)}`,
    `doc =${textLiteral(doc)}`,
    `bundle_hash =${literal(run.bundleHash ?? null)}`,
    `checksum =${literal(checksum)}`,
    qualified`from_rows =${literal(pgArray(from))}::#text[]`,
    qualified`to_rows =${literal(pgArray(to))}::#text[]`,
    "outcome = 'running'",
    `lease_until = ${LEASE_UNTIL}`,
    ...(mine
      ? []
      : [qualified`started_at = #clock_timestamp()`, 'finished_at = null', 'error = null']),
  ]
  return qualified`with "gate" as materialized (select #pg_try_advisory_xact_lock(${literal(table.lockKey)}) as locked),
"opened" as (update ${table.history} set ${changes.join(', ')} from "gate" where locked and token #=${literal(oldToken)} and ${free} returning 1)
select "gate".locked, (select #count(*) from "opened")::#int4 as opened, ${settings(entry.timeouts)} from "gate"`
}

/** Of an open row: no run is at work on it. */
const IS_FREE = qualified`(outcome #= 'interrupted' or (outcome #= 'running' and lease_until #< #clock_timestamp()))`

/** Tells other runs that the step is still at work outside a transaction. */
export function renewLeaseStatement(table: VersionTable, token: string): string {
  return qualified`update ${table.history} set lease_until = ${LEASE_UNTIL} where token #=${literal(token)} and outcome #= 'running' returning token`
}

/** What is written of a step that failed. */
export interface Failure {
  readonly statements: number
  readonly rows: number
  readonly ms: number
  readonly error: string
}

/** Records a step whose transaction was rolled back. Without `seq`, so that writing it never waits for another run. */
export function failedStatement(
  table: VersionTable,
  entry: HistoryEntry,
  failure: Failure,
): string {
  return qualified`insert into ${table.history} (${COLUMNS}, finished_at, ms, statements, rows, error) values (${values(entry, null, 'failed')}, #clock_timestamp(),${literal(Math.round(failure.ms))},${literal(failure.statements)},${literal(failure.rows)},${literal(recordedError(failure.error))}) on conflict do nothing`
}

/** Records a step that failed after its autocommit blocks had begun: the next run takes the row over. */
export function interruptedStatement(table: VersionTable, token: string, failure: Failure): string {
  return qualified`update ${table.history} set outcome = 'interrupted', lease_until = null, finished_at = #clock_timestamp(), ms =${literal(Math.round(failure.ms))}, statements =${literal(failure.statements)}, rows =${literal(failure.rows)}, error =${literal(recordedError(failure.error))} where token #=${literal(token)} and outcome #= any ('{running,interrupted}'::#text[]) returning token`
}

/** Leaves the row of a step that did not fail to the next try, or the next run, at once and not when its lease ends. */
export function releaseStatement(table: VersionTable, token: string): string {
  return qualified`update ${table.history} set outcome = 'interrupted', lease_until = null, finished_at = #clock_timestamp() where token #=${literal(token)} and outcome #= 'running' returning token`
}

/** Closes the row of an interrupted step, because another one is run instead. Returns how many rows it closed, as `abandoned`. */
export function abandonStatement(table: VersionTable, token: string): string {
  return qualified`with "closed" as (update ${table.history} set outcome = 'abandoned', lease_until = null where token #=${literal(token)} and ${IS_FREE} returning 1) select #count(*)::#int4 as abandoned from "closed"`
}

/** How a step's history row stands, if it is there. */
export function outcomeStatement(table: VersionTable, token: string): string {
  return qualified`select outcome from ${table.history} where token #=${literal(token)}`
}

/** One row of the history, as commands report it. */
export interface HistoryRow {
  readonly runId: string
  readonly revision: string
  readonly direction: Direction
  readonly outcome: Outcome
  readonly doc: string
  readonly who: string
  readonly source: string
  readonly startedAt: string
  readonly ms: number | null
  readonly statements: number | null
  readonly rows: number | null
  readonly error: string | null
}

/** The newest `limit` rows of the history, newest first, failed steps included. */
export function recentStatement(table: VersionTable, limit: number): string {
  return qualified`select run_id as "runId", revision, direction, outcome, doc, who, source, #to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "startedAt", ms, statements, rows::#float8 as rows, error from ${table.history} order by started_at desc, seq desc nulls first limit ${limit}`
}
