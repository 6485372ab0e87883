import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../../lambda/errors.ts'
import { deploymentTarget } from '../../lambda/handlers/deployment-target.ts'
import type { Revision } from '../../lambda/revisions/revision.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import { planUpgrade } from '../../lambda/revisions/upgrade-plan.ts'
import { checkNodeVersion } from '../node-version.ts'
import { FROM_SOURCE } from '../own-package.ts'

/** What `bundle-process.ts` is asked for. */
export interface BundleRequest {
  /** Folder of the revision files. */
  readonly migrations: string
  /** Folder for the asset. */
  readonly out: string
}

/** A revision as the bundle holds it, without its functions. */
export type BundledRevision = Omit<Revision, 'upgrade' | 'downgrade'>

/** What it answers. */
export type BundleReply =
  | { readonly revisions: readonly BundledRevision[] }
  | { readonly error: string }

const PROGRAM = fileURLToPath(
  new URL(FROM_SOURCE ? './bundle-process.ts' : './bundle-process.js', import.meta.url),
)

/** The bundle of a migrations folder: the asset of all functions, and the graph in it, checked. */
export class BundledMigrations {
  /** Folder of the asset. */
  readonly folder: string
  /** Changes when a revision is added, removed, edited or put elsewhere in the graph, and with nothing else. */
  readonly hash: string
  readonly #map: RevisionMap | undefined

  /**
   * Bundles in another process and waits for it.
   *
   * `isRequired`: whether the asset is going to be used. When not, as for `cdk destroy` and for a stack that was not
   * asked for, it is a folder without a bundle, and nothing is checked.
   *
   * Throws an error that names the file and the fix when the folder, its index, a revision or the graph is wrong.
   */
  constructor(migrations: string, out: string, isRequired = true) {
    this.folder = out
    if (!isRequired) {
      mkdirSync(out, { recursive: true })
      this.hash = NOT_BUNDLED
      return
    }
    checkNodeVersion()
    if (!existsSync(migrations)) {
      throw new CommandError('MigrationsFolder', `there is no folder ${path.resolve(migrations)}`)
    }
    const revisions = runBundleProcess({ migrations, out })
    this.#map = new RevisionMap(revisions)
    this.hash = hashOf(revisions, this.#map)
  }

  /** Throws when an upgrade of an empty database to `target` cannot be planned, or may not be a deployment's. */
  checkTarget(target: string): void {
    const checked = deploymentTarget(target)
    if (this.#map) planUpgrade(this.#map, [], checked)
  }
}

const NOT_BUNDLED = 'not bundled'

function runBundleProcess(request: BundleRequest): readonly BundledRevision[] {
  const conditions = FROM_SOURCE ? ['--conditions=aurora-migrations-source'] : []
  const { stdout, status, error } = spawnSync(
    process.execPath,
    [...conditions, PROGRAM, JSON.stringify(request)],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: LONGEST_REPLY,
      timeout: LONGEST_MS,
    },
  )
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (error && code !== 'ETIMEDOUT') throw error
  const reply = replyIn(stdout)
  if (reply === undefined) throw noReply(code ?? `with the exit code ${status}`)
  if ('error' in reply) throw new CommandError('Bundle', reply.error)
  return reply.revisions
}

/** The last line, because a revision file may print something when it is loaded. */
function replyIn(stdout: string): BundleReply | undefined {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BundleReply
  } catch {
    return undefined
  }
}

function noReply(end: string): CommandError {
  return new CommandError(
    'Bundle',
    `bundling ended ${end} and without a result: the code of a revision file ends the process, or waits at its top for what never comes`,
  )
}

/** A file that waits longer at its top may wait for ever. */
const LONGEST_MS = 5 * 60_000

const LONGEST_REPLY = 64 * 2 ** 20

function hashOf(revisions: readonly BundledRevision[], map: RevisionMap): string {
  const byId = new Map(revisions.map((revision) => [revision.revision, revision]))
  const ordered = map.oldestFirst(new Set(map.ids)).map((id) => {
    // Only the digest: how it was made may change without any revision changing.
    return [id, map.entry(id).parents, byId.get(id)?.checksum?.slice(-64)]
  })
  return createHash('sha256').update(JSON.stringify(ordered)).digest('hex').slice(0, 32)
}
