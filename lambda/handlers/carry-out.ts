import {
  type BranchesReport,
  type BundledRevisions,
  branches,
  bundleHistory,
  type CheckReport,
  type CommandContext,
  type CurrentReport,
  check,
  current,
  downgrade,
  downgradeScript,
  type EnsureVersionReport,
  ensureVersion,
  ensureVersionScript,
  type HistoryReport,
  heads,
  history,
  type RevisionsReport,
  type ScriptContext,
  type ScriptReport,
  show,
  stamp,
  stampScript,
  upgrade,
  upgradeScript,
} from '../commands.ts'
import type { TransactionMode } from '../config.ts'
import { CommandError } from '../errors.ts'
import type { Report } from '../run/report.ts'
import type { InvokeRequest } from './invoke-request.ts'

/** What a command answers when it could be begun. */
export type CommandReport =
  | Report
  | CurrentReport
  | HistoryReport
  | CheckReport
  | EnsureVersionReport
  | ScriptReport
  | BranchesReport
  | RevisionsReport<'heads'>
  | RevisionsReport<'show'>

/** Carries out a request on a database. */
export async function carryOut(
  request: InvokeRequest,
  context: CommandContext,
): Promise<CommandReport> {
  switch (request.command) {
    case 'upgrade':
      return upgrade(asAsked(context, request), request.target, request)
    case 'downgrade':
      return downgrade(asAsked(context, request), request.target)
    case 'stamp':
      return stamp(asAsked(context, request), [request.target].flat(), request)
    case 'current':
      return current(context)
    case 'show':
      return { ...(await current(context)), command: 'show' }
    case 'history':
      return history(context, request)
    case 'check':
      return check(context, request)
    case 'ensure-version':
      return ensureVersion(context)
    default:
      throw unreachable(request)
  }
}

interface Asked {
  readonly transaction?: TransactionMode | undefined
  readonly verbose: boolean
}

function asAsked(context: CommandContext, { transaction, verbose }: Asked): CommandContext {
  return { ...context, ...(transaction !== undefined && { transaction }), verbose }
}

/** Carries out a request that needs no database. */
export async function carryOutAlone(
  request: InvokeRequest,
  revisions: BundledRevisions,
  forScript: Omit<ScriptContext, keyof BundledRevisions>,
): Promise<CommandReport> {
  const context = { ...revisions, ...forScript }
  switch (request.command) {
    case 'heads':
      return heads(revisions)
    case 'branches':
      return branches(revisions)
    case 'show':
      return show(revisions, request.target)
    case 'history':
      return bundleHistory(revisions, request)
    case 'upgrade':
      return upgradeScript(context, request.target)
    case 'downgrade':
      return downgradeScript(context, request.target)
    case 'stamp':
      return stampScript(context, [request.target].flat())
    case 'ensure-version':
      return ensureVersionScript(context)
    default:
      throw unreachable(request)
  }
}

function unreachable({ command }: { readonly command: string }): CommandError {
  return new CommandError('BadRequest', `${command} cannot be carried out here`)
}
