import { CommandError } from '../errors.ts'
import { shown } from './listed.ts'

/** The id that stands for "nothing applied" wherever a revision id is expected. */
export const BASE = 'base'

const SYMBOLS = new Set([BASE, 'head', 'heads', 'current'])

// Alembic declares alembic_version.version_num as varchar(32).
const MAX_ID_LENGTH = 32

/** Refuses an id the version table cannot store or the target grammar cannot name. */
export function checkRevisionId(id: unknown, file: string | undefined): void {
  // Nearly every id: nothing below needs to be looked at.
  if (typeof id === 'string' && /^\w{1,32}$/.test(id) && !SYMBOLS.has(id)) return
  const place = file === undefined ? '' : ` in ${file}`
  const text = String(id)
  const illegal = new Set(text.match(/[@\-+:]/g))
  if (illegal.size > 0) {
    refuse(
      `Character(s) '${[...illegal].sort().join(', ')}' not allowed in revision identifier ` +
        `'${shown(text)}'${place}; use letters, digits, '_' and '.'`,
    )
  }
  const reason = whyUnusable(id)
  if (reason !== undefined) {
    refuse(
      `Revision identifier ${JSON.stringify(id)}${place} ${reason}; use 1 to ${MAX_ID_LENGTH} ` +
        "letters, digits, '_' and '.'",
    )
  }
  const { length } = [...text]
  if (length > MAX_ID_LENGTH) {
    refuse(
      `Revision identifier '${shown(text)}'${place} has ${length} characters; ` +
        `the version table holds at most ${MAX_ID_LENGTH}, so shorten it`,
    )
  }
}

/** Refuses a branch label that no target could name without being read as something else. */
export function checkBranchLabel(label: unknown, revision: string): void {
  const reason = whyUnusable(label)
  if (reason !== undefined) {
    refuse(`Branch label ${JSON.stringify(label)} of revision ${revision} ${reason}; rename it`)
  }
  // `alpha-1` would be read as "one down from alpha"; a plain hyphen as in `shopping-cart` is fine.
  if (typeof label === 'string' && /[@:]|[-+]\d+$/.test(label)) {
    refuse(
      `Branch label '${shown(label)}' of revision ${revision} would be read as another target; ` +
        "leave out '@' and ':' and do not end it with '+' or '-' and a number",
    )
  }
}

function whyUnusable(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'is not a string'
  if (name === '') return 'is empty'
  if (SYMBOLS.has(name)) return 'is a word that targets use'
  if (/\p{Cc}/u.test(name) || !name.isWellFormed()) return 'has a character that cannot be stored'
  return undefined
}

function refuse(message: string): never {
  throw new CommandError('IllegalRevisionId', message)
}
