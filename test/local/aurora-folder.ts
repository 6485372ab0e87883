import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type LocalAurora, startLocalAurora } from '../../infra/local/local-aurora.ts'
import { Caller } from './data-api-caller.ts'

/** A folder of one test for a local Aurora with an embedded PostgreSQL of its own. */
export class AuroraFolder {
  /** What stands for the project's folder; removed after the test. */
  readonly project = mkdtempSync(join(tmpdir(), 'aurora-embedded-'))
  readonly directory = join(this.project, '.aurora')
  readonly data = join(this.directory, 'data')

  constructor() {
    chmodSync(this.project, 0o755)
    onTestFinished(() => rmSync(this.project, { recursive: true, force: true }))
  }

  start(): Promise<LocalAurora> {
    return startLocalAurora({ directory: this.directory, durability: false })
  }
}

/** Makes a database with one row in it. */
export async function remember(aurora: LocalAurora): Promise<void> {
  await aurora.createDatabase('kept')
  await new Caller(aurora, 'kept').execute('create table t as select 42 as answer')
}

/** The row made by `remember`: 42. */
export async function recall(aurora: LocalAurora): Promise<number | undefined> {
  return (await new Caller(aurora, 'kept').value('select answer from t')).longValue
}
