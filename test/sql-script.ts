import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import { RdsDataApi } from '../lambda/data-api/rds-data-api.ts'
import { splitStatements } from '../lambda/sql/script.ts'

const run = promisify(execFile)

export const hasPsql = isThere('psql', ['--version'])

/** Whether a program can be run on this machine. */
export function isThere(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What a script did: nothing went wrong, or what psql said. */
export interface ScriptRun {
  readonly code: number
  readonly message: string
}

/** Runs a script as a person would, with psql; where that is missing, statement by statement through local Aurora. */
export async function runScript(
  aurora: LocalAurora,
  database: string,
  script: string,
): Promise<ScriptRun> {
  if (hasPsql) return await runWithPsql(aurora, database, script)
  console.warn('notice: psql is not installed, so the script runs through local Aurora')
  return await runThroughDataApi(aurora, database, script)
}

async function runWithPsql(
  aurora: LocalAurora,
  database: string,
  script: string,
): Promise<ScriptRun> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aurora-script-'))
  const file = path.join(folder, 'script.sql')
  await writeFile(file, script)
  const url = new URL(aurora.postgresUrl)
  url.pathname = `/${database}`
  const args = [
    '-X',
    '-q',
    '-v',
    'ON_ERROR_STOP=1',
    '-c',
    'set role migrator',
    '-f',
    file,
    url.href,
  ]
  try {
    await run('psql', args, { env: { ...process.env, LC_ALL: 'C', PGCLIENTENCODING: 'LATIN1' } })
    return { code: 0, message: '' }
  } catch (error) {
    const { code, stderr } = error as { readonly code: number; readonly stderr: string }
    return { code, message: stderr }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Each statement is one call; BEGIN and COMMIT are the calls of that name. */
export async function runThroughDataApi(
  aurora: LocalAurora,
  database: string,
  script: string,
): Promise<ScriptRun> {
  Object.assign(process.env, aurora.environment(database))
  const { clusterArn, secretArn } = aurora
  const api = new RdsDataApi({ clusterArn, secretArn, database })
  let transaction: string | undefined
  try {
    for (const { statement } of splitStatements(script)) {
      const { sql } = statement
      if (sql === 'BEGIN') transaction = await api.beginTransaction()
      else if (sql === 'COMMIT' && transaction) {
        await api.commitTransaction(transaction)
        transaction = undefined
      } else await api.execute({ sql }, transaction)
    }
    return { code: 0, message: '' }
  } catch (error) {
    if (transaction) await api.rollbackTransaction(transaction)
    return { code: 3, message: (error as Error).message }
  }
}
