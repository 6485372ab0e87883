import { literal, pgArray } from '../data-api/literals.ts'
import type { VersionTable } from './version-table.ts'

export type Direction = 'upgrade' | 'downgrade' | 'stamp'
export type Outcome = 'running' | 'done' | 'interrupted' | 'failed' | 'stamped'

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
    ...texts.map(literal),
    literal(run.bundleHash ?? null),
    literal(checksum),
    `${literal(pgArray(from))}::text[]`,
    `${literal(pgArray(to))}::text[]`,
    literal(outcome),
    'clock_timestamp()',
  ].join(',')
}

/** Opens the row of a step in a script, where the first statement of its transaction cannot be {@link fenceStatement}. */
export function openRowStatement(table: VersionTable, entry: HistoryEntry, key: RowKey): string {
  return `insert into ${table.history} (${COLUMNS}) values (${valuesAt(entry, key, 'running')})`
}

/** The SQL scanner reads strings as this setting has them by default; a database or role may say otherwise. */
const STRINGS = `set_config('standard_conforming_strings', 'on', true) as strings`

function settings(timeouts: Timeouts | undefined): string {
  if (timeouts === undefined) return STRINGS
  const { lockMs, statementMs } = timeouts
  return `${STRINGS}, set_config('lock_timeout', '${lockMs}', true) as lock_timeout, set_config('statement_timeout', '${statementMs}', true) as statement_timeout, pg_backend_pid() as pid`
}

/**
 * First statement of a step's transaction: lock, fence and audit in one call.
 *
 * The lock is politeness (it is tried, never waited for). The fence is the unique `seq`: it is checked against current
 * rows and not against the snapshot, so it holds at every isolation level, also when two runs read the same state.
 * Answers `locked` and `inserted`; only 1 inserted row lets the step go on.
 */
export function fenceStatement(table: VersionTable, entry: HistoryEntry): string {
  return `with "gate" as materialized (select pg_try_advisory_xact_lock(${literal(table.lockKey)}) as locked),
"opened" as (insert into ${table.history} (${COLUMNS}) select${values(entry, entry.seq, 'running')} from "gate" where locked on conflict do nothing returning 1)
select "gate".locked, (select count(*) from "opened")::int as opened, ${settings(entry.timeouts)} from "gate"`
}

/** The step that goes on, and whose row it was until now. */
export interface Guard {
  readonly oldToken: string
  readonly token: string
  readonly run: RunIdentity
  readonly timeouts?: Timeouts | undefined
}

/**
 * The fence of a step that has committed part of its work: takes the lock and makes sure that the row still is
 * `guard`'s, which it renames to `token`. Answers like {@link fenceStatement}.
 */
export function fenceAgainStatement(table: VersionTable, guard: Guard): string {
  const mine = guard.oldToken === guard.token
  const free = mine
    ? "outcome = 'running'"
    : "(outcome = 'interrupted' or (outcome = 'running' and lease_until < clock_timestamp()))"
  return `with "gate" as materialized (select pg_try_advisory_xact_lock(${literal(table.lockKey)}) as locked),
"opened" as (update ${table.history} set token =${literal(guard.token)}, run_id =${literal(guard.run.runId)}, who =${literal(guard.run.who)}, source =${literal(guard.run.source)}, outcome = 'running', error = null from "gate" where locked and token =${literal(guard.oldToken)} and ${free} returning 1)
select "gate".locked, (select count(*) from "opened")::int as opened, ${settings(guard.timeouts)} from "gate"`
}

/** How long a step may be silent outside a transaction before another run takes it over. */
export const LEASE_SECONDS = 120

/** How far a step came before an autocommit block. */
export interface JournalMark {
  readonly done: number
  readonly digest: string
}

/** Records, in the transaction that commits them, the statements done before an autocommit block. Answers one row if the step still is ours. */
export function journalStatement(table: VersionTable, token: string, journal: JournalMark): string {
  return `update ${table.history} set done =${literal(journal.done)}, digest =${literal(journal.digest)}, lease_until = clock_timestamp() + interval '${LEASE_SECONDS} seconds' where token =${literal(token)} and outcome = 'running' returning token`
}

/** Tells other runs that the step is still at work outside a transaction. */
export function renewLeaseStatement(table: VersionTable, token: string): string {
  return `update ${table.history} set lease_until = clock_timestamp() + interval '${LEASE_SECONDS} seconds' where token =${literal(token)} and outcome = 'running' returning token`
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
  return `insert into ${table.history} (${COLUMNS}, finished_at, ms, statements, rows, error) values (${values(entry, null, 'failed')}, clock_timestamp(),${literal(Math.round(failure.ms))},${literal(failure.statements)},${literal(failure.rows)},${literal(failure.error)}) on conflict do nothing`
}

/** Records a step that failed after it had committed part of its work: the next run goes on from there. */
export function interruptedStatement(table: VersionTable, token: string, failure: Failure): string {
  return `update ${table.history} set outcome = 'interrupted', lease_until = null, finished_at = clock_timestamp(), ms =${literal(Math.round(failure.ms))}, statements =${literal(failure.statements)}, rows =${literal(failure.rows)}, error =${literal(failure.error)} where token =${literal(token)} and outcome in ('running', 'interrupted') returning token`
}

/** Closes the row of an interrupted step that a stamp leaves behind. */
export function giveUpStatement(table: VersionTable, token: string): string {
  return `update ${table.history} set outcome = 'failed', lease_until = null, error = concat_ws('; ', error, 'given up by a stamp') where token =${literal(token)} and outcome in ('running', 'interrupted') returning token`
}

/** Whether a step's history row is there, and how far its journal says it got. */
export function outcomeStatement(table: VersionTable, token: string): string {
  return `select outcome, coalesce(done, 0)::int as done from ${table.history} where token =${literal(token)}`
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
  return `select run_id as "runId", revision, direction, outcome, doc, who, source, to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "startedAt", ms, statements, rows::float8 as rows, error from ${table.history} order by started_at desc, seq desc nulls first limit ${limit}`
}
