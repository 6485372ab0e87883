import type { RevisionReport } from '../../lambda/commands.ts'

/** What a line says beside the id. */
export interface LineOptions {
  readonly parents?: boolean
  readonly branches?: boolean
  readonly doc?: boolean
  /** Default: true, which tells branch points and merge points. */
  readonly tree?: boolean
  /** The revisions to mark as current. */
  readonly current?: readonly string[]
}

/** One revision in one line, laid out as Alembic does: `a -> b (label) (head), what it does`. */
export function revisionLine(report: RevisionReport, options: LineOptions = {}): string {
  const { revision, dependsOn, branches, doc } = report
  const above = dependsOn.length > 0 ? ` (${dependsOn.join(', ')})` : ''
  return [
    options.parents ? `${parentsOf(report)}${above} -> ` : '',
    revision,
    options.branches && branches.length > 0 ? ` (${branches.join(', ')})` : '',
    report.head ? (report.effectiveHead ? ' (effective head)' : ' (head)') : '',
    options.current?.includes(revision) ? ' (current)' : '',
    options.tree === false ? '' : treeMarks(report),
    options.doc ? `, ${doc.split('\n', 1)[0]}` : '',
  ].join('')
}

/** One revision in full; `folder` is where its file is. */
export function revisionEntry(
  report: RevisionReport,
  folder: string,
  current: readonly string[] = [],
): string {
  const { revision, downRevision, dependsOn, next, branches, file, doc } = report
  const head = report.head ? ' (head)' : ''
  const isCurrent = current.includes(revision) ? ' (current)' : ''
  const lines = [
    `Rev: ${revision}${head}${treeMarks(report)}${isCurrent}`,
    `${downRevision.length > 1 ? 'Merges' : 'Parent'}: ${parentsOf(report)}`,
    ...(dependsOn.length > 0 ? [`Also depends on: ${dependsOn.join(', ')}`] : []),
    ...(next.length > 1 ? [`Branches into: ${next.join(', ')}`] : []),
    ...(branches.length > 0 ? [`Branch names: ${branches.join(', ')}`] : []),
    ...(file === undefined ? [] : [`Path: ${folder}/${file}`]),
    '',
    ...doc.split('\n').map((line) => `    ${line}`),
    '',
  ]
  return lines.join('\n')
}

function parentsOf({ downRevision }: RevisionReport): string {
  return downRevision.join(', ') || '<base>'
}

function treeMarks({ next, downRevision }: RevisionReport): string {
  return `${next.length > 1 ? ' (branchpoint)' : ''}${downRevision.length > 1 ? ' (mergepoint)' : ''}`
}
