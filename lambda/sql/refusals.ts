import { argumentsOf, type ChangedSetting, settingOf, settingOfCall } from './changed-settings.ts'
import { headOf, verbOf } from './classification.ts'
import { nameText } from './constant-text.ts'
import { innerStatements } from './inner-statements.ts'
import { readingRefusal } from './reading-settings.ts'
import type { Token } from './scanner.ts'

const TRANSACTION =
  "each revision already runs in one transaction, which the runner begins and commits: remove it; for a part that may fail use 'savepoint' and 'rollback to savepoint', for a statement that cannot run in a transaction op.autocommitBlock"
const POOLED = 'it would stay behind on a pooled connection'
const PREPARED = `${POOLED}: write the statement itself, its values become literals`
const SET_LOCAL = `${POOLED}: use 'set local …' or select set_config(…, true), which end with the transaction`

const OPENED =
  "the runner's own statement has opened the transaction, and this must come first: use 'alter role … set default_transaction_isolation to …' (or default_transaction_deferrable) before the run, or remove it"
const READ_ONLY = 'the version row of the revision is written in the same transaction: remove it'

type Refused = readonly (readonly [pattern: RegExp, fix: string])[]

const REFUSED: Refused = [
  [/^rollback\b(?! (work |transaction )?to\b)/, TRANSACTION],
  [/^(begin|commit|end|abort|start transaction|prepare transaction)\b/, TRANSACTION],
  [/^set transaction .*\b(isolation|snapshot|deferrable)\b/, OPENED],
  [/^set transaction .*\bread only\b/, READ_ONLY],
  // Not `set := …`, an assignment of PL/pgSQL.
  [/^set (?!(local|constraints|transaction)\b|: =|= )/, SET_LOCAL],
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

/** What a `do` block may not hold either; the rest is PL/pgSQL's own there, or ends with an error. */
const REFUSED_INSIDE: Refused = REFUSED.filter(([, fix]) => fix === SET_LOCAL)

const SESSION_LOCK = /^pg_(try_)?advisory_(lock|lock_shared|unlock|unlock_shared|unlock_all)$/
/** What holds a query that runs later, in the session of whoever uses it. */
const RUNS_LATER =
  /^create (?!(?:temp |temporary |unlogged |local |global )*table\b|materialized\b)/

/** Why a statement is refused in a revision, with the fix; undefined for one that is allowed. */
export function refusalOf(sql: string, tokens: readonly Token[]): string | undefined {
  return refusalWithin(sql, tokens, REFUSED) ?? refusalInside(sql, tokens)
}

function refusalInside(sql: string, tokens: readonly Token[]): string | undefined {
  if (verbOf(tokens) !== 'do') return undefined
  for (const inner of innerStatements(sql, tokens)) {
    const refusal = refusalWithin(inner.sql, inner.tokens, REFUSED_INSIDE)
    if (refusal !== undefined) return `a statement in it is refused: ${refusal}`
    const deeper = refusalInside(inner.sql, inner.tokens)
    if (deeper !== undefined) return deeper
  }
  return undefined
}

function refusalWithin(
  sql: string,
  tokens: readonly Token[],
  refused: Refused,
): string | undefined {
  const setting = settingOf(sql, tokens)
  const misused = setting && settingRefusal(setting)
  if (misused !== undefined) return misused
  const head = headOf(tokens)
  const found = refused.find(([pattern]) => pattern.test(head))
  if (found !== undefined) return found[1]
  return RUNS_LATER.test(head) ? undefined : refusedPart(sql, tokens)
}

/** Why a setting may not get its value in any form, also not for the transaction alone. */
function settingRefusal({ name, value }: ChangedSetting): string | undefined {
  if (/^transaction_(isolation|deferrable)$/i.test(name)) return OPENED
  const isOff = value !== undefined && /^(of?f?|f(a(l(se?)?)?)?|no?|0)$/i.test(value)
  if (/^transaction_read_only$/i.test(name) && !isOff) return READ_ONLY
  return readingRefusal(name, value)
}

/** What a statement may hold anywhere: the calls in it, and the view that sets by `update`. */
function refusedPart(sql: string, tokens: readonly Token[]): string | undefined {
  for (const [index, token] of tokens.entries()) {
    const name = nameText(sql, token)
    const refusal =
      tokens[index + 1]?.text === '('
        ? refusedCall(name, sql, tokens, index + 1)
        : name === 'pg_settings' && isUpdated(sql, tokens, index)
          ? `update of pg_settings sets it for the session, and ${SET_LOCAL}`
          : undefined
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function refusedCall(
  name: string,
  sql: string,
  tokens: readonly Token[],
  open: number,
): string | undefined {
  if (SESSION_LOCK.test(name)) {
    return `${name}() takes a lock that belongs to a session, and ${POOLED}: use pg_try_advisory_xact_lock(), which ends with the transaction`
  }
  if (name !== 'set_config') return undefined
  const setting = settingOfCall(sql, tokens, open)
  const misused = setting && settingRefusal(setting)
  if (misused !== undefined) return misused
  return argumentsOf(tokens, open).at(-1)?.at(-1)?.text === 'false'
    ? `set_config(…, false) sets it for the session, and ${POOLED}: use set_config(…, true), which ends with the transaction`
    : undefined
}

/** `update [only] [pg_catalog.]pg_settings` */
function isUpdated(sql: string, tokens: readonly Token[], index: number): boolean {
  const before = tokens
    .slice(Math.max(0, index - 4), index)
    .map((one) => nameText(sql, one) || one.text)
  return /(^| )update( only)?( pg_catalog \.)?$/.test(before.join(' '))
}
