import { createHash } from 'node:crypto'
import { executorStatement } from '../data-api/executor.ts'
import { literal, pgArray, qualifiedName } from '../data-api/literals.ts'
import { LOOK_AT_READING } from '../data-api/reading-settings.ts'
import { fenceAgainStatement, fenceStatement, type HistoryEntry } from './history.ts'

/** Where the version table is; the history table stands beside it, as `<name>_history`. */
export interface VersionTableName {
  /** Default: `public`. */
  readonly schema: string
  /** Default: `alembic_version`, which is Alembic's own. */
  readonly name: string
}

/**
 * The version table, Alembic's own: one row a head of what is applied, in the column `version_num`.
 *
 * Names are always qualified: a revision may change `search_path`.
 */
export class VersionTable {
  readonly name: VersionTableName
  /** The version table as SQL. */
  readonly versions: string
  /** The history table as SQL. */
  readonly history: string
  /** The function that carries out several statements in one call, as SQL; a new form of it gets a new name. */
  readonly executor: string
  /** Key of the advisory lock that serialises runs on this version table. */
  readonly lockKey: bigint

  constructor(name: VersionTableName) {
    this.name = name
    this.versions = qualifiedName({ schema: name.schema, name: name.name })
    this.history = qualifiedName({ schema: name.schema, name: `${name.name}_history` })
    this.executor = qualifiedName({ schema: name.schema, name: `${name.name}_exec_v1` })
    const digest = createHash('sha256').update(`aurora-migrations ${name.schema}.${name.name}`)
    this.lockKey = digest.digest().readBigInt64BE()
  }

  /**
   * Creates both tables and the function where they are missing, in one autocommitted call.
   *
   * The lock comes first, because `create table if not exists` by two runs at once fails; and it is tried, not
   * waited for: a run never queues on a lock. Not free is SQLSTATE 55P03.
   */
  createStatement(): string {
    return `do $aurora$ declare former record; begin
  if not pg_try_advisory_xact_lock(${literal(this.lockKey)}) then
    raise exception 'another run is at work' using errcode = '55P03';
  end if;
  create table if not exists ${this.versions} (
    version_num varchar(32) not null,
    constraint ${qualifiedName({ name: `${this.name.name}_pkc` })} primary key (version_num)
  );
  create table if not exists ${this.history} (
    token text primary key,
    seq bigint unique,
    run_id text not null,
    revision text not null,
    direction text not null check (direction in ('upgrade', 'downgrade', 'stamp')),
    doc text not null,
    source text not null,
    who text not null,
    bundle_hash text,
    checksum text,
    from_rows text[] not null,
    to_rows text[] not null,
    outcome text not null,
    lease_until timestamptz,
    started_at timestamptz not null,
    finished_at timestamptz,
    ms integer,
    statements integer,
    rows bigint,
    error text
  );
  ${FORMER_CHECK.drop(this.history)}
  ${executorStatement(this.executor)};
end $aurora$`
  }

  /** See {@link fenceStatement}. */
  fenceStatement(entry: HistoryEntry): string {
    return fenceStatement(this, entry)
  }

  /** See {@link fenceAgainStatement}. */
  fenceAgainStatement(entry: HistoryEntry, oldToken: string): string {
    return fenceAgainStatement(this, entry, oldToken)
  }

  /**
   * Changes the rows from `before` to `after` and finishes the history row `token`, in one statement.
   *
   * `rows` is SQL for the number of rows that the step's statements changed. Answers what was there, how many rows each
   * part hit and how long the step took; {@link moveProblem} says what is wrong with it.
   */
  moveStatement(move: Move, statements: number, rows: string): string {
    const removed = move.before.filter((row) => !move.after.includes(row))
    const added = move.after.filter((row) => !move.before.includes(row))
    return `with "before" as (select coalesce(json_agg(version_num order by version_num), '[]')::text as rows from ${this.versions}),
"removed" as (delete from ${this.versions} where version_num = any(${literal(pgArray(removed))}::text[]) returning 1),
"added" as (insert into ${this.versions} (version_num) select unnest(${literal(pgArray(added))}::text[]) on conflict do nothing returning 1),
"finished" as (update ${this.history} set outcome =${literal(move.outcome)}, finished_at = clock_timestamp(), lease_until = null, ms = (extract(epoch from clock_timestamp() - started_at) * 1000)::int, statements = ${statements}, rows = ${rows} where token =${literal(move.token)} and outcome = 'running' returning ms)
select (select rows from "before") as before, (select count(*) from "removed")::int as removed, (select count(*) from "added")::int as added, (select count(*) from "finished")::int as finished, (select max(ms) from "finished") as ms, ${LOOK_AT_READING}`
  }
}

/** A check of former versions, which knew fewer outcomes. */
export const FORMER_CHECK = {
  /** SQL for the names of such checks. */
  names: (history: string): string =>
    `select conname from pg_constraint where conrelid = to_regclass(${literal(history)}) and contype = 'c' and position('interrupted' in pg_get_constraintdef(oid)) > 0 and position('abandoned' in pg_get_constraintdef(oid)) = 0`,
  /** A part of a `do` block. */
  drop: (history: string): string => `for former in ${FORMER_CHECK.names(history)} loop
    execute format('alter table ${history.replaceAll("'", "''").replaceAll('%', '%%')} drop constraint %I', former.conname);
  end loop;`,
}

/** One movement of the version rows. */
export interface Move {
  readonly token: string
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly outcome: 'done' | 'stamped'
}

/** What a {@link VersionTable.moveStatement} answers. */
export interface MoveAnswer {
  readonly before: string
  readonly removed: number
  readonly added: number
  readonly finished: number
}

/** `undefined` when the move hit exactly what it was planned for, else a sentence. */
export function moveProblem(move: Move, answer: MoveAnswer): string | undefined {
  // Sorted here: the database may sort by the rules of a language.
  const found = (JSON.parse(answer.before) as string[]).sort()
  const expected = [...move.before].sort()
  if (found.length !== expected.length || found.some((row, i) => row !== expected[i])) {
    return `the version table held [${found.join(', ')}] where [${expected.join(', ')}] was read: something else changed it meanwhile`
  }
  const removed = move.before.filter((row) => !move.after.includes(row)).length
  const added = move.after.filter((row) => !move.before.includes(row)).length
  if (answer.removed !== removed || answer.added !== added) {
    return `the move hit ${answer.removed} of ${removed} rows to remove and ${answer.added} of ${added} to add`
  }
  return answer.finished === 1 ? undefined : 'its own history row is gone or no longer running'
}
