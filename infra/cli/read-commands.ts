import type {
  BranchesReport,
  CheckReport,
  CurrentReport,
  EnsureVersionReport,
  HistoryReport,
  RevisionReport,
  RevisionsReport,
  ScriptReport,
} from '../../lambda/commands.ts'
import type { InvokeResponse } from '../../lambda/handlers/index.ts'
import type { InvokeEvent } from '../../lambda/handlers/invoke-request.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import type { Output } from './output.ts'
import type { Place } from './place.ts'
import { type LineOptions, revisionEntry, revisionLine } from './revision-lines.ts'
import { runLines } from './run-lines.ts'

/** What the commands that only read work with. */
export interface Reading {
  readonly place: Place
  readonly output: Output
  /** As messages name the folder of the revision files. */
  readonly folder: string
  readonly json: boolean
  readonly verbose: boolean
}

export function heads(
  reading: Reading,
  { resolveDependencies = false }: { readonly resolveDependencies?: boolean },
): Promise<number> {
  return read<RevisionsReport<'heads'>>(reading, { command: 'heads' }, ({ revisions }) => {
    const listed = revisions.filter((head) => !(resolveDependencies && head.effectiveHead))
    list(reading, listed, { branches: true, tree: false })
  })
}

export function branches(reading: Reading): Promise<number> {
  const { output, verbose, folder } = reading
  return read<BranchesReport>(reading, { command: 'branches' }, ({ revisions }) => {
    for (const point of revisions) {
      const line = { branches: true }
      output.print(verbose ? revisionEntry(point, folder) : revisionLine(point, line))
      const indent = ' '.repeat(point.revision.length)
      for (const next of point.into) {
        output.print(`${indent} -> ${revisionLine(next, { ...line, doc: verbose })}`)
      }
      output.print('')
    }
  })
}

export function show(reading: Reading, target: string): Promise<number> {
  const { output, folder } = reading
  return read<RevisionsReport<'show'>>(reading, { command: 'show', target }, ({ revisions }) => {
    for (const report of revisions) output.print(revisionEntry(report, folder))
  })
}

export async function current(
  reading: Reading,
  { checkHeads = false }: { readonly checkHeads?: boolean },
): Promise<number> {
  const { place, output, verbose } = reading
  const tell = ({ revisions, unknown, atHeads }: CurrentReport) => {
    if (verbose) output.print(`Current revision(s) for ${place.name}:`)
    list(reading, revisions)
    for (const row of unknown) {
      output.warn(`the version table holds ${row}, which is no revision of this folder`)
    }
    if (checkHeads && !atHeads) output.error('Database is not on all head revisions: run upgrade')
  }
  const code = ({ atHeads }: CurrentReport) => (checkHeads && !atHeads ? EXIT.failed : EXIT.ok)
  return await read(reading, { command: 'current' }, tell, code)
}

export interface HistoryOptions {
  readonly range: string
  readonly indicateCurrent: boolean
}

export function history(
  reading: Reading,
  { range, indicateCurrent }: HistoryOptions,
): Promise<number> {
  const event = { command: 'history', range, database: indicateCurrent, limit: 1 } as const
  return read<HistoryReport>(reading, event, ({ revisions, current: rows }) => {
    const current = indicateCurrent ? rows : []
    list(reading, revisions, { parents: true, branches: true, doc: true, current })
  })
}

/** What was run on the database. */
export function runs(reading: Reading, limit: number): Promise<number> {
  const event = { command: 'history', limit } as const
  return read<HistoryReport>(reading, event, (report) => {
    if (report.runs.length === 0) reading.output.note('nothing was run on this database yet')
    else reading.output.print(runLines(report.runs).join('\n'))
  })
}

export function check(
  reading: Reading,
  { strict = false }: { readonly strict?: boolean },
): Promise<number> {
  const { output, place } = reading
  return read<CheckReport>(reading, { command: 'check', strict }, (report) => {
    for (const warning of report.warnings) output.warn(warning)
    for (const problem of report.problems) output.error(problem)
    if (report.problems.length > 0) return
    const at = report.rows.join(', ') || 'base'
    const pending =
      report.pending.length > 0 ? `; upgrade applies ${report.pending.join(', ')}` : ''
    output.print(`no problems: ${place.name} is at ${at}${pending}`)
  })
}

export function ensureVersion(
  reading: Reading,
  { sql = false }: { readonly sql?: boolean },
): Promise<number> {
  const event = { command: 'ensure-version', sql } as const
  return read<EnsureVersionReport & ScriptReport>(reading, event, (report) => {
    if (report.script !== undefined) reading.output.script(report.script)
    else reading.output.print(`${report.table} ${report.created ? 'was created' : 'is there'}`)
  })
}

/** Sends an event and tells the answer, or prints it as JSON; answers the exit code. */
async function read<Answer extends InvokeResponse>(
  { place, output, json }: Reading,
  event: InvokeEvent,
  tell: (answer: Answer) => void,
  code: (answer: Answer) => number = exitCodeOf,
): Promise<number> {
  const response = await place.send(event)
  if (json) output.json(response)
  if ('error' in response && response.error) {
    output.error(response.error.message)
    return exitCodeOf(response)
  }
  const answer = response as Answer
  if (!json) tell(answer)
  return code(answer)
}

function list(
  { output, verbose, folder }: Reading,
  revisions: readonly RevisionReport[],
  options: LineOptions = {},
): void {
  for (const report of revisions) {
    output.print(
      verbose ? revisionEntry(report, folder, options.current) : revisionLine(report, options),
    )
  }
}
