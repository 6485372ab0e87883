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
  /** The file's name, put in by the bundle; errors about the graph name it. */
  readonly file?: string
  /** Of the file and what it imports, put in by the bundle: tells whether it was edited after it was applied. */
  readonly checksum?: string
  /**
   * Moves the database from the down revision to this one, in one Data API transaction.
   *
   * It fails, and its transaction is rolled back, when it throws or leaves work undone: a call that is not awaited, a
   * builder, template or query that is never run, changes of a session that are not flushed, `process.exit()`, an error
   * from a timer, a rejected promise that is not awaited. An async function that it calls without `await` is noticed
   * only by what it does before the commit; a statement that it sends later is refused, with a warning of the run. What
   * such a function does elsewhere, or never comes to, is not noticed.
   */
  upgrade(op: Operations): Promise<void> | void
  /** Moves it back; `null` says that this revision is irreversible, and such a downgrade is refused before anything runs. */
  readonly downgrade: ((op: Operations) => Promise<void> | void) | null
}

/**
 * Declares a revision; a revision file exports it as its default.
 *
 * @example
 * ```ts
 * import { defineRevision, sql } from 'aurora-migrations'
 *
 * export default defineRevision({
 *   revision: 'ae1027a6acf0',
 *   downRevision: '1975ea83b712',
 *   doc: 'close old accounts',
 *   async upgrade(op) {
 *     await op.addColumn('account', 'state', 'text', (column) => column.notNull().defaultTo('open'))
 *     await op.execute(sql`update account set state = 'closed' where closed_at is not null`)
 *   },
 *   async downgrade(op) {
 *     await op.dropColumn('account', 'state')
 *   },
 * })
 * ```
 */
export function defineRevision(revision: Revision): Revision {
  return Object.freeze({ ...revision })
}
