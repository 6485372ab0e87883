import { CommandError } from '../errors.ts'
import type { DatabaseState } from '../ledger/database-state.ts'
import { listed } from '../revisions/listed.ts'
import { unknownRows } from '../revisions/version-rows.ts'
import type { CommandContext } from './context.ts'

/** The applied revisions whose files are others than when they were applied, as far as anybody can tell. */
export function editedRevisions({ map }: CommandContext, state: DatabaseState): string[] {
  if (state.edited.length === 0) return []
  const unknown = unknownRows(map, state.rows)
  const applied = map.ancestors(state.rows.filter((row) => !unknown.includes(row)))
  return state.edited.filter((revision) => applied.has(revision))
}

/**
 * What to tell of edited revisions: nothing, or one line.
 *
 * @throws CommandError that line instead, when `strict`
 */
export function editedWarnings(edited: readonly string[], strict: boolean): string[] {
  if (edited.length === 0) return []
  const line = `the file of ${listed(edited)} was edited after it was applied, and what is applied is not run again: restore the file, and put the change into a new revision`
  if (strict) throw new CommandError('EditedRevisions', line)
  return [line]
}
