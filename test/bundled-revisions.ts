import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle } from '../infra/bundle.ts'
import type { CodePipelineHandler, CustomResourceHandlers } from '../lambda/handlers/index.ts'
import type { createInvoke } from '../lambda/handlers/invoke.ts'

/** The handlers of a bundle, as Lambda would load them. */
export interface BundledHandlers extends CustomResourceHandlers {
  readonly invoke: ReturnType<typeof createInvoke>
  readonly codepipeline: CodePipelineHandler
}

/** A revision file whose upgrade is one SQL statement; without one it creates a table named after it. */
export interface RevisionText {
  readonly id: string
  readonly down?: string
  readonly doc?: string
  readonly sql?: string
}

export function revisionText({ id, down, doc = `doc of ${id}`, sql }: RevisionText): string {
  const text = (value: string | undefined) => JSON.stringify(value ?? null)
  const upgrade = sql ?? `create table "t_${id}" (id integer primary key)`
  return `import { defineRevision } from 'aurora-migrations'
export default defineRevision({
  revision: ${text(id)}, downRevision: ${text(down)}, doc: ${text(doc)},
  async upgrade(op) { await op.execute(${text(upgrade)}) },
  async downgrade(op) { await op.execute(${text(`drop table if exists "t_${id}"`)}) },
})
`
}

/** A migrations folder inside this package, where revision files find it. Remove it afterwards. */
export async function migrationsFolder(revisions: readonly RevisionText[]): Promise<string> {
  const folder = await mkdtemp(path.join(process.cwd(), '.aurora-test-'))
  for (const revision of revisions) {
    await writeFile(path.join(folder, `${revision.id.slice(0, 40)}.ts`), revisionText(revision))
  }
  return folder
}

/** Builds the real bundle of some revisions and loads its handlers. */
export async function bundledHandlers(
  revisions: readonly RevisionText[],
): Promise<BundledHandlers> {
  const migrations = await migrationsFolder(revisions)
  const out = await mkdtemp(path.join(tmpdir(), 'aurora-handlers-'))
  try {
    const { file, pipelineFile } = await bundle({ migrations, out })
    const load = (name: string) => import(pathToFileURL(name).href)
    return { ...(await load(file)), ...(await load(pipelineFile)) } as BundledHandlers
  } finally {
    await rm(migrations, { recursive: true, force: true })
    await rm(out, { recursive: true, force: true })
  }
}
