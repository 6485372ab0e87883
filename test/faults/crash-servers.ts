import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Client } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import type { LocalAurora, LocalAuroraOptions } from '../../infra/local/local-aurora.ts'
import { testAurora } from '../local-aurora.ts'
import { crashBundle } from './crash-bundle.ts'
import { superuser } from './fault-database.ts'

/** What a test file needs whose runs are killed. */
export interface CrashServers {
  readonly aurora: LocalAurora
  readonly admin: Client
  /** The bundle that is run in processes of its own. */
  readonly file: string
}

/** Starts them for a test file; the function it answers is for within its tests. */
export function crashServers(options: Pick<LocalAuroraOptions, 'limits'> = {}): () => CrashServers {
  let folder: string
  let servers: CrashServers
  beforeAll(async () => {
    const aurora = await testAurora(options)
    folder = await mkdtemp(path.join(tmpdir(), 'aurora-crash-'))
    servers = {
      aurora,
      admin: await superuser(aurora, 'postgres'),
      file: await crashBundle(folder),
    }
  })
  afterAll(async () => {
    await servers.admin.end()
    await servers.aurora.stop()
    await rm(folder, { recursive: true, force: true })
  })
  return () => servers
}
