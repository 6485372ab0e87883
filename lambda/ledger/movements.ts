import type { Row } from '../data-api/values.ts'
import type { StepReport } from '../run/report.ts'
import type { RunnerContext } from '../run/runner-context.ts'
import { Session } from '../session/session.ts'
import { literal } from '../sql/literals.ts'
import { qualified } from '../sql/qualified.ts'
import type { Direction } from './history.ts'

/** A finished step, with the version rows before and after it. */
export interface Movement {
  readonly from: readonly string[]
  readonly to: readonly string[]
  readonly step: StepReport
}

/** What {@link stepOf} needs of a history row. */
export const STEP_COLUMNS = qualified`revision, direction, doc, coalesce(ms, 0) as ms, coalesce(statements, 0) as statements, coalesce(rows, 0)::#float8 as rows`

const PAGE = 200

/** The finished steps of all runs, newest first. */
export async function* movements(
  { table }: RunnerContext,
  session: Session,
): AsyncGenerator<Movement, void> {
  let below = ''
  for (;;) {
    const rows = await session.read(
      qualified`select seq::#float8 as seq, ${STEP_COLUMNS}, #to_json(from_rows)::#text as "from", #to_json(to_rows)::#text as "to" from ${table.history} where outcome #= any ('{done,stamped}'::#text[]) and seq is not null${below} order by seq desc limit ${PAGE}`,
    )
    for (const row of rows) {
      yield { from: versionRows(row.from), to: versionRows(row.to), step: stepOf(row) }
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    below = qualified` and seq #<${literal(Number(last.seq))}`
  }
}

/**
 * The steps, oldest first, with which the database went from these version rows to those; none where the history does not
 * show the way. For a run that only waited for others.
 */
export async function stepsBetween(
  context: RunnerContext,
  from: readonly string[],
  to: readonly string[],
): Promise<readonly StepReport[]> {
  const steps: StepReport[] = []
  let expected = to
  const session = new Session(context.api, context.sessionOptions)
  for await (const movement of movements(context, session)) {
    if (!sameRows(movement.to, expected)) return []
    steps.unshift(movement.step)
    expected = movement.from
    if (sameRows(expected, from)) return steps
  }
  return []
}

/** A history row as a report shows it. */
export function stepOf({ revision, direction, doc, ms, statements, rows }: Row): StepReport {
  return {
    revision: String(revision),
    direction: direction as Direction,
    doc: String(doc),
    ms: Number(ms),
    statements: Number(statements),
    rows: Number(rows),
  }
}

/** Version rows that a statement returns as JSON. */
export function versionRows(json: unknown): string[] {
  return JSON.parse(String(json)) as string[]
}

export function sameRows(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((row) => b.includes(row))
}
