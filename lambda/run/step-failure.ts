import { type FileLine, StatementError } from '../data-api/errors.ts'
import { MigrationError } from '../errors.ts'
import type { Direction } from '../ledger/history.ts'
import { causesOf, messageOf } from '../thrown.ts'
import { placeOf } from './failure-place.ts'
import { OutOfTime } from './step-time.ts'

/** The step that failed, and what of it stays. */
export interface FailedStep {
  readonly revision: string
  readonly direction: Direction
  /** As messages name it. */
  readonly name: string
  /** The revision's, as the bundle names it. */
  readonly file: string | undefined
  readonly blocks: BlockOutcome
  /** Whether all steps of the run are one transaction. */
  readonly inOneTransaction: boolean
  /** What it waited for when the time was up; `undefined`: nothing of the database. */
  readonly waitsFor?: string | undefined
  /** What to do about a revision that had too little time. */
  readonly moreTime?: string | undefined
}

/** What the autocommit blocks of a step that failed leave. */
export interface BlockOutcome {
  /** The beginnings of the statements that this run has committed. */
  readonly committed: readonly string[]
  /** The beginning of one whose end is not known. */
  readonly unknown: string | undefined
  /** An interrupted run before this one has left what its blocks committed. */
  readonly wasInterrupted: boolean
}

/** The error of a step, in one line: which, where, why, the statement, and what of it is committed. */
export function migrationError(step: FailedStep, cause: unknown): MigrationError {
  const { revision, direction, name, file, blocks } = step
  const statement = statementErrorOf(cause)
  const committed = committedText(step)
  const text = statement ? `; statement: ${shorten(statement.sql)}` : ''
  const place = placeOf(cause, statement, file)
  const reason = reasonOf(cause, step)
  return new MigrationError(
    `${name} failed${at(place, reason)}: ${reason}${text}; ${committed}`,
    {
      revision,
      direction,
      committed,
      partly: blocks.committed.length > 0 || blocks.unknown !== undefined || blocks.wasInterrupted,
      ...place,
      ...(statement && { statement: statement.sql }),
      ...(statement?.position !== undefined && { position: statement.position }),
      ...(statement?.code !== undefined && { sqlState: statement.code }),
    },
    { cause },
  )
}

/** Where the reason does not name the line itself, as that of an SQL file does. */
function at(place: FileLine | undefined, reason: string): string {
  const text = place ? `${place.file}:${place.line}` : ''
  return reason.includes(text) ? '' : ` at ${text}`
}

function committedText({ direction, blocks, inOneTransaction }: FailedStep): string {
  const { committed, unknown, wasInterrupted } = blocks
  const parts: string[] = []
  if (committed.length > 0) {
    const names = committed.slice(0, MOST_NAMED).map((sql) => `'${sql}'`)
    const more = committed.length > MOST_NAMED ? ` and ${committed.length - MOST_NAMED} more` : ''
    parts.push(`its autocommit blocks have committed ${names.join(', ')}${more}`)
  }
  if (unknown !== undefined) parts.push(`'${unknown}' of an autocommit block may be committed`)
  if (wasInterrupted) parts.push('what an interrupted run committed in autocommit blocks stays')
  if (parts.length === 0) {
    return inOneTransaction ? 'nothing of this run is committed' : 'nothing of it is committed'
  }
  return `${parts.join('; ')}; nothing else of it is committed, and the next run begins its ${direction} again`
}

const MOST_NAMED = 5

function reasonOf(cause: unknown, { waitsFor, moreTime = IN_LAMBDA }: FailedStep): string {
  if (!(cause instanceof OutOfTime)) return messageOf(cause)
  if (waitsFor === undefined) {
    return `${cause.message}, while no statement of it was under way: it waits for something else, such as a promise that never settles or a loop without an end`
  }
  return `${cause.message}, while it waited for ${waitsFor}: ${moreTime}`
}

const IN_LAMBDA =
  'it needs more than one Lambda life, so split it into several revisions or make it a backfill'

/** The database's error behind an error of the ORM or of the revision itself. */
export function statementErrorOf(error: unknown): StatementError | undefined {
  return causesOf(error).find((cause) => cause instanceof StatementError)
}

function shorten(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}
