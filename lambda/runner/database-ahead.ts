import { literal } from '../data-api/literals.ts'
import { Session } from '../data-api/session.ts'
import { readState } from './database-state.ts'
import type { RunnerContext } from './runner-context.ts'

/** What an older bundle must know to tell a database ahead of it from a wrong one. */
export interface OlderBundle {
  isKnown(revision: string): boolean
  /** Whether everything this bundle was asked for is applied in these rows, which are all known to it. */
  isDone(rows: readonly string[]): boolean
}

interface Movement {
  readonly from: readonly string[]
  readonly to: readonly string[]
}

const PAGE = 200

/**
 * The version rows of a database that went on from this bundle with a newer one, as after a deployment that was rolled
 * back; `undefined` for any other database.
 *
 * The history must show it: followed back from the present rows without a gap, it comes to rows that this bundle knows,
 * and with these its work was done. Unknown rows of another origin (the wrong cluster, somebody else's branch, a tool
 * that writes no history) never pass.
 */
export async function rowsAhead(
  context: RunnerContext,
  { isKnown, isDone }: OlderBundle,
): Promise<readonly string[] | undefined> {
  const session = new Session(context.api, context.sessionOptions)
  const state = await readState(session, context.table)
  if (!state.ready || state.rows.every(isKnown)) return undefined
  let expected = state.rows
  for await (const { from, to } of newestFirst(context, session)) {
    if (!sameRows(to, expected)) return undefined
    if (from.every(isKnown)) return isDone(from) ? state.rows : undefined
    expected = from
  }
  return undefined
}

async function* newestFirst(
  { table }: RunnerContext,
  session: Session,
): AsyncGenerator<Movement, void> {
  let below = ''
  for (;;) {
    const rows = await session.read(
      `select seq::float8 as seq, to_json(from_rows)::text as "from", to_json(to_rows)::text as "to" from ${table.history} where outcome in ('done', 'stamped') and seq is not null${below} order by seq desc limit ${PAGE}`,
    )
    for (const { from, to } of rows) yield { from: parse(from), to: parse(to) }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    below = ` and seq <${literal(Number(last.seq))}`
  }
}

function parse(json: unknown): string[] {
  return JSON.parse(String(json)) as string[]
}

function sameRows(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((row) => b.includes(row))
}
