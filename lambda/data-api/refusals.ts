import { verbOf } from './classification.ts'
import type { Token } from './scanner.ts'

const TRANSACTION =
  "each revision already runs in one transaction, which the runner begins and commits: remove it; for a part that may fail use 'savepoint' and 'rollback to savepoint', for a statement that cannot run in a transaction op.autocommitBlock"
const POOLED = 'it would stay behind on a pooled connection'
const PREPARED = `${POOLED}: write the statement itself, its values become literals`

const REFUSED: readonly (readonly [pattern: RegExp, fix: string])[] = [
  [/^rollback\b(?! (work |transaction )?to\b)/, TRANSACTION],
  [/^(begin|commit|end|abort|start transaction|prepare transaction)\b/, TRANSACTION],
  [
    /^set transaction (isolation|snapshot)\b/,
    "the runner's own statement has opened the transaction, and this must come first: use 'alter role … set default_transaction_isolation to …' before the run",
  ],
  [
    /^set (?!(local|constraints|transaction)\b)/,
    `${POOLED}: use 'set local …' or select set_config(…, true), which end with the transaction`,
  ],
  [/^reset\b/, `${POOLED}: use 'set local … to default', which ends with the transaction`],
  [/^discard\b/, 'it would clear a pooled connection that others use: remove it'],
  [/^(listen|unlisten)\b/, `${POOLED}, where nobody listens: remove it ('notify' is allowed)`],
  [/^(prepare|execute|deallocate)\b/, PREPARED],
  [/^load\b/, `${POOLED}: ask for shared_preload_libraries in the parameter group instead`],
  [
    /^declare .* with hold\b/,
    `${POOLED}: leave 'with hold' out, the cursor then ends with the transaction`,
  ],
]

const SESSION_LOCK = /^pg_(try_)?advisory_(lock|lock_shared|unlock|unlock_shared|unlock_all)$/

/** Why a statement is refused in a revision, with the fix; undefined for one that is allowed. */
export function refusalOf(tokens: readonly Token[], head: string): string | undefined {
  const found = REFUSED.find(([pattern]) => pattern.test(head))
  if (found !== undefined) return found[1]
  // The body of a routine runs later, in the session of whoever calls it.
  if (verbOf(tokens) === 'create') return undefined
  for (const [index, { text }] of tokens.entries()) {
    if (tokens[index + 1]?.text !== '(') continue
    if (SESSION_LOCK.test(text)) {
      return `${text}() takes a lock that belongs to a session, and ${POOLED}: use pg_try_advisory_xact_lock(), which ends with the transaction`
    }
    if (text === 'set_config' && lastArgument(tokens, index + 1) === 'false') {
      return `set_config(…, false) sets it for the session, and ${POOLED}: use set_config(…, true), which ends with the transaction`
    }
  }
  return undefined
}

/** The last word before the parenthesis that closes the one at `open`. */
function lastArgument(tokens: readonly Token[], open: number): string | undefined {
  let depth = 0
  const close = tokens.findIndex(({ text }, index) => {
    if (index < open) return false
    if (text === '(') depth++
    if (text === ')') depth--
    return depth === 0
  })
  return tokens[close - 1]?.text
}
