import path from 'node:path'
import { revisionFiles } from '../infra/revision-files.ts'
import type { Revision } from '../lambda/revisions/revision.ts'

/** The revisions of `migrations/`, from their sources. */
export async function exampleRevisions(): Promise<readonly Revision[]> {
  const folder = path.resolve(import.meta.dirname, '../migrations')
  const files = await revisionFiles(folder)
  return Promise.all(
    files.map(async (file) => ({ ...(await import(path.join(folder, file))).default, file })),
  )
}
