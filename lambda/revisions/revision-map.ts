import { CommandError } from '../errors.ts'
import type { GraphEntry, RevisionGraph, RevisionNode } from './revision-graph.ts'
import { linkGraph } from './revision-graph.ts'

/** `versioned` goes through `downRevision` only, `full` through `dependsOn` as well. */
export type Edges = 'versioned' | 'full'

/**
 * The revisions of a directory as a graph: who follows, depends on and descends from whom.
 *
 * Built from the revisions in file order, which breaks every tie. Knows ids and branch labels;
 * what people type is understood by `names.ts` and `targets.ts`.
 */
export class RevisionMap {
  /** Every id, in file order. */
  readonly ids: readonly string[]
  /** Revisions that no other has as its down revision, in file order. */
  readonly heads: readonly string[]
  /** Heads on which nothing depends: what the version table holds when everything is applied. */
  readonly realHeads: readonly string[]
  /** Revisions without a down revision, in file order. */
  readonly bases: readonly string[]
  /** The one revision that carries each branch label. */
  readonly labelOwners: ReadonlyMap<string, string>
  readonly #entries: RevisionGraph['entries']
  readonly #oldestFirst: readonly string[]

  /** @throws CommandError when the directory is not a sound graph; its `kind` is Alembic's. */
  constructor(revisions: Iterable<RevisionNode>) {
    const { entries, labelOwners, oldestFirst } = linkGraph([...revisions])
    this.#entries = entries
    this.#oldestFirst = oldestFirst
    this.labelOwners = labelOwners
    const all = [...entries.values()]
    const idsWhere = (holds: (entry: GraphEntry) => boolean) =>
      all.filter(holds).map((entry) => entry.id)
    this.ids = [...entries.keys()]
    this.heads = idsWhere((entry) => entry.children.length === 0)
    this.realHeads = idsWhere((entry) => entry.allChildren.length === 0)
    this.bases = idsWhere((entry) => entry.down.length === 0)
  }

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  /** @throws CommandError RevisionNotFound for anything but a whole id of this directory. */
  entry(id: string): GraphEntry {
    const entry = this.#entries.get(id)
    if (entry === undefined) {
      throw new CommandError('RevisionNotFound', `Can't locate revision identified by '${id}'`)
    }
    return entry
  }

  /** The given revisions and everything they rest on. */
  ancestors(ids: Iterable<string>, edges: Edges = 'full'): Set<string> {
    return this.#reach(ids, edges === 'full' ? 'parents' : 'down')
  }

  /** The given revisions and everything that rests on them. */
  descendants(ids: Iterable<string>, edges: Edges = 'full'): Set<string> {
    return this.#reach(ids, edges === 'full' ? 'allChildren' : 'children')
  }

  /** The ancestors and the descendants of the given revisions, and these themselves. */
  lineage(ids: readonly string[], edges: Edges = 'versioned'): Set<string> {
    return new Set([...this.ancestors(ids, edges), ...this.descendants(ids, edges)])
  }

  /**
   * The parents without the dependencies that a versioned ancestor already lists, word for word.
   *
   * Dependencies implied in any other way stay, as in Alembic.
   */
  effectiveParents(id: string): readonly string[] {
    const { down, dependsOn, parents } = this.entry(id)
    if (dependsOn.length === 0) return parents
    const listed = new Set<string>()
    for (const ancestor of this.ancestors(down, 'versioned')) {
      for (const dependency of this.entry(ancestor).dependsOn) listed.add(dependency)
    }
    return parents.filter((parent) => down.includes(parent) || !listed.has(parent))
  }

  inFileOrder(ids: Iterable<string>): string[] {
    return [...ids].sort((a, b) => this.entry(a).index - this.entry(b).index)
  }

  /** The given revisions, each after all it rests on; in the same order in every plan. */
  oldestFirst(ids: ReadonlySet<string>): string[] {
    return this.#oldestFirst.filter((id) => ids.has(id))
  }

  #reach(ids: Iterable<string>, edges: 'down' | 'parents' | 'children' | 'allChildren') {
    const reached = new Set(ids)
    // A set is iterated in insertion order, ids added meanwhile included: this is the whole walk.
    for (const id of reached) {
      for (const next of this.entry(id)[edges]) reached.add(next)
    }
    return reached
  }
}
