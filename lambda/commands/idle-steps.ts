import type { StepReport } from '../run/report.ts'
import type { BundledRevisions } from './context.ts'

/** A line for each applied revision that sent no statement: something may be missing in it. A merge has nothing to send. */
export function idleWarnings(
  { revision }: Pick<BundledRevisions, 'revision'>,
  steps: readonly StepReport[],
): string[] {
  const isMerge = (id: string) => [revision(id).downRevision].flat().length > 1
  return steps
    .filter((step) => step.statements === 0 && step.direction !== 'stamp')
    .filter((step) => !isMerge(step.revision))
    .map(
      ({ direction, revision: id, doc }) =>
        `${direction} of ${id} (${doc}) sent no statement, and counts as done: if that is not meant, add what is missing in a new revision`,
    )
}
