import { createHash } from 'node:crypto'
import type { DataApiResult } from '../data-api/data-api.ts'
import type {
  JournalledStatement,
  SendStatement,
  StatementJournal,
} from '../data-api/session-options.ts'
import { isRepeatable } from '../data-api/statements.ts'
import { CommandError } from '../errors.ts'
import type { BlockStatements } from './block-statements.ts'

/** What is kept of a statement: enough to tell whether it is the same one, and to show it when it is not. */
interface JournalEntry {
  readonly hash: string
  readonly text: string
}

const SHOWN_CHARACTERS = 200

/**
 * The account of a revision's statements, which makes an autocommit block safe to interrupt.
 *
 * What stands before a block is committed with it, so a run that goes on after an interruption must not send it again:
 * it runs `upgrade` again and this journal drops the statements that are done, after comparing them. That needs
 * statements that are the same each time (hence no rows may be read before a block) and, inside the block, where each
 * statement commits on its own, statements that may run twice.
 */
export class Journal implements StatementJournal {
  readonly #done: readonly JournalEntry[]
  readonly #entries: JournalEntry[] = []
  #rowsRead: string | undefined
  #block: BlockStatements | undefined

  /** `digest`: what an interrupted run recorded with its last commit, `null` for a fresh start. */
  constructor(digest: string | null = null) {
    this.#done = digest === null ? [] : (JSON.parse(digest) as JournalEntry[])
  }

  /** Every statement so far, for the history row; {@link Journal} reads it back. */
  get digest(): string {
    return JSON.stringify(this.#entries)
  }

  /** How many statements there were so far. */
  get count(): number {
    return this.#entries.length
  }

  async admit(statement: JournalledStatement): Promise<boolean> {
    if (this.#block) refuseUnrepeatable(statement)
    if (statement.returns === 'rows') {
      this.#rowsRead ??= statement.sql
      return true
    }
    const entry = entryOf(statement)
    const known = this.#done[this.#entries.length]
    if (known && known.hash !== entry.hash) throw changed(this.#entries.length + 1, known, entry)
    this.#entries.push(entry)
    return known === undefined
  }

  carryOut(sql: string, send: SendStatement): Promise<DataApiResult> {
    return this.#block ? this.#block.carryOut(sql, send) : send()
  }

  /** From here on statements commit on their own. */
  enterBlock(block: BlockStatements): void {
    this.#block = block
  }

  leaveBlock(): void {
    this.#block = undefined
  }

  /** Throws when rows were read: what follows may depend on them, and could not be repeated after an interruption. */
  refuseRowsRead(): void {
    if (this.#rowsRead === undefined) return
    throw new CommandError(
      'RowsReadBeforeBlock',
      `op.autocommitBlock after a statement that returns rows: an interrupted revision could not be repeated; move the block to a revision of its own, or before '${this.#rowsRead.slice(0, 80)}'`,
    )
  }

  /** Throws when the revision ended before it came to all that an interrupted run has committed. */
  refuseShortfall(): void {
    const missing = this.#done[this.#entries.length]
    if (missing === undefined) return
    throw new CommandError(
      'JournalMismatch',
      `the interrupted run committed ${this.#done.length} statements and the revision now has ${this.#entries.length}; the next one was '${missing.text}': restore the revision file, let it finish, and put the change into a new revision`,
    )
  }
}

function refuseUnrepeatable({ sql, returns, repeatable }: JournalledStatement): void {
  if (returns === 'nothing' && (repeatable || isRepeatable(sql))) return
  throw new CommandError(
    'NotRepeatable',
    `inside op.autocommitBlock only statements that may run twice are allowed (create or drop index concurrently, reindex concurrently, vacuum, analyze, alter type … add value if not exists), not '${sql.slice(0, 80)}': move it out of the block, or say op.execute(…, { repeatable: true }) if it is`,
  )
}

function entryOf({ sql, parameters }: JournalledStatement): JournalEntry {
  const hash = createHash('sha256').update(sql)
  // Bulk data has megabytes, which are hashed as they are; a NUL is in no text of SQL.
  for (const { name, value } of parameters) {
    hash.update(`\0${name}\0`).update(value?.stringValue ?? JSON.stringify(value ?? null))
  }
  return { hash: hash.digest('hex'), text: sql.slice(0, SHOWN_CHARACTERS) }
}

function changed(number: number, known: JournalEntry, now: JournalEntry): CommandError {
  return new CommandError(
    'JournalMismatch',
    `statement ${number} was committed by the interrupted run as '${known.text}' and is now '${now.text}': restore the revision file, let it finish, and put the change into a new revision`,
  )
}
