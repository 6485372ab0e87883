import { CommandError } from '../errors.ts'
import type { RunIdentity } from '../ledger/history.ts'
import { VersionTable, type VersionTableOptions } from '../ledger/version-table.ts'
import { OfflineDataApi } from '../offline/offline.ts'
import { ScriptTable } from '../offline/script-table.ts'
import { BASE } from '../revisions/identifiers.ts'
import { shown } from '../revisions/listed.ts'
import { revisionsNamed } from '../revisions/names.ts'
import type { ErrorReport, Report, Status } from '../run/report.ts'
import type { BundledRevisions, CommandContext } from './context.ts'
import { downgrade, stamp, upgrade } from './move.ts'

/** What a script is made from; no database is asked. */
export interface ScriptContext extends BundledRevisions {
  readonly table: VersionTableOptions
  /** For the history rows that the script writes. */
  readonly run: Omit<RunIdentity, 'runId' | 'source'>
  /** When the script must be written, in epoch milliseconds. Default: never. */
  readonly deadline?: number
  /** See {@link CommandContext}. */
  readonly moreTime?: string
}

export interface ScriptReport {
  readonly status: Status
  readonly command: string
  /** SQL for `psql -v ON_ERROR_STOP=1`; left out when there is an error. */
  readonly script?: string
  /** Left out when there are none. */
  readonly warnings?: readonly string[]
  readonly error?: ErrorReport
}

/** The script of `upgrade FROM:TO --sql`; without FROM it begins at base. */
export function upgradeScript(context: ScriptContext, range: string): Promise<ScriptReport> {
  const { from, to } = rangeOf('upgrade', range)
  return script(context, { command: 'upgrade', from, to }, (run) => upgrade(run, to))
}

/** The script of `downgrade FROM:TO --sql`. */
export function downgradeScript(context: ScriptContext, range: string): Promise<ScriptReport> {
  const { from, to } = rangeOf('downgrade', range)
  return script(context, { command: 'downgrade', from, to }, (run) => downgrade(run, to))
}

/** The script of `stamp [FROM:]TO… --sql`. */
export function stampScript(
  context: ScriptContext,
  targets: readonly string[],
): Promise<ScriptReport> {
  const ranges = targets.map((target) => rangeOf('stamp', target))
  const starts = new Set(ranges.filter((_, i) => targets[i]?.includes(':')).map(({ from }) => from))
  if (starts.size > 1) {
    throw new CommandError(
      'RangeNotAllowed',
      `stamp with --sql only supports a single starting revision at a time, and not ${[...starts].join(' and ')}: name it once`,
    )
  }
  const [from = BASE] = starts
  const to = ranges.map((range) => range.to)
  return script(context, { command: 'stamp', from, to: to.join(' ') }, (run) => stamp(run, to))
}

/** The script of `ensure-version --sql`. */
export function ensureVersionScript({ table }: Pick<ScriptContext, 'table'>): ScriptReport {
  const create = new VersionTable(table).createStatement()
  return { status: 'succeeded', command: 'ensure-version', script: `${create};\n` }
}

interface ScriptRange {
  readonly command: 'upgrade' | 'downgrade' | 'stamp'
  readonly from: string
  readonly to: string
}

/** Lets a command run as ever, on an API that writes instead. */
async function script(
  context: ScriptContext,
  { command, from, to }: ScriptRange,
  carryOut: (run: CommandContext) => Promise<Report>,
): Promise<ScriptReport> {
  const { map, revision, run, deadline = Number.POSITIVE_INFINITY, moreTime } = context
  const table = new ScriptTable({ ...context.table, map, rows: rowsNamed(context, from) })
  const files = map.ids.flatMap((id) => revision(id).file ?? [])
  const title = [
    shown(`${command} ${from}:${to}, written by aurora-migrations; run it with`),
    '  psql -v ON_ERROR_STOP=1 -f FILE',
  ]
  using api = new OfflineDataApi({ table, title, files })
  const { status, error, warnings } = await carryOut({
    api,
    table,
    offline: true,
    run: { ...run, runId: shown(`${command} ${from}:${to}`), source: 'offline' },
    log: { info: () => {}, warn: () => {} },
    deadline,
    ...(moreTime !== undefined && { moreTime }),
    secretChecked: Promise.resolve(),
    sessionOptions: {},
    // A script is not sent, and there is no database to make the function in that carries out batches.
    batching: false,
    map,
    revision,
  })
  const warned = warnings.length > 0 && { warnings }
  return { status, command, ...(error ? { error } : { script: api.script }), ...warned }
}

function rangeOf(command: string, range: string): { from: string; to: string } {
  const [from = '', to, ...others] = range.includes(':') ? range.split(':') : [BASE, range]
  if (!to || others.length > 0 || (command === 'downgrade' && !range.includes(':'))) {
    throw new CommandError(
      'RangeNeeded',
      `${command} with --sql requires <from>:<to>, and not '${shown(range)}': from is where the database stands, as in '${command} ${command === 'downgrade' ? 'ae1027a6acf0:base' : 'base:heads'} --sql'`,
    )
  }
  return { from: from || BASE, to }
}

/** The rows of a database that stands at these revisions, which commas separate. */
function rowsNamed({ map }: BundledRevisions, names: string): string[] {
  const ids = names.split(',').flatMap((name) => revisionsNamed(map, name.trim()))
  return map.inFileOrder(new Set(ids))
}
