import { CommandError } from '../../lambda/errors.ts'
import type { RevisionNode } from '../../lambda/revisions/revision-graph.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'

/**
 * Revisions written as text, one a line in file order: `id < down, down + dependency @label @label`.
 */
export function nodesOf(text: string): RevisionNode[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '').map(nodeOf)
}

export function mapOf(text: string): RevisionMap {
  return new RevisionMap(nodesOf(text))
}

/** What a call gave, or the kind of the CommandError it threw; any other exception is thrown on. */
export function outcome<T>(call: () => T): T | string {
  try {
    return call()
  } catch (error) {
    if (error instanceof CommandError) return `error ${error.kind}`
    throw error
  }
}

/** The CommandError a call throws. */
export function errorOf(call: () => unknown): CommandError {
  try {
    call()
  } catch (error) {
    if (error instanceof CommandError) return error
    throw error
  }
  throw new Error('expected a CommandError')
}

function nodeOf(line: string): RevisionNode {
  const [, revision = '', down = '', dependsOn = '', labels = ''] =
    /^([^\s<+@]+)\s*(?:<([^+@]*))?(?:\+([^@]*))?((?:@\S+\s*)*)$/.exec(line) ?? []
  const list = (text: string, separator: RegExp) => text.trim().split(separator).filter(Boolean)
  const downRevisions = list(down, /[\s,]+/)
  return {
    revision,
    downRevision: downRevisions.length === 1 ? (downRevisions[0] ?? null) : downRevisions,
    dependsOn: list(dependsOn, /[\s,]+/),
    branchLabels: list(labels, /[\s@]+/),
  }
}

/** A line of `count` revisions r0, r1, …, each following the one before it. */
export function lineOf(count: number): RevisionNode[] {
  const ids = Array.from({ length: count }, (_, index) => `r${index}`)
  return ids.map((revision, index) => ({ revision, downRevision: ids[index - 1] ?? null }))
}
