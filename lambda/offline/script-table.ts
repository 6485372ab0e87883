import type { Row } from '../data-api/values.ts'
import { type HistoryEntry, openRowStatement } from '../ledger/history.ts'
import { readStatement, stateRow } from '../ledger/read-statement.ts'
import { type Move, VersionTable, type VersionTableOptions } from '../ledger/version-table.ts'
import { shown } from '../revisions/listed.ts'
import type { RevisionMap } from '../revisions/revision-map.ts'
import { literal, pgArray } from '../sql/literals.ts'
import { qualified } from '../sql/qualified.ts'
import { READING_SETTINGS } from '../sql/reading-settings.ts'

/** A statement of the runner's own: what stands in the script for it, and what it is told that the database said. */
export interface OwnStatement {
  readonly script: readonly string[]
  readonly answer: Row
}

export interface ScriptTableOptions extends VersionTableOptions {
  readonly map: RevisionMap
  /** The version rows that the script begins with. */
  readonly rows: readonly string[]
}

/**
 * The version table of a script.
 *
 * A run looks at each answer and stops when it is not the expected one. A script cannot look, so here each of the
 * runner's statements has a form that raises an error instead, with which psql stops. Which row of the history is the
 * step's is known by its number: the lock is held, so it is the highest.
 */
export class ScriptTable extends VersionTable {
  readonly #own = new Map<string, OwnStatement>()
  readonly #map: RevisionMap

  constructor({ map, rows, ...name }: ScriptTableOptions) {
    super(name)
    this.#map = map
    this.#own.set(readStatement(this), { script: [], answer: stateRow(rows) })
  }

  /** What was made by a method of this table; `undefined` for every other statement. */
  ownStatement(sql: string): OwnStatement | undefined {
    return this.#own.get(sql)
  }

  override fenceStatement(entry: HistoryEntry): string {
    const key = {
      token: qualified` #gen_random_uuid()::#text`,
      seq: qualified` (select coalesce(#max(seq), 0) #+ 1 from ${this.history})`,
    }
    const script = [
      this.#comment(entry),
      ...SETTINGS,
      begin([
        this.#lockIsFree(),
        this.#rowsAre(
          entry.from,
          `${this.versions} has other rows than [${entry.from.join(', ')}], where this script goes on`,
        ),
      ]),
      `${openRowStatement(this, entry, key)};`,
    ]
    return this.#note(super.fenceStatement(entry), { script, answer: OPENED })
  }

  override fenceAgainStatement(entry: HistoryEntry, oldToken: string): string {
    const script = [...SETTINGS, begin([this.#lockIsFree(), this.#isRunning()])]
    return this.#note(super.fenceAgainStatement(entry, oldToken), { script, answer: OPENED })
  }

  override moveStatement(move: Move, statements: number, rows: string): string {
    const removed = move.before.filter((row) => !move.after.includes(row))
    const added = move.after.filter((row) => !move.before.includes(row))
    const script = [
      ...removed.map(
        (row) => qualified`delete from ${this.versions} where version_num #= ${constant(row)};`,
      ),
      ...added.map(
        (row) => `insert into ${this.versions} (version_num) values (${constant(row)});`,
      ),
      this.#updateRow(
        qualified`outcome = ${constant(move.outcome)}, finished_at = #clock_timestamp(), lease_until = null, ms = (extract(epoch from #clock_timestamp() #- started_at) #* 1000)::#int4, statements = ${constant(statements)}, rows = coalesce(rows, 0) #+ ${this.#rowsChanged()}`,
      ),
      raiseUnless([
        this.#rowsAre(
          move.after,
          `${this.versions} has other rows than [${move.after.join(', ')}] now: something else changed it`,
        ),
        READING_IS_KEPT,
      ]),
    ]
    const counts = { removed: removed.length, added: added.length, finished: 1 }
    const answer = { before: JSON.stringify(move.before), ...counts, ms: 0, ...READING_SETTINGS }
    return this.#note(super.moveStatement(move, statements, rows), { script, answer })
  }

  #note(sql: string, own: OwnStatement): string {
    this.#own.set(sql, own)
    return sql
  }

  #comment({ revision, direction, doc, from, to }: HistoryEntry): string {
    const below = this.#map.has(revision) ? this.#map.entry(revision).down : from
    const [start, end] = direction === 'stamp' ? [from, to] : [below, [revision]]
    const [left, right] = direction === 'downgrade' ? [end, start] : [start, end]
    return `-- Running ${direction} ${left.join(', ')} -> ${right.join(', ')}, ${shown(doc)}`
  }

  #lockIsFree(): Condition {
    return {
      sql: qualified`#pg_try_advisory_xact_lock(${constant(this.lockKey)})`,
      message: 'another run is at work: run this script again when it is over',
    }
  }

  #rowsAre(rows: readonly string[], message: string): Condition {
    const others = qualified`select from ${this.versions} where version_num #<> all (${constant(pgArray(rows))}::#text[])`
    const count = qualified`(select #count(*) from ${this.versions}) #= ${rows.length}`
    return { sql: `not exists (${others}) and ${count}`, message }
  }

  #isRunning(): Condition {
    return {
      sql: qualified`exists (select from ${this.history} where ${this.#lastRow()} and outcome #= 'running')`,
      message: 'another run has taken this step over',
    }
  }

  #updateRow(changes: string): string {
    return `update ${this.history} set ${changes} where ${this.#lastRow()};`
  }

  #lastRow(): string {
    return qualified`seq #= (select #max(seq) from ${this.history})`
  }

  /** What a run counts from its answers, PostgreSQL has counted too. */
  #rowsChanged(): string {
    const ours = [this.versions, this.history].map(
      (name) => qualified`#to_regclass(${constant(name)})`,
    )
    return qualified`(select coalesce(#sum(${COUNTED} #- coalesce((b.counted #->> relid::#text)::#int8, 0)), 0)::#int8 from #pg_stat_xact_user_tables, (select #current_setting('${COUNTS}')::#jsonb as counted) b where relid #<> all (array[${ours.join(', ')}]))`
  }
}

/** A literal, where the text beside it needs no space. */
function constant(value: unknown): string {
  return literal(value).trimStart()
}

const OPENED = { locked: true, opened: 1 }

/** What a run has from its connection. */
const SETTINGS = Object.entries(READING_SETTINGS).map(
  ([name, value]) => `set local ${name} = ${constant(value)};`,
)

interface Condition {
  readonly sql: string
  readonly message: string
}

const READING_IS_KEPT: Condition = {
  sql: Object.entries(READING_SETTINGS)
    .map(([name, value]) => qualified`#current_setting(${constant(name)}) #= ${constant(value)}`)
    .join(' and '),
  message: `a statement has changed one of ${Object.keys(READING_SETTINGS).join(', ')}, and text after it was read wrongly`,
}

const COUNTED = qualified`n_tup_ins #+ n_tup_upd #+ n_tup_del`

/** A setting that lives as long as the transaction. */
const COUNTS = 'aurora_migrations.counts'

// The counters of a transaction may still hold what earlier ones of the same connection did.
const KEEP_COUNTS = qualified`  perform #set_config('${COUNTS}', (select coalesce(#jsonb_object_agg(relid::#text, ${COUNTED}), '{}')::#text from #pg_stat_xact_user_tables), true);`

/** The first statement of a transaction: {@link raiseUnless}, and it keeps the counters. */
function begin(conditions: readonly Condition[]): string {
  return raiseUnless(conditions, [KEEP_COUNTS])
}

/** One statement that raises an error unless all conditions hold, tried in order. */
function raiseUnless(conditions: readonly Condition[], more: readonly string[] = []): string {
  const checks = conditions.map(
    ({ sql, message }) =>
      `  if not (${sql}) then\n    raise exception using message = ${constant(message)};\n  end if;`,
  )
  const body = `begin\n${[...checks, ...more].join('\n')}\nend`
  const tag = dollarTag(body)
  return `do ${tag} ${body} ${tag};`
}

/** A revision id may hold nearly every character. */
function dollarTag(body: string): string {
  let tag = '$aurora$'
  for (let n = 1; body.includes(tag); n += 1) tag = `$aurora${n}$`
  return tag
}
