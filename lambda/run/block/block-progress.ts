import { createHash } from 'node:crypto'
import type { DataApiStatement } from '../../data-api/data-api.ts'

interface BlockStatement {
  readonly hash: string
  readonly shown: string
}

const SHOWN_CHARACTERS = 80

/**
 * The statements of a step's autocommit blocks that have ended well in this run.
 *
 * A step that is tried again runs its revision from the start. A statement that ended well in an earlier try, at the same
 * place and with the same text, is not sent again.
 */
export class BlockProgress {
  readonly #done: BlockStatement[] = []
  #place = 0
  #sent: BlockStatement | undefined

  /** A new try begins. */
  restart(): void {
    this.#place = 0
    this.#sent = undefined
  }

  /** The next statement of the blocks. False: it has ended well in an earlier try. */
  next(statement: DataApiStatement): boolean {
    const next = { hash: hashOf(statement), shown: shown(statement.sql) }
    const place = this.#place
    this.#place += 1
    if (this.#done[place]?.hash === next.hash) return false
    this.#done.length = Math.min(this.#done.length, place)
    this.#sent = next
    return true
  }

  /** The statement that {@link next} named has ended well. */
  done(): void {
    if (this.#sent) this.#done.push(this.#sent)
    this.#sent = undefined
  }

  /** The statement that {@link next} named has failed, and changed nothing. */
  failed(): void {
    this.#sent = undefined
  }

  /** The beginnings of the statements that are committed. */
  get committed(): readonly string[] {
    return this.#done.map((statement) => statement.shown)
  }

  /** The beginning of a statement that was sent and whose end is not known. */
  get unknown(): string | undefined {
    return this.#sent?.shown
  }
}

function hashOf({ sql, parameters = [] }: DataApiStatement): string {
  const hash = createHash('sha256').update(sql)
  // A NUL is in no text of SQL.
  for (const { name, value } of parameters) {
    hash.update(`\0${name}\0`).update(value?.stringValue ?? JSON.stringify(value ?? null))
  }
  return hash.digest('hex')
}

function shown(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim()
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line
}
