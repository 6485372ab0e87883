import { explained, StatementError } from '../../data-api/errors.ts'
import { batchCallStart } from '../../session/executor.ts'
import { Session } from '../../session/session.ts'
import { literal } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'
import type { RunnerContext } from '../runner-context.ts'

const EVERY_MS = 15_000
const SHOWN_CHARACTERS = 200

/**
 * Looks, from beside, at a statement that takes long: tells how far it is, and who is in its way.
 *
 * Once a lock was not granted in time nobody waits for it any more, and PostgreSQL does not say who had it. So it is
 * asked before that.
 */
export class StatementWatch {
  readonly #context: RunnerContext
  readonly #reader: Session
  readonly #firstMs: number
  /** SQL for the database process of the transaction. */
  #process: string
  readonly #marked: string
  #blockers: string | undefined

  /** `lockMs`: how long the statement may wait for a lock. `mark`: that of the batches, see `batchCall`. */
  constructor(
    context: RunnerContext,
    { lockMs, mark }: { readonly lockMs: number; readonly mark: string },
  ) {
    this.#context = context
    this.#marked = markedProcess(context.table.executor, mark)
    this.#process = this.#marked
    this.#reader = new Session(context.api, context.sessionOptions)
    this.#firstMs = lockMs > 0 ? Math.min(lockMs / 2, EVERY_MS) : EVERY_MS
  }

  /** The database process of the transaction; `undefined` while it is not known: then it is at work on a batch, or on nothing. */
  set backend(pid: number | undefined) {
    this.#process = pid === undefined ? this.#marked : String(pid)
  }

  /** Watches a statement until the answer is called. */
  readonly watch = (sql: string): (() => void) => {
    const started = Date.now()
    this.#blockers = undefined
    const look = () => {
      timer = setTimeout(look, EVERY_MS).unref()
      void this.#look(sql, started).catch(() => 'only a look')
    }
    let timer = setTimeout(look, this.#firstMs).unref()
    return () => clearTimeout(timer)
  }

  /** A lock that was not granted (55P03), with who had it. */
  explain(error: unknown): unknown {
    if (!(error instanceof StatementError) || error.code !== '55P03') return error
    const who = this.#blockers ?? 'who held it is not known'
    return explained(error, `${who}; run it again when that is over, or set LOCK_TIMEOUT higher`)
  }

  /** Ends the statement that is at work, if there is one. */
  async cancel(): Promise<void> {
    const cancel = this.#reader.read(
      qualified`select #pg_cancel_backend(pid) as cancelled from #pg_stat_activity where pid #= ${this.#process} and usename #= current_user and state #= 'active' and xact_start is not null`,
    )
    await cancel.catch(() => 'the rollback waits for its end')
  }

  async #look(sql: string, started: number): Promise<void> {
    const rows = await this.#reader.read(blockersStatement(this.#process))
    if (rows.length > 0) {
      this.#blockers = rows
        .map(({ pid, role, state, seconds, query }) =>
          state === null
            ? `process ${pid} of role ${role} held it (what it does is shown to members of pg_read_all_stats)`
            : `process ${pid} of role ${role} held it (${state}, its transaction ${seconds} s old: ${query})`,
        )
        .join(' and ')
    }
    const seconds = Math.round((Date.now() - started) / 1000)
    const waits = rows.length > 0 ? `, waiting for a lock: ${this.#blockers}` : ''
    this.#context.log.info(
      `still at work after ${seconds} s${waits}: ${sql.slice(0, SHOWN_CHARACTERS)}`,
    )
  }
}

/** The fence that opens a batch tells the process only when all of it is over. */
function markedProcess(executor: string, mark: string): string {
  return qualified`(select pid from #pg_stat_activity where #starts_with(query,${literal(batchCallStart(executor))}) and #strpos(query,${literal(mark)}) #> 0 and state #= 'active' limit 1)`
}

function blockersStatement(process: string): string {
  return qualified`select a.pid, coalesce(a.usename::#text, '') as role, a.state, #floor(extract(epoch from #clock_timestamp() #- coalesce(a.xact_start, a.backend_start)))::#int4 as seconds, #left(#regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), ${SHOWN_CHARACTERS}) as query from #unnest(#pg_blocking_pids(${process})) b(pid) join #pg_stat_activity a on a.pid #= b.pid`
}
