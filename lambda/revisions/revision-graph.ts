import { CommandError } from '../errors.ts'
import { checkBranchLabel, checkRevisionId } from './identifiers.ts'
import { listed, shown } from './listed.ts'
import { parentsFirst } from './parents-first.ts'

/** What the graph needs to know of a revision file; a `Revision` is one. */
export interface RevisionNode {
  readonly revision: string
  readonly downRevision: string | readonly string[] | null
  readonly branchLabels?: readonly string[] | undefined
  readonly dependsOn?: readonly string[] | undefined
  /** Where it was read from, for messages about duplicate ids and unknown parents. */
  readonly file?: string | undefined
}

/** A revision and its neighbours. Versioned means through `downRevision` only. */
export interface GraphEntry {
  readonly id: string
  /** The place in file order, which breaks ties. */
  readonly index: number
  readonly down: readonly string[]
  /** The revisions it depends on, branch labels resolved. */
  readonly dependsOn: readonly string[]
  /** `down` and `dependsOn` together. */
  readonly parents: readonly string[]
  /** The revisions that have this one as a down revision. */
  readonly children: readonly string[]
  /** `children`, and the revisions that depend on this one. */
  readonly allChildren: readonly string[]
}

export interface RevisionGraph {
  /** In file order. */
  readonly entries: ReadonlyMap<string, GraphEntry>
  /** The one revision that carries each branch label. */
  readonly labelOwners: ReadonlyMap<string, string>
  /** Every id, each after all it rests on. */
  readonly oldestFirst: readonly string[]
}

// Most revisions have no dependencies and many no children: they share this list, which never changes.
const NONE: string[] = []

type Draft = { -readonly [Field in keyof GraphEntry]: GraphEntry[Field] } & {
  children: string[]
  allChildren: string[]
}

/**
 * Links the revisions of a directory, given in file order.
 *
 * @throws CommandError with Alembic's kind for the first thing wrong with the directory.
 */
export function linkGraph(nodes: readonly RevisionNode[]): RevisionGraph {
  for (const node of nodes) checkNode(node)
  const entries = new Map<string, Draft>()
  for (const node of nodes) {
    const first = entries.get(node.revision)
    if (first !== undefined) throw duplicate(nodes[first.index] ?? node, node)
    entries.set(node.revision, draftOf(node, entries.size))
  }
  const labelOwners = indexByLabel(nodes, entries)
  for (const entry of entries.values()) linkDownRevisions(entry, nodes, entries)
  for (const entry of entries.values()) entry.allChildren = entry.children
  for (const node of nodes) {
    const dependsOn = idList(node.dependsOn)
    if (dependsOn.length > 0) linkDependencies(node, dependsOn, entries, labelOwners)
  }
  return { entries, labelOwners, oldestFirst: inOrder(entries) }
}

function draftOf({ revision, downRevision }: RevisionNode, index: number): Draft {
  const down = idList(downRevision)
  const unlinked = { dependsOn: NONE, parents: down, children: NONE, allChildren: NONE }
  return { id: revision, index, down, ...unlinked }
}

function linkDownRevisions(
  entry: Draft,
  nodes: readonly RevisionNode[],
  entries: ReadonlyMap<string, Draft>,
): void {
  for (const id of entry.down) {
    const parent = entries.get(id)
    if (parent === undefined) throw missingDownRevision(id, nodes[entry.index])
    if (parent.children === NONE) parent.children = [entry.id]
    else parent.children.push(entry.id)
  }
}

function linkDependencies(
  node: RevisionNode,
  names: readonly string[],
  entries: ReadonlyMap<string, Draft>,
  labelOwners: ReadonlyMap<string, string>,
): void {
  const entry = entries.get(node.revision)
  if (entry === undefined) return
  const dependencies = new Set<string>()
  for (const name of names) {
    const dependency = entries.get(name) ?? entries.get(labelOwners.get(name) ?? '')
    if (dependency === undefined) throw unknownDependency(name, node)
    if (dependencies.has(dependency.id)) continue
    dependencies.add(dependency.id)
    if (entry.down.includes(dependency.id)) continue
    // Without dependents the two are one list.
    if (dependency.allChildren === dependency.children) {
      dependency.allChildren = [...dependency.children]
    }
    dependency.allChildren.push(entry.id)
  }
  entry.dependsOn = [...dependencies]
  entry.parents = [...new Set([...entry.down, ...dependencies])]
}

function checkNode(node: RevisionNode): void {
  const { revision, downRevision, file } = node
  if (downRevision === undefined) {
    throw new CommandError(
      'MissingDownRevision',
      `Revision ${named(node)} has no downRevision; give the id it follows, or null for a base`,
    )
  }
  if (idList(downRevision).includes(revision)) {
    throw new CommandError(
      'LoopDetected',
      `Self-loop is detected in revisions (${revision}): ${named(node)} names itself as its ` +
        'downRevision; give the id it follows, or null for a base',
    )
  }
  if (idList(node.dependsOn).includes(revision)) {
    throw new CommandError(
      'DependencyLoopDetected',
      `Dependency self-loop is detected in revisions (${revision}): ${named(node)} depends on ` +
        'itself; remove it from dependsOn',
    )
  }
  checkRevisionId(revision, file)
}

function duplicate(first: RevisionNode, second: RevisionNode): CommandError {
  return new CommandError(
    'DuplicateRevision',
    `Revision ${first.revision} is present more than once: ${placeOf(first)} and ` +
      `${placeOf(second)}; give one of them another id`,
  )
}

function indexByLabel(
  nodes: readonly RevisionNode[],
  entries: ReadonlyMap<string, GraphEntry>,
): Map<string, string> {
  const owners = new Map<string, string>()
  for (const { revision, branchLabels } of nodes) {
    for (const label of idList(branchLabels)) {
      checkBranchLabel(label, revision)
      const owner = entries.has(label) ? label : owners.get(label)
      if (owner !== undefined) {
        const use = entries.has(label) ? 'as the id of' : 'by'
        throw new CommandError(
          'DuplicateBranchLabel',
          `Branch name '${label}' in revision ${revision} already used ${use} revision ${owner}; ` +
            'a branch label must differ from every id and every other label',
        )
      }
      owners.set(label, revision)
    }
  }
  return owners
}

function missingDownRevision(id: string, node: RevisionNode | undefined): CommandError {
  return new CommandError(
    'MissingDownRevision',
    `Revision '${shown(id)}' referenced from downRevision of ${node && named(node)} is not present; ` +
      'add its file, or give the whole id of a revision of this directory',
  )
}

function unknownDependency(name: string, node: RevisionNode): CommandError {
  return new CommandError(
    'UnknownDependency',
    `Revision '${shown(name)}' referenced from dependsOn of ${named(node)} is not present; ` +
      'give a whole revision id or a branch label of this directory',
  )
}

function inOrder(entries: ReadonlyMap<string, GraphEntry>): string[] {
  const ids = [...entries.keys()]
  const tips = ids.filter((id) => entries.get(id)?.allChildren.length === 0)
  // From the tips down, so that a line stays together; only a cycle is not reached from there.
  const search = (edges: 'down' | 'parents', onCycle: (cycle: string[]) => never) =>
    parentsFirst([...ids, ...tips], (id) => entries.get(id)?.[edges] ?? NONE, onCycle)
  return search('parents', (cycle) => {
    // One over down revisions alone goes first, as it is the plainer mistake.
    search('down', (plain) => {
      throw cycleDetected('CycleDetected', 'Cycle', 'downRevision', plain)
    })
    const fields = 'downRevision and dependsOn'
    throw cycleDetected('DependencyCycleDetected', 'Dependency cycle', fields, cycle)
  })
}

function cycleDetected(kind: string, what: string, fields: string, cycle: string[]): CommandError {
  return new CommandError(
    kind,
    `${what} is detected in revisions (${listed(cycle)}): by ${fields} each of them needs the ` +
      'next, and the last the first; cut one of these links',
  )
}

// JavaScript revision files are not type-checked, and Alembic takes a string for a list of one.
function idList(ids: string | readonly string[] | null | undefined): string[] {
  if (ids === null || ids === undefined) return NONE
  return typeof ids === 'string' ? [ids] : [...new Set(ids)]
}

function named({ revision, file }: RevisionNode): string {
  return file === undefined ? revision : `${revision} (${file})`
}

function placeOf({ file, downRevision }: RevisionNode): string {
  return file ?? `the one after ${idList(downRevision).join(', ') || 'base'}`
}
