import { CommandError } from '../errors.ts'
import { BASE } from './identifiers.ts'
import { listed, shown } from './listed.ts'
import type { RevisionMap } from './revision-map.ts'

// Alembic completes a partial name only to ids and labels of at least this length.
const MIN_COMPLETED_LENGTH = 4

/** `[BRANCH@]NAME`, split at the first `@`; an empty BRANCH counts as none. */
export function splitBranch(text: string): { branch: string | undefined; name: string } {
  const at = text.indexOf('@')
  return { branch: text.slice(0, Math.max(at, 0)) || undefined, name: text.slice(at + 1) }
}

/**
 * The revisions that `[BRANCH@]NAME` stands for: none for `base`, several perhaps for `heads`.
 *
 * NAME is `base`, `head`, `heads`, an id, a branch label or the unambiguous beginning of either.
 *
 * @throws CommandError RevisionNotFound, AmbiguousPrefix, NoSuchBranch, NotOnBranch, MultipleHeads
 */
export function revisionsNamed(map: RevisionMap, text: string): string[] {
  const { branch, name } = splitBranch(text)
  const onBranch = branchFilter(map, branch)
  if (name === BASE) return []
  if (name === 'heads') return branch === undefined ? [...map.realHeads] : onBranch(map.heads)
  if (name !== 'head') return [locate(map, name, branch)]
  const heads = onBranch(map.heads)
  if (heads.length > 1) throw multipleHeads(text, heads)
  return heads
}

/** The one revision that a name stands for, or `base`. */
export function revisionNamed(map: RevisionMap, text: string): string {
  const [revision, ...others] = revisionsNamed(map, text)
  if (revision === undefined) return BASE
  if (others.length > 0) throw multipleHeads(text, [revision, ...others])
  return revision
}

/** The revision that a BRANCH stands for: the one that carries the label, not the head above it. */
export function branchRevision(map: RevisionMap, branch: string): string {
  try {
    return locate(map, branch)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    throw new CommandError(
      'NoSuchBranch',
      `Can't locate revision identified by '${shown(branch)}': there is no such branch; ` +
        `branch labels are ${listed([...map.labelOwners.keys()])}; an id does as well`,
      { cause: error },
    )
  }
}

/**
 * Keeps those of some revisions that are on BRANCH: in one line with its revision, by `downRevision`.
 *
 * BRANCH is looked up when there is something to filter, and once only.
 */
export function branchFilter(
  map: RevisionMap,
  branch: string | undefined,
): (ids: readonly string[]) => string[] {
  let line: ReadonlySet<string> | undefined
  return (ids) => {
    if (branch === undefined || ids.length === 0) return [...ids]
    line ??= map.lineage([locate(map, branch)])
    return ids.filter((id) => line?.has(id))
  }
}

export function notOnBranch(name: string, revision: string, branch = ''): CommandError {
  return new CommandError(
    'NotOnBranch',
    `Can't locate revision identified by '${shown(name)}': revision ${revision} is not on branch ` +
      `'${shown(branch)}'; leave out '${shown(branch)}@' or name a revision of that branch`,
  )
}

function locate(map: RevisionMap, name: string, branch?: string): string {
  const line = branch === undefined ? undefined : map.lineage([branchRevision(map, branch)])
  const exact = map.has(name) ? name : map.labelOwners.get(name)
  const revision = exact ?? complete(map, name, line)
  if (line !== undefined && !line.has(revision)) {
    throw notOnBranch(name, revision, branch)
  }
  return revision
}

function complete(map: RevisionMap, name: string, line: ReadonlySet<string> | undefined): string {
  const owner = (found: string) => map.labelOwners.get(found) ?? found
  const found = [...map.ids, ...map.labelOwners.keys()].filter(
    (full) =>
      name !== '' &&
      full.startsWith(name) &&
      [...full].length >= MIN_COMPLETED_LENGTH &&
      (line === undefined || line.has(owner(full))),
  )
  const [only] = found
  if (only === undefined) {
    throw new CommandError(
      'RevisionNotFound',
      `Can't locate revision identified by '${shown(name)}'; known heads are ${listed(map.heads)}; ` +
        'run history to list all',
    )
  }
  if (found.length > 1) {
    throw new CommandError(
      'AmbiguousPrefix',
      `Can't locate revision identified by '${shown(name)}': ${listed(found)} begin with it; ` +
        'type more of the one you mean',
    )
  }
  return owner(only)
}

function multipleHeads(argument: string, heads: readonly string[]): CommandError {
  return new CommandError(
    'MultipleHeads',
    `Multiple head revisions are present for given argument '${shown(argument)}': ${listed(heads)}; ` +
      "name one of them, or its branch as in 'LABEL@head', or say 'heads' for all, or merge them",
  )
}
