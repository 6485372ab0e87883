import { historyRevisions } from '../revisions/history-range.ts'
import { placesNamed } from '../revisions/targets.ts'
import type { BundledRevisions } from './context.ts'
import { describeRevisions, type RevisionReport, type RevisionsReport } from './revision-report.ts'

/** The heads of the bundle; no database call. */
export function heads(revisions: BundledRevisions): RevisionsReport<'heads'> {
  const ids = revisions.map.heads
  return {
    status: 'succeeded',
    command: 'heads',
    revisions: describeRevisions(revisions, ids),
  }
}

export interface BranchesReport extends RevisionsReport<'branches'> {
  readonly revisions: readonly BranchPointReport[]
}

export interface BranchPointReport extends RevisionReport {
  /** The revisions that follow it. */
  readonly into: readonly RevisionReport[]
}

/** The branch points of the bundle, newest first, each with what follows it; no database call. */
export function branches(revisions: BundledRevisions): BranchesReport {
  const all = describeRevisions(revisions, historyRevisions(revisions.map, ':', []))
  const byId = new Map(all.map((report) => [report.revision, report]))
  const points = all
    .filter(({ next }) => next.length > 1)
    .map((report) => ({ ...report, into: report.next.flatMap((id) => byId.get(id) ?? []) }))
  return { status: 'succeeded', command: 'branches', revisions: points }
}

/** The revisions that `target` stands for, `current` excepted; no database call. */
export function show(revisions: BundledRevisions, target: string): RevisionsReport<'show'> {
  const { map } = revisions
  const places = placesNamed(map, target)
  const ids = places.filter((place) => place !== undefined && map.has(place)) as string[]
  return { status: 'succeeded', command: 'show', revisions: describeRevisions(revisions, ids) }
}
