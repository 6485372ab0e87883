import { AsyncLocalStorage } from 'node:async_hooks'
import { ROOM_FOR_KEEPING } from '../session/kept-rows.ts'
import { MAX_SQL_CHARACTERS } from '../sql/statement-length.ts'

/** A statement whose rows are read must fit into another one. */
const MAX_CHARACTERS = MAX_SQL_CHARACTERS - ROOM_FOR_KEEPING

interface Attempt {
  sent: boolean
}

const attempts = new AsyncLocalStorage<Attempt>()

/** Thrown instead of sending a statement that its sender can divide. */
class StatementTooLong extends Error {
  readonly attempt: Attempt
  readonly characters: number

  constructor(attempt: Attempt, characters: number) {
    super(`a statement of ${characters} characters is to be divided`)
    this.attempt = attempt
    this.characters = characters
  }
}

/**
 * To be asked with the text of every statement just before it is sent: throws while {@link sendPacked} can still divide
 * what it holds. A statement that nobody can divide is left to the session, which refuses it and says why.
 */
export function checkPacking(sql: string): void {
  const attempt = attempts.getStore()
  if (attempt === undefined || attempt.sent) return
  if (sql.length > MAX_CHARACTERS) {
    throw new StatementTooLong(attempt, sql.length)
  }
  attempt.sent = true
}

/**
 * Sends many items (rows, ids) in as few statements as the 65,536 characters of the Data API allow.
 *
 * Only whoever writes a statement knows its length, so a part is written first and, when {@link checkPacking} finds it
 * too long, divided by what the failed try taught: `sizeOf` says what an item's values take, the rest is measured.
 */
export async function sendPacked<T, R>(
  items: readonly T[],
  sizeOf: (item: T, index: number) => number,
  send: (part: T[], first: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let packing: Packing | undefined
  let count = items.length
  for (let first = 0; first < items.length || first === 0; ) {
    const part = items.slice(first, first + count)
    const sent = await trySending(part.length > 1, () => send(part, first))
    if (sent instanceof StatementTooLong) {
      packing ??= new Packing(items.map(sizeOf))
      packing.learn(first, part.length, sent.characters)
      count = Math.min(packing.fitting(first), part.length - 1)
      continue
    }
    results.push(sent)
    first += Math.max(part.length, 1)
    count = packing?.fitting(first) ?? items.length
  }
  return results
}

async function trySending<R>(
  divisible: boolean,
  send: () => Promise<R>,
): Promise<R | StatementTooLong> {
  if (!divisible) return await attempts.run({ sent: true }, send)
  const attempt = { sent: false }
  try {
    return await attempts.run(attempt, send)
  } catch (error) {
    if (error instanceof StatementTooLong && error.attempt === attempt) return error
    throw error
  }
}

/** How many items go into the next statement. */
class Packing {
  readonly #sizes: readonly number[]
  #perItem = 0

  constructor(sizes: readonly number[]) {
    this.#sizes = sizes
  }

  /** A statement of these items took so many characters: what its values do not explain is spread over the items. */
  learn(first: number, count: number, characters: number): void {
    const values = this.#sizes.slice(first, first + count).reduce((sum, size) => sum + size, 0)
    this.#perItem = (characters - values) / count
  }

  fitting(first: number): number {
    let room = MAX_CHARACTERS
    let count = 0
    for (const size of this.#sizes.slice(first)) {
      room -= size + this.#perItem
      if (room < 0) break
      count++
    }
    return Math.max(count, 1)
  }
}
