import { branchLabels } from '../revisions/branch-labels.ts'
import type { Status } from '../run/report.ts'
import type { BundledRevisions } from './context.ts'

/** One revision, for people. */
export interface RevisionReport {
  readonly revision: string
  readonly downRevision: readonly string[]
  /** The labels it carries itself. */
  readonly branchLabels: readonly string[]
  /** The labels of the branches it is on, its own included, as Alembic shows them. */
  readonly branches: readonly string[]
  readonly dependsOn: readonly string[]
  /** The revisions that follow it: several make it a branch point. */
  readonly next: readonly string[]
  readonly doc: string
  readonly head: boolean
  /** A head on which a revision of another branch depends, so it has no version row. */
  readonly effectiveHead: boolean
  /** Name of its file in the migrations folder, when the generated index gave it. */
  readonly file?: string
}

/** What commands that list revisions answer. */
export interface RevisionsReport<Command extends string> {
  readonly status: Status
  readonly command: Command
  readonly revisions: readonly RevisionReport[]
}

export function describeRevisions(
  { map, revision }: BundledRevisions,
  ids: readonly string[],
): RevisionReport[] {
  const labels = branchLabels(map)
  return ids.map((id) => {
    const { downRevision, branchLabels: own = [], dependsOn = [], doc, file } = revision(id)
    return {
      revision: id,
      downRevision: downRevision === null ? [] : [downRevision].flat(),
      branchLabels: own,
      branches: [...(labels.get(id) ?? [])],
      dependsOn,
      next: map.entry(id).children,
      doc,
      head: map.heads.includes(id),
      effectiveHead: map.heads.includes(id) && !map.realHeads.includes(id),
      ...(file !== undefined && { file }),
    }
  })
}
