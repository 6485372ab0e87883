import { createHash } from 'node:crypto'
import { literal, pgArray, qualifiedName } from '../sql/literals.ts'
import { qualified } from '../sql/qualified.ts'
import { LOOK_AT_READING } from '../sql/reading-settings.ts'
import { fenceAgainStatement, fenceStatement, type HistoryEntry } from './history.ts'
import { ownerClauses } from './trusted-owners.ts'

/** Where the version table is; the history table stands beside it, as `<name>_history`. */
export interface VersionTableName {
  /** Default: `public`. */
  readonly schema: string
  /** Default: `alembic_version`, which is Alembic's own. */
  readonly name: string
}

export interface VersionTableOptions extends VersionTableName {
  /** Roles whose tables, triggers and functions may run code with our rights, beside those of {@link ownerClauses}. Default: none. */
  readonly trustedOwners?: readonly string[]
}

/** A table of ours. */
export interface OwnTable {
  readonly name: string
  /** With its schema, as SQL. */
  readonly sql: string
}

/** SQLSTATE of {@link VersionTable.createStatement} for tables that must not be used. */
export const UNTRUSTED = 'AM001'

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
  readonly tables: readonly [versions: OwnTable, history: OwnTable]
  readonly trustedOwners: readonly string[]
  /** The function that carries out several statements in one call; a new form of it gets a new name. */
  readonly executorName: string
  /** The same as SQL. */
  readonly executor: string
  /** Key of the advisory lock that serialises runs on this version table. */
  readonly lockKey: bigint

  constructor({ schema, name, trustedOwners = [] }: VersionTableOptions) {
    const tableOf = (table: string) => ({
      name: table,
      sql: qualifiedName({ schema, name: table }),
    })
    this.name = { schema, name }
    this.tables = [tableOf(name), tableOf(`${name}_history`)]
    this.versions = this.tables[0].sql
    this.history = this.tables[1].sql
    this.trustedOwners = trustedOwners
    this.executorName = `${name}_exec_v2`
    this.executor = qualifiedName({ schema, name: this.executorName })
    const digest = createHash('sha256').update(`aurora-migrations ${schema}.${name}`)
    this.lockKey = digest.digest().readBigInt64BE()
  }

  /**
   * Creates both tables where they are missing, in one autocommitted call.
   *
   * The lock comes first, because `create table if not exists` by two runs at once fails; and it is tried, not
   * waited for: a run never queues on a lock. Not free is SQLSTATE 55P03. Whoever may create in the schema may have
   * made a table of this name meanwhile: {@link UNTRUSTED}, with the reason.
   */
  createStatement(): string {
    return qualified`do $aurora$ declare
  found #text;
  former #record;
begin
  if not #pg_try_advisory_xact_lock(${literal(this.lockKey)}) then
    raise exception 'another run is at work' using errcode = '55P03';
  end if;
  create table if not exists ${this.versions} (
    version_num #varchar(32) not null,
    constraint ${qualifiedName({ name: `${this.name.name}_pkc` })} primary key (version_num)
  );
  create table if not exists ${this.history} (
    token #text primary key,
    seq #int8 unique,
    run_id #text not null,
    revision #text not null,
    direction #text not null check (direction #= any ('{upgrade,downgrade,stamp}'::#text[])),
    doc #text not null,
    source #text not null,
    who #text not null,
    bundle_hash #text,
    checksum #text,
    from_rows #text[] not null,
    to_rows #text[] not null,
    outcome #text not null,
    lease_until #timestamptz,
    started_at #timestamptz not null,
    finished_at #timestamptz,
    ms #int4,
    statements #int4,
    rows #int8,
    error #text
  );
  found := (${ownerClauses(this)} select #string_agg("problem", '; ') from "problems");
  if found is not null then
    raise exception using message = found, errcode = '${UNTRUSTED}';
  end if;
  ${FORMER_CHECK.drop(this.history)}
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
    return qualified`with "before" as (select coalesce(#json_agg(version_num order by version_num), '[]')::#text as rows from ${this.versions}),
"removed" as (delete from ${this.versions} where version_num #= any (${literal(pgArray(removed))}::#text[]) returning 1),
"added" as (insert into ${this.versions} (version_num) select #unnest(${literal(pgArray(added))}::#text[]) on conflict do nothing returning 1),
"finished" as (update ${this.history} set outcome =${literal(move.outcome)}, finished_at = #clock_timestamp(), lease_until = null, ms = (extract(epoch from #clock_timestamp() #- started_at) #* 1000)::#int4, statements = ${statements}, rows = ${rows} where token #=${literal(move.token)} and outcome #= 'running' returning ms)
select (select rows from "before") as before, (select #count(*) from "removed")::#int4 as removed, (select #count(*) from "added")::#int4 as added, (select #count(*) from "finished")::#int4 as finished, (select #max(ms) from "finished") as ms, ${LOOK_AT_READING}`
  }
}

/** A check of former versions, which knew fewer outcomes. */
export const FORMER_CHECK = {
  /** SQL for the names of such checks. */
  names: (history: string): string =>
    qualified`select c.conname from #pg_constraint c where c.conrelid #= #to_regclass(${literal(history)}) and c.contype #= 'c' and #strpos(#pg_get_constraintdef(c.oid), 'interrupted') #> 0 and #strpos(#pg_get_constraintdef(c.oid), 'abandoned') #= 0`,
  /** A part of a `do` block. */
  drop: (history: string): string => qualified`for former in ${FORMER_CHECK.names(history)} loop
    execute #format('alter table %s drop constraint %I',${literal(history)}, former.conname);
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
