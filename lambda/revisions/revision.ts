import type { Operations } from '../operations/operations.ts'

/** One revision file: what it is called, what it follows, and how to go up and down. */
export interface Revision {
  /** The id stored in the version table: at most 32 characters, none of `@ - + :`. */
  readonly revision: string
  /** The revision this one follows: `null` for a base, several ids for a merge point. */
  readonly downRevision: string | readonly string[] | null
  /** Names for the line this revision starts; unique across the directory. */
  readonly branchLabels?: readonly string[]
  /** Revisions (ids or branch labels) of other lines that must be applied before this one. */
  readonly dependsOn?: readonly string[]
  /** One line for people, shown in reports and in the history. */
  readonly doc: string
  /** Moves the database from the down revision to this one, in one Data API transaction. */
  upgrade(op: Operations): Promise<void> | void
  /** Moves it back; `null` says that this revision is irreversible, and such a downgrade is refused before anything runs. */
  readonly downgrade: ((op: Operations) => Promise<void> | void) | null
}
