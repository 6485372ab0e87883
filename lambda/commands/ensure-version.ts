import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../errors.ts'
import { createTables, readFirstState, readState } from '../ledger/database-state.ts'
import { BatchExecutor } from '../run/batch-executor.ts'
import type { Status } from '../run/report.ts'
import { Session } from '../session/session.ts'
import type { CommandContext } from './context.ts'

export interface EnsureVersionReport {
  readonly status: Status
  readonly command: 'ensure-version'
  /** The version table, as SQL. */
  readonly table: string
  /** False: both tables were there. */
  readonly created: boolean
}

const POLL_MS = 500

/**
 * Creates the version table, the history table and the function for batches where they are missing, and nothing else.
 * Where the function cannot be made, the log says why.
 */
export async function ensureVersion(context: CommandContext): Promise<EnsureVersionReport> {
  const session = new Session(context.api, context.sessionOptions)
  let state = await readFirstState(context, session)
  const created = !state.ready
  while (!state.ready) {
    if (!(await createTables(session, context.table))) await sleep(POLL_MS)
    state = await readState(session, context.table)
    if (!state.ready && Date.now() > context.deadline) throw tooLong(context)
  }
  await new BatchExecutor(context, session).ensured(state)
  return { status: 'succeeded', command: 'ensure-version', table: context.table.versions, created }
}

function tooLong({ table }: CommandContext): CommandError {
  return new CommandError(
    'CannotCreateTables',
    `${table.versions} was not created in time, because another run holds the lock: run it again`,
  )
}
