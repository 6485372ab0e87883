import { CommandError } from '../errors.ts'
import type { Revision } from '../revisions/revision.ts'
import { planUpgrade } from '../revisions/upgrade-plan.ts'
import { bundled } from './command-context.ts'

/** Refuses a relative target: it would go on by as much with every delivery and every life of a deployment. */
export function deploymentTarget(target: string): string {
  if (!/[+-]\d+$/.test(target)) return target
  throw new CommandError(
    'RelativeTarget',
    `target is '${target}', which counts from what is applied, and a deployment may be delivered twice: name heads, head, LABEL@head or a revision`,
  )
}

/** Refuses, besides, what this bundle could not go up to, before anything is asked of the database. */
export function knownTarget(revisions: readonly Revision[], target: string): string {
  planUpgrade(bundled(revisions).map, [], deploymentTarget(target))
  return target
}
