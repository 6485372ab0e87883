import type { Revision } from '../revisions/revision.ts'
import type { RevisionMap } from '../revisions/revision-map.ts'
import type { RunnerContext } from '../run/runner-context.ts'

/** What a command works with: the runner's context, and the revisions of the bundle. */
export interface CommandContext extends RunnerContext {
  readonly map: RevisionMap
  revision(id: string): Revision
  /** Whether an error in the report has its stack. Default: false. */
  readonly verbose?: boolean
}

/** The revisions of a bundle, for commands that ask no database. */
export type BundledRevisions = Pick<CommandContext, 'map' | 'revision'>
