import { CommandError } from '../errors.ts'
import { checkBranchLabel, checkRevisionId } from './identifiers.ts'
import { listed } from './listed.ts'
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

const NONE: readonly string[] = []

/**
 * Links the revisions of a directory, given in file order.
 *
 * @throws CommandError with Alembic's kind for the first thing wrong with the directory.
 */
export function linkGraph(nodes: readonly RevisionNode[]): RevisionGraph {
  for (const node of nodes) checkNode(node)
  const files = indexById(nodes)
  const labelOwners = indexByLabel(nodes, files)
  const links = nodes.map((node) => ({
    id: node.revision,
    down: downRevisionsOf(node, files),
    dependsOn: dependenciesOf(node, files, labelOwners),
  }))
  const children = new Map<string, string[]>()
  const dependents = new Map<string, string[]>()
  for (const { id, down, dependsOn } of links) {
    for (const parent of down) append(children, parent, id)
    for (const parent of dependsOn) append(dependents, parent, id)
  }
  const entries = new Map<string, GraphEntry>()
  for (const { id, down, dependsOn } of links) {
    const ownChildren = children.get(id) ?? NONE
    entries.set(id, {
      id,
      index: entries.size,
      down,
      dependsOn,
      parents: union(down, dependsOn),
      children: ownChildren,
      allChildren: union(ownChildren, dependents.get(id) ?? NONE),
    })
  }
  return { entries, labelOwners, oldestFirst: inOrder(entries) }
}

function append(lists: Map<string, string[]>, key: string, id: string): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [id])
  else list.push(id)
}

function union(some: readonly string[], others: readonly string[]): readonly string[] {
  return others.length === 0 ? some : [...new Set([...some, ...others])]
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

function indexById(nodes: readonly RevisionNode[]): Map<string, RevisionNode> {
  const files = new Map<string, RevisionNode>()
  for (const node of nodes) {
    const first = files.get(node.revision)
    if (first !== undefined) {
      throw new CommandError(
        'DuplicateRevision',
        `Revision ${node.revision} is present more than once: ${placeOf(first)} and ` +
          `${placeOf(node)}; give one of them another id`,
      )
    }
    files.set(node.revision, node)
  }
  return files
}

function indexByLabel(
  nodes: readonly RevisionNode[],
  files: ReadonlyMap<string, RevisionNode>,
): Map<string, string> {
  const owners = new Map<string, string>()
  for (const { revision, branchLabels } of nodes) {
    for (const label of idList(branchLabels)) {
      checkBranchLabel(label, revision)
      const owner = files.has(label) ? label : owners.get(label)
      if (owner !== undefined) {
        const use = files.has(label) ? 'as the id of' : 'by'
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

function downRevisionsOf(
  node: RevisionNode,
  files: ReadonlyMap<string, RevisionNode>,
): readonly string[] {
  const down = idList(node.downRevision)
  const missing = down.find((id) => !files.has(id))
  if (missing === undefined) return down
  throw new CommandError(
    'MissingDownRevision',
    `Revision '${missing}' referenced from downRevision of ${named(node)} is not present; ` +
      'add its file, or give the whole id of a revision of this directory',
  )
}

function dependenciesOf(
  node: RevisionNode,
  files: ReadonlyMap<string, RevisionNode>,
  labelOwners: ReadonlyMap<string, string>,
): readonly string[] {
  const resolved = idList(node.dependsOn).map((name) => {
    const id = files.has(name) ? name : labelOwners.get(name)
    if (id !== undefined) return id
    throw new CommandError(
      'UnknownDependency',
      `Revision '${name}' referenced from dependsOn of ${named(node)} is not present; ` +
        'give a whole revision id or a branch label of this directory',
    )
  })
  return resolved.length < 2 ? resolved : [...new Set(resolved)]
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
function idList(ids: string | readonly string[] | null | undefined): readonly string[] {
  if (ids === null || ids === undefined) return NONE
  return typeof ids === 'string' ? [ids] : [...new Set(ids)]
}

function named({ revision, file }: RevisionNode): string {
  return file === undefined ? revision : `${revision} (${file})`
}

function placeOf({ file, downRevision }: RevisionNode): string {
  return file ?? `the one after ${idList(downRevision).join(', ') || 'base'}`
}
