import type { RevisionNode } from '../../lambda/revisions/revision-graph.ts'

/**
 * The definitions of Alembic's rules, written down as they stand and with no regard to speed: what the
 * planner is compared with. Shares nothing with it.
 */
export class RowModel {
  readonly #nodes: Map<string, RevisionNode>

  constructor(nodes: readonly RevisionNode[]) {
    this.#nodes = new Map(nodes.map((node) => [node.revision, node]))
  }

  get ids(): string[] {
    return [...this.#nodes.keys()]
  }

  down(id: string): string[] {
    const { downRevision } = this.#node(id)
    return downRevision === null ? [] : [downRevision].flat()
  }

  parents(id: string): string[] {
    return [...this.down(id), ...(this.#node(id).dependsOn ?? [])]
  }

  /** All full ancestors, without the revision itself. */
  above(id: string): Set<string> {
    return new Set(this.parents(id).flatMap((parent) => [parent, ...this.above(parent)]))
  }

  /** up(X): some revisions and all their full ancestors. */
  up(ids: Iterable<string>): Set<string> {
    return new Set([...ids].flatMap((id) => [id, ...this.above(id)]))
  }

  /** The rows of a database to which exactly these are applied, sorted. */
  rows(applied: Iterable<string>): string[] {
    const all = [...applied]
    return all.filter((id) => !all.some((other) => this.above(other).has(id))).sort()
  }

  /** What a downgrade to a revision (or to base: undefined) removes, without a branch. */
  removedBy(target: string | undefined, applied: ReadonlySet<string>): Set<string> {
    const isRoot = (id: string) =>
      target === undefined ? this.down(id).length === 0 : this.down(id).includes(target)
    const roots = this.ids.filter(isRoot)
    const goes = (id: string) => roots.some((root) => root === id || this.above(id).has(root))
    return new Set([...applied].filter(goes))
  }

  /** The effective parents of rules.md 1.6. */
  effectiveParents(id: string): string[] {
    const listed = new Set(
      this.#versionedAbove(id).flatMap((ancestor) => this.#node(ancestor).dependsOn ?? []),
    )
    const kept = (this.#node(id).dependsOn ?? []).filter((parent) => !listed.has(parent))
    return [...new Set([...this.down(id), ...kept])].sort()
  }

  #versionedAbove(id: string): string[] {
    return this.down(id).flatMap((parent) => [parent, ...this.#versionedAbove(parent)])
  }

  #node(id: string): RevisionNode {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new Error(`no revision ${id}`)
    return node
  }
}
