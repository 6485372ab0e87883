import { CommandError } from '../errors.ts'

/** Refuses a relative target: it would go on by as much with every delivery and every life of a deployment. */
export function deploymentTarget(target: string): string {
  if (!/[+-]\d+$/.test(target)) return target
  throw new CommandError(
    'RelativeTarget',
    `target is '${target}', which counts from what is applied, and a deployment may be delivered twice: name heads, head, LABEL@head or a revision`,
  )
}
