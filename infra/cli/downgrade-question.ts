import { planDowngrade } from '../../lambda/revisions/downgrade-plan.ts'
import { confirmed } from './confirmation.ts'
import type { Output } from './output.ts'
import { counted } from './output.ts'
import type { Place } from './place.ts'
import { readGraph } from './revision-graph.ts'

/**
 * Asks whether a downgrade is meant, naming what it takes back. True when there is nothing to take back.
 *
 * @throws CommandError for a downgrade that would be refused, and where nobody can be asked
 */
export async function mayDowngrade(place: Place, target: string, output: Output): Promise<boolean> {
  const { map, doc, rows } = await readGraph(place, { database: true })
  const steps = planDowngrade(map, rows, target).steps(rows)
  if (steps.length === 0) return true
  const refusal = `downgrade takes back ${counted(steps.length, 'revision')} of ${place.name}, and nobody can be asked here: add --yes if that is meant`
  if (process.stdin.isTTY) {
    for (const { revision } of steps) output.note(`  ${revision}, ${doc(revision)}`)
  }
  const question = `Take back ${counted(steps.length, 'revision')} of ${place.name}? Data may be lost.`
  return await confirmed(output, question, refusal)
}
