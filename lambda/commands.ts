/** One function per command of Alembic's; the handlers translate events to them, and back. */
export { type CheckReport, check } from './commands/check.ts'
export type { BundledRevisions, CommandContext } from './commands/context.ts'
export { type CurrentReport, current } from './commands/current.ts'
export { type EnsureVersionReport, ensureVersion } from './commands/ensure-version.ts'
export { errorReport } from './commands/error-report.ts'
export {
  bundleHistory,
  type HistoryOptions,
  type HistoryReport,
  history,
} from './commands/history.ts'
export { downgrade, stamp, type UpgradeOptions, upgrade } from './commands/move.ts'
export {
  type BranchesReport,
  type BranchPointReport,
  branches,
  heads,
  show,
} from './commands/revision-lists.ts'
export type { RevisionReport, RevisionsReport } from './commands/revision-report.ts'
export {
  downgradeScript,
  ensureVersionScript,
  type ScriptContext,
  type ScriptReport,
  stampScript,
  upgradeScript,
} from './commands/script.ts'
